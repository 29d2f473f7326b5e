import { hasEnded, type StepRow } from "../task/step.js";
import type { Membership, Plan, StepPlan, StepSpec } from "./plan.js";

/** A Step to create, with the names of the Steps that it depends on. */
export interface NewStep {
  readonly name: string;
  readonly planned: StepPlan;
  readonly dependsOn: readonly string[];
  readonly member?: Membership;
}

/** The Steps and dependencies to add when a Task begins, or when a decision or a batch has its result. */
export interface Expansion {
  /** In an order in which they can run. */
  readonly newSteps: readonly NewStep[];
  /** Further dependencies of existing Steps, by the name of the Step. */
  readonly extraDependencies: ReadonlyMap<string, readonly string[]>;
}

/** The Steps with which a Task begins: all that do not depend on the result of a decision or a batch. */
export function firstSteps(plan: Plan): readonly NewStep[] {
  return new GraphExpander(plan, []).grow().newSteps;
}

/** What a decision's choice adds to the existing Steps. Check the chosen names before by {@link branchesOf}. */
export function chosenSteps(
  plan: Plan,
  there: readonly StepRow[],
  decision: string,
  chosen: readonly string[],
): Expansion {
  return new GraphExpander(plan, there, decision).grow(new Set(chosen));
}

/** What a batch adds: its members, and the Steps that depend on them. */
export function batchSteps(
  plan: Plan,
  there: readonly StepRow[],
  batch: string,
  worker: StepPlan,
  members: readonly { readonly name: string; readonly member: Membership }[],
): Expansion {
  const expander = new GraphExpander(plan, there, batch);
  expander.addMembers(worker, batch, members);
  return expander.grow();
}

/** The steps that a decision may choose: those of the plan that are reachable from it. */
export function branchesOf(plan: Plan, decision: string): ReadonlySet<string> {
  return reachable(plan, [decision]);
}

/** The Steps whose results form the Task's result: no other Step depends on them. */
export function sinksOf<Step extends Pick<StepRow, "name" | "dependsOn">>(steps: readonly Step[]): Step[] {
  const followed = new Set(steps.flatMap(({ dependsOn }) => dependsOn));
  return steps.filter(({ name }) => !followed.has(name));
}

/** All direct and indirect dependencies of a Step. */
export function ancestorsOf(
  steps: readonly Pick<StepRow, "name" | "dependsOn" | "members" | "spec">[],
  name: string,
): ReadonlySet<string> {
  const byName = new Map(steps.map((step) => [step.name, step]));
  const beforeIt = (at: string): readonly string[] => {
    const step = byName.get(at);
    const maker = step?.spec.member ? byName.get(step.spec.member.group) : undefined;
    // A member of a map has the dependencies of the map: it may read their results.
    const makers = maker?.spec.map ? maker.dependsOn.filter((other) => !maker.members.includes(other)) : [];
    return [...(step?.dependsOn ?? []), ...makers];
  };
  const found = new Set<string>();
  const open = [name];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const before of beforeIt(next)) {
      if (found.has(before)) continue;
      found.add(before);
      open.push(before);
    }
  }
  return found;
}

/** Adds Steps of a plan, in one pass in its order. */
class GraphExpander {
  readonly #plan: Plan;
  readonly #there: readonly StepRow[];
  /** The decision or batch that has its result now, or empty. */
  readonly #source: string;
  readonly #types: ReadonlyMap<string, string>;
  /** The names of the Steps created from each step of the plan. */
  readonly #made = new Map<string, string[]>();
  readonly #sprouts: NewStep[] = [];
  #members: () => readonly NewStep[] = () => [];
  /** Decisions and batches that may still add Steps, each with the steps that can follow from it. */
  readonly #undecided: { readonly name: string; readonly reach: ReadonlySet<string> }[] = [];

