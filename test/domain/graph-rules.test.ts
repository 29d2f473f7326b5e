import fc from "fast-check";
import { expect, test } from "vitest";
import type { Plan, StepPlan } from "#domain/graph/plan";
import { branchesOf } from "#domain/graph/reach";
import { hasEnded, type StepRow } from "#domain/task/step";
import { anyPlan } from "./any-plan.js";
import { freeBranchesOf, Garden, planned } from "./garden.js";

/**
 * The rules once more, as slowly and as plainly as they can be said: what is there, and what each Step
 * waits for, from the plan, the Steps that are there and the choice.
 */
class Rules {
  readonly #plan: Plan;
  readonly #made = new Map<string, string[]>();
  readonly #sources: string[] = [];
  readonly #chosen: ReadonlySet<string>;

  constructor(of: Plan, there: readonly StepRow[], chosen: ReadonlySet<string>) {
    this.#plan = of;
    this.#chosen = chosen;
    for (const { name, spec } of there) {
      this.#made.set(spec.planned, [...(this.#made.get(spec.planned) ?? []), name]);
      if (spec.type === "decision" || spec.type === "batchable") this.#sources.push(name);
    }
  }

  addMembers(worker: string, names: string[]): void {
    this.#made.set(worker, names);
  }

  /** The names that come; again and again until nothing more does. */
  arrive(): string[] {
    const come: string[] = [];
    for (let more = true; more; ) {
      const next = this.#plan.steps.find((step) => !this.#made.has(step.name) && this.#comes(step));
      more = next !== undefined;
      if (!next) continue;
      come.push(next.name);
      this.#made.set(next.name, [next.name]);
      if (next.spec.type === "decision" || next.spec.type === "batchable") this.#sources.push(next.name);
    }
    return come;
  }

