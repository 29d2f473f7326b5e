import type { StepRow } from "../task/step.js";
import type { Membership, Plan, StepPlan } from "./plan.js";
import { makesSteps, reachOf } from "./reach.js";

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

/** What a decision's choice adds to the existing Steps. Check the choice before by `choiceProblem`. */
export function chosenSteps(plan: Plan, there: readonly StepRow[], chosen: readonly string[]): Expansion {
  return new GraphExpander(plan, there).grow(new Set(chosen));
}

/** What a batch adds: its members, and the Steps that depend on them. */
export function batchSteps(
  plan: Plan,
  there: readonly StepRow[],
  batch: string,
  worker: StepPlan,
  members: readonly { readonly name: string; readonly member: Membership }[],
): Expansion {
  const expander = new GraphExpander(plan, there);
  expander.addMembers(worker, batch, members);
  return expander.grow();
}

/** A member of a batch. */
export interface MemberStep {
  readonly name: string;
  /** The step of the plan that does the batches. */
  readonly worker: StepPlan;
  readonly member: Membership;
}

/**
 * All Steps of a Task of which it is known what its decisions and batches have made, in the order of the plan.
 *
 * @param chosen the branches that decisions have chosen
 * @param batches the members of batches, by batch
 */
export function rebuiltSteps(
  plan: Plan,
  chosen: ReadonlySet<string>,
  batches: ReadonlyMap<string, readonly MemberStep[]>,
): readonly NewStep[] {
  const expander = new GraphExpander(plan, []);
  for (const [batch, members] of batches) {
    const [first] = members;
    if (first) expander.addMembers(first.worker, batch, members);
  }
  const places = new Map(plan.steps.map(({ name }, place) => [name, place]));
  const place = ({ planned }: NewStep) => places.get(planned.name) ?? 0;
  return [...expander.grow(chosen).newSteps].sort((a, b) => place(a) - place(b));
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
  readonly #types: ReadonlyMap<string, string>;
  /** The names of the Steps created from each step of the plan. */
  readonly #made = new Map<string, string[]>();
  readonly #sprouts: NewStep[] = [];
  readonly #members: (() => readonly NewStep[])[] = [];
  /** The decisions and batches that exist, each with the steps that can follow from it. */
  readonly #sources: { readonly name: string; readonly reach: ReadonlySet<string> }[] = [];

  constructor(plan: Plan, there: readonly StepRow[]) {
    this.#plan = plan;
    this.#there = there;
    this.#types = new Map(plan.steps.map(({ name, spec }) => [name, spec.type]));
    for (const { name, spec } of there) {
      // A map completes for its members: its dependants depend on the map alone, and get its list.
      if (spec.member && this.#types.get(spec.planned) === "map") continue;
      const made = this.#made.get(spec.planned);
      if (made) made.push(name);
      else this.#made.set(spec.planned, [name]);
      this.#noteSource(name, spec.type);
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
    this.#members.push(() => {
      const dependsOn = [...new Set([batch, ...this.#waitsFor(worker)])];
      return members.map(({ name, member }) => ({ name, planned: worker, dependsOn, member }));
    });
  }

  grow(chosen: ReadonlySet<string> = new Set()): Expansion {
    for (const step of this.#plan.steps) {
      if (this.#made.has(step.name) || step.spec.type === "batch_worker") continue;
      if (!chosen.has(step.name) && !this.#comesByItself(step)) continue;
      const { name } = step;
      this.#made.set(name, [name]);
      this.#sprouts.push({ name, planned: step, dependsOn: this.#waitsFor(step) });
      this.#noteSource(name, step.spec.type);
    }
    const members = this.#members.flatMap((make) => make());
    return { newSteps: [...members, ...this.#sprouts], extraDependencies: this.#newTies() };
  }

  /**
   * True if a step of the plan becomes a Step now. A branch does when a decision selects it; a convergence when any of
   * its dependencies exists; any other step when all of its dependencies exist.
   */
  #comesByItself({ spec, dependsOn }: StepPlan): boolean {
    const isMade = (name: string) => this.#made.has(name) && this.#types.get(name) !== "decision";
    if (spec.type === "deferred_convergence" && dependsOn.length > 0) return dependsOn.some(isMade);
    return dependsOn.every(isMade);
  }

  #waitsFor(step: StepPlan): string[] {
    const names = step.dependsOn.flatMap((name) => this.#made.get(name) ?? []);
    return this.#mayPrecedeDependencies(step) ? [...new Set([...names, ...this.#sourcesOf(step)])] : names;
  }

  /** True for a step that may exist before all of its dependencies do: a convergence, a member of a batch, a branch. */
  #mayPrecedeDependencies({ spec: { type }, dependsOn }: StepPlan): boolean {
    if (type === "deferred_convergence" || type === "batch_worker") return true;
    return dependsOn.some((name) => this.#types.get(name) === "decision");
  }

  /**
   * The existing decisions and batches that some, and not all, of the dependencies follow from: the step may exist before
   * these have their results. It depends on them whether they have or not, so that the order in which they end shows in
   * nothing. A step whose dependencies all follow from one of them comes after it anyway.
   */
  #sourcesOf({ dependsOn }: StepPlan): string[] {
    return this.#sources
      .filter(({ reach }) => {
        const [first = ""] = dependsOn;
        const follows = reach.has(first);
        return dependsOn.some((name) => reach.has(name) !== follows);
      })
      .map(({ name }) => name);
  }

  /** Further dependencies of existing Steps: what has come of their dependencies, and what may still bring one. */
  #newTies(): Map<string, readonly string[]> {
    const extraDependencies = new Map<string, readonly string[]>();
    const planned = new Map(this.#plan.steps.map((step) => [step.name, step]));
    for (const row of this.#there) {
      const step = planned.get(row.spec.planned);
      if (!step || row.state !== "pending" || !this.#mayPrecedeDependencies(step)) continue;
      if (row.spec.member && step.spec.type === "map") continue;
      const already = new Set(row.dependsOn);
      const more = this.#waitsFor(step).filter((name) => !already.has(name));
      if (more.length > 0) extraDependencies.set(row.name, more);
    }
    return extraDependencies;
  }

  #noteSource(name: string, type: string): void {
    if (makesSteps(type)) this.#sources.push({ name, reach: reachOf(this.#plan, name) });
  }
}
