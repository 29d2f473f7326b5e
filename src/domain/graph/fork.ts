import { type StepRow, satisfies } from "../task/step.js";
import { type MemberStep, type NewStep, rebuiltSteps } from "./graph.js";
import type { Plan, StepPlan } from "./plan.js";

/** The graph of a Task that goes on from what another one has done. */
export interface ForkGraph {
  /** The Steps whose results are taken over, as that Task has them, by name. */
  readonly kept: ReadonlyMap<string, StepRow>;
  /** All Steps of the new Task, in an order in which they can run. */
  readonly steps: readonly NewStep[];
}

/**
 * Which Steps of an ended Task are taken over by a new one that begins with these, and the graph of that one.
 *
 * Taken over is what has completed and does not come after one of them. A batch and its members are taken over as a whole or
 * not at all; a map without its members, as its result is all that others see of it. What a decision or a batch has made
 * follows from it: if that one is done anew, so is all it has made.
 *
 * @param from names of Steps of the Task
 */
export function forkGraph(plan: Plan, old: readonly StepRow[], from: readonly string[]): ForkGraph {
  const anew = new StepsAnew(old);
  for (const name of from) anew.add(name);
  for (const step of old) if (step.spec.batch && satisfies(step) && !isWhole(step, anew)) anew.add(step.name);
  while (addDecisions(plan, anew)) {
    // Each turn adds a decision at least.
  }

  const kept = new Map(old.filter((step) => isKept(step, anew)).map((step) => [step.name, step]));
  return { kept, steps: rebuiltSteps(plan, choices(plan, old, kept), membersOf(plan, old, kept)) };
}

/** Steps that are done anew, with all that comes after them. */
class StepsAnew {
  readonly byName: ReadonlyMap<string, StepRow>;
  readonly #names = new Set<string>();

  constructor(old: readonly StepRow[]) {
    this.byName = new Map(old.map((step) => [step.name, step]));
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  add(first: string): void {
    const open = [first];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      const step = this.byName.get(name);
      if (!step || this.#names.has(name)) continue;
      this.#names.add(name);
      const group = step.spec.member?.group ?? "";
      open.push(...step.dependants, ...step.members, ...(group === "" ? [] : [group]));
    }
  }
}

/** True if every member of the batch has done its part. One whose failure fails the Task in the end has not. */
function isWhole({ members }: StepRow, { byName }: StepsAnew): boolean {
  return members.every((name) => {
    const member = byName.get(name);
    return (
      member && satisfies(member) && !(member.state === "error" && member.spec.member?.failure === "isolate")
    );
  });
}

function isKept(step: StepRow, anew: StepsAnew): boolean {
  if (!satisfies(step) || anew.has(step.name)) return false;
  const group = step.spec.member && anew.byName.get(step.spec.member.group);
  return !group?.spec.map;
}

/**
 * A Step that several decisions may choose does not say which of them has. So these are done anew together.
 *
 * @returns true if there was one more
 */
function addDecisions(plan: Plan, anew: StepsAnew): boolean {
  let added = false;
  for (const step of plan.steps) {
    const made = decisionsBefore(plan, step).filter((name) => anew.byName.has(name));
    if (!made.some((name) => anew.has(name))) continue;
    for (const name of made.filter((each) => !anew.has(each))) {
      anew.add(name);
      added = true;
    }
  }
  return added;
}

function decisionsBefore(plan: Plan, { dependsOn }: StepPlan): string[] {
  return dependsOn.filter((name) => plan.steps.find((step) => step.name === name)?.spec.type === "decision");
}

/** The branches that were chosen by decisions which are taken over. */
function choices(
  plan: Plan,
  old: readonly StepRow[],
  kept: ReadonlyMap<string, StepRow>,
): ReadonlySet<string> {
  const there = new Set(old.map(({ spec }) => spec.planned));
  const chosen = plan.steps.filter(
    (step) => there.has(step.name) && decisionsBefore(plan, step).some((name) => kept.has(name)),
  );
  return new Set(chosen.map(({ name }) => name));
}

/** The members of the batches that are taken over, by batch. */
function membersOf(
  plan: Plan,
  old: readonly StepRow[],
  kept: ReadonlyMap<string, StepRow>,
): ReadonlyMap<string, readonly MemberStep[]> {
  const planned = new Map(plan.steps.map((step) => [step.name, step]));
  const groups = new Map<string, MemberStep[]>();
  for (const { name, spec } of old) {
    const worker = planned.get(spec.planned);
    if (!spec.member || !worker || !kept.has(name)) continue;
    const members = groups.get(spec.member.group) ?? [];
    groups.set(spec.member.group, members);
    members.push({ name, worker, member: spec.member });
  }
  return groups;
}