  constructor(plan: Plan, there: readonly StepRow[], source = "") {
    this.#plan = plan;
    this.#there = there;
    this.#source = source;
    this.#types = new Map(plan.steps.map(({ name, spec }) => [name, spec.type]));
    for (const { name, spec, state } of there) {
      // A map completes for its members: its dependants depend on the map alone, and get its list.
      if (spec.member && this.#types.get(spec.planned) === "map") continue;
      const made = this.#made.get(spec.planned);
      if (made) made.push(name);
      else this.#made.set(spec.planned, [name]);
      // A decision that failed may be retried by an operator while its Task waits for one.
      const open = !hasEnded(state) || state === "error";
      if (open && name !== source) this.#noteUndecided(name, spec.type);
    }
  }

  addMembers(
    worker: StepPlan,
    batch: string,
    members: readonly { readonly name: string; readonly member: Membership }[],
  ): void {
    const names = members.map(({ name }) => name);
    this.#made.set(worker.name, names);
    // Their dependencies are known once all Steps of this expansion are.
    this.#members = () => {
      const dependsOn = [...new Set([batch, ...this.#waitsFor(worker, false)])];
      return members.map(({ name, member }) => ({ name, planned: worker, dependsOn, member }));
    };
  }

  grow(chosen: ReadonlySet<string> = new Set()): Expansion {
    for (const step of this.#plan.steps) {
      if (this.#made.has(step.name) || step.spec.type === "batch_worker") continue;
      if (!chosen.has(step.name) && !this.#comesByItself(step)) continue;
      const { name } = step;
      this.#made.set(name, [name]);
      this.#sprouts.push({ name, planned: step, dependsOn: this.#waitsFor(step, chosen.has(name)) });
      this.#noteUndecided(name, step.spec.type);
    }
    return { newSteps: [...this.#members(), ...this.#sprouts], extraDependencies: this.#newTies() };
  }

  /**
   * True if a step of the plan becomes a Step now. A branch does when a decision selects it; a convergence when any of
   * its dependencies exists; any other step when all of its dependencies exist.
   */
  #comesByItself({ spec, dependsOn }: StepPlan): boolean {
    if (spec.type === "deferred_convergence" && dependsOn.length > 0) {
      return dependsOn.some((name) => this.#made.has(name) && this.#types.get(name) !== "decision");
    }
    return dependsOn.every((name) => this.#made.has(name) && this.#types.get(name) !== "decision");
  }

  #waitsFor(step: StepPlan, chosen: boolean): string[] {
    const names = step.dependsOn.flatMap((name) => this.#madeOf(name));
    if (waitsForMore(step.spec)) names.push(...this.#stillToCome(step));
    // A branch depends on its decision, also in place of dependencies that were not chosen with it.
    if (chosen && step.dependsOn.some((name) => !this.#made.has(name))) names.push(this.#source);
    return [...new Set(names)];
  }

  /** The open decisions and batches that may still add a dependency of the step. */
  #stillToCome({ dependsOn }: StepPlan): string[] {
    const missing = dependsOn.filter((name) => !this.#made.has(name));
    return this.#undecided
      .filter(({ reach }) => missing.some((name) => reach.has(name)))
      .map(({ name }) => name);
  }

  /** Further dependencies of existing convergences, and of members of batches. */
  #newTies(): Map<string, readonly string[]> {
    const extraDependencies = new Map<string, readonly string[]>();
    const planned = new Map(this.#plan.steps.map((step) => [step.name, step]));
    for (const row of this.#there) {
      const step = planned.get(row.spec.planned);
      if (!step || !waitsForMore(row.spec) || row.state !== "pending") continue;
      const more = this.#waitsFor(step, false).filter((name) => !row.dependsOn.includes(name));
      if (more.length > 0) extraDependencies.set(row.name, more);
    }
    return extraDependencies;
  }

  #madeOf(name: string): readonly string[] {
    return this.#made.get(name) ?? [];
  }

  #noteUndecided(name: string, type: string): void {
    if (type !== "decision" && type !== "batchable") return;
    this.#undecided.push({ name, reach: reachable(this.#plan, [name]) });
  }
}

/** True for a convergence or a member of a batch: it may exist before all of its dependencies do. */
function waitsForMore({ type }: Pick<StepSpec, "type">): boolean {
  return type === "deferred_convergence" || type === "batch_worker";
}

/** All steps of the plan that are reachable from these; the members of a batch are reachable from it. */
function reachable({ steps }: Plan, from: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const sources = new Set(from);
  const workers = new Set<string>();
  for (const { name, dependsOn, spec } of steps) {
    const follows = dependsOn.some((before) => sources.has(before) || found.has(before));
    if (follows || workers.has(name)) found.add(name);
    if (spec.batch && (sources.has(name) || found.has(name))) workers.add(spec.batch.workerTemplate);
  }
  return found;
}