  #comes({ name, dependsOn, spec }: StepPlan): boolean {
    if (spec.type === "batch_worker") return false;
    if (this.#chosen.has(name)) return true;
    const isDecision = (before: string) => planned(this.#plan, before).spec.type === "decision";
    if (spec.type === "deferred_convergence") {
      return dependsOn.some((before) => this.#made.has(before) && !isDecision(before));
    }
    return dependsOn.every((before) => this.#made.has(before)) && !dependsOn.some(isDecision);
  }

  waitsFor(name: string): Set<string> {
    const { dependsOn, spec } = planned(this.#plan, name);
    const waits = new Set(dependsOn.flatMap((before) => this.#made.get(before) ?? []));
    const isBranch = dependsOn.some((before) => planned(this.#plan, before).spec.type === "decision");
    if (spec.type !== "deferred_convergence" && !isBranch) return waits;
    for (const source of this.#sources) {
      const led = dependsOn.filter((one) => this.leads(source, one)).length;
      if (led > 0 && led < dependsOn.length) waits.add(source);
    }
    return waits;
  }

  /** True if the one can follow from the other, over any number of Steps. */
  leads(from: string, to: string): boolean {
    return this.#plan.steps.some(({ name, dependsOn }) => {
      const next = dependsOn.includes(from) || planned(this.#plan, from).spec.batch?.workerTemplate === name;
      return next && (name === to || this.leads(name, to));
    });
  }
}

/** A Task's life as it is drawn: whose turn it is among those that can go, and what it says. */
const turns = fc.array(fc.record({ who: fc.nat(20), what: fc.nat(1_000) }), { minLength: 40, maxLength: 40 });

/** What the draw `what` makes of a list: each element or not, by the bits. */
function some<Item>(list: readonly Item[], what: number): Item[] {
  return list.filter((_, i) => (what >> i) & 1);
}

const sorted = (names: Iterable<string>) => [...names].sort();

test("whatever grows, in whatever order, grows by the rules, and nothing that is joined comes too late", () => {
  fc.assert(
    fc.property(anyPlan(), turns, (of, all) => {
      const garden = new Garden(of);
      const atFirst = new Rules(of, [], new Set());
      expect(sorted(garden.rows.keys())).toEqual(sorted(atFirst.arrive()));
      for (const { name, dependsOn } of garden.steps) {
        expect(sorted(dependsOn), name).toEqual(sorted(atFirst.waitsFor(name)));
      }

      for (const { who, what } of all) {
        const free = garden.steps.filter(
          ({ state, dependsOn }) =>
            !hasEnded(state) &&
            dependsOn.every((name) => hasEnded(garden.rows.get(name)?.state ?? "pending")),
        );
        const next = free[who % Math.max(1, free.length)];
        if (!next) break;
        if (next.spec.type === "decision" || next.spec.type === "batchable")
          unfoldByTheRules(garden, next, what);
        else garden.move(next.name, "complete");
      }
    }),
    { numRuns: 400 },
  );
});

/** What is left of a Task whose decisions and batches say the same whenever they end, in the order that is drawn. */
function grownIn(of: Plan, says: number, draws: readonly number[]): string[] {
  const garden = new Garden(of);
  for (const draw of draws) {
    const free = garden.steps.filter(
      ({ state, dependsOn }) =>
        !hasEnded(state) && dependsOn.every((name) => hasEnded(garden.rows.get(name)?.state ?? "pending")),
    );
    const next = free[draw % Math.max(1, free.length)];
    if (!next) break;
    const what = says >> (Number(next.spec.planned.replace(/\D/g, "")) % 5);
    if (next.spec.type === "batchable") garden.batch(next.name, ...["0", "1"].slice(what & 1));
    else if (next.spec.type === "decision")
      garden.decide(next.name, ...some(freeBranchesOf(of, next.name), what));
    else garden.move(next.name, "complete");
  }
  expect(garden.steps.filter(({ state }) => !hasEnded(state))).toEqual([]);
  return sorted(garden.steps.map(({ name, dependsOn }) => `${name} < ${sorted(dependsOn).join(" ")}`));
}

test("in whatever order decisions and batches end, the same Steps come of it, with the same dependencies", () => {
  const order = fc.array(fc.nat(20), { minLength: 60, maxLength: 60 });
  fc.assert(
    fc.property(anyPlan(), fc.nat(100_000), order, order, (of, says, one, other) => {
      expect(grownIn(of, says, one)).toEqual(grownIn(of, says, other));
    }),
    { numRuns: 1_000 },
  );
});

function unfoldByTheRules(garden: Garden, { name, spec }: StepRow, what: number): void {
  const there = garden.steps;
  const batch = spec.type === "batchable";
  const possible = branchesOf(garden.plan, name);
  const chosen = batch ? [] : some(possible, what);
  const ids = ["0", "1", "2"].slice(0, 1 + (what % 3));
  const rules = new Rules(garden.plan, there, new Set(chosen));
  const worker = spec.batch?.workerTemplate ?? "";
  const members = batch ? ids.map((id) => `${worker}_${id}`) : [];
  if (batch) rules.addMembers(worker, members);
  const expected = sorted([...members, ...rules.arrive()]);

  const { newSteps, extraDependencies } = batch ? garden.batch(name, ...ids) : garden.decide(name, ...chosen);
  expect(sorted(newSteps.map((newStep) => newStep.name))).toEqual(expected);
  for (const { name, planned, dependsOn, member } of newSteps) {
    if (!member) expect(sorted(dependsOn), name).toEqual(sorted(rules.waitsFor(planned.name)));
  }
  const late = new Set(newSteps.map((newStep) => newStep.planned.name));
  for (const row of there) {
    if (row.spec.member) continue;
    const more = [...rules.waitsFor(row.spec.planned)].filter((each) => !row.dependsOn.includes(each));
    if (row.state === "pending")
      expect(sorted(extraDependencies.get(row.name) ?? []), row.name).toEqual(sorted(more));
    else
      expect(planned(garden.plan, row.spec.planned).dependsOn.filter((each) => late.has(each))).toEqual([]);
  }
}
