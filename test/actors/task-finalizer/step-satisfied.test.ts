import { describe, expect, test } from "vitest";
import { stepSatisfied } from "#actors/task-finalizer/step-satisfied";
import type { Membership } from "#domain/graph/plan";
import type { StepRow, StepState } from "#domain/task/step";
import type { FailureStrategy } from "#domain/template/template";
import { instant, millis } from "#domain/time/time";
import { asked } from "../kit/asked.js";
import { memberOf, step, stepSpec, t1, task } from "../kit/rows.js";
import { decide } from "../kit/views.js";

const at = instant(5);
const busy = task({ state: "steps_in_process" });

function unblocked(step: StepRow, steps: readonly StepRow[], opened: Record<string, number> = {}): string[] {
  const message = { type: "step.satisfied", taskId: t1, stepName: step.name } as const;
  return asked(decide(stepSatisfied, message, { task: { ...busy, opened }, step, steps }, at));
}

const done = (part: Partial<StepRow> = {}) =>
  step({ name: "a", state: "complete", dependants: ["b", "c"], ...part });

describe("a settled step", () => {
  test("leaves those that depended on it one thing less to wait for; one that waits for nothing more goes", () => {
    const b = step({ name: "b", unsatisfied: 1 });
    const c = step({ name: "c", unsatisfied: 2 });
    expect(unblocked(done(), [b, c])).toEqual([
      "b dependencySatisfied",
      "b enqueue",
      "c dependencySatisfied",
    ]);
  });

  test("lets each type of step go in its own way", () => {
    const next = (part: Parameters<typeof stepSpec>[0]) =>
      unblocked(done({ dependants: ["b"] }), [
        step({ name: "b", unsatisfied: 1, spec: stepSpec(part) }),
      ]).slice(1);
    const signal = { name: "go", timeoutMs: millis(50), otherwise: undefined };
    expect(next({ type: "standard" })).toEqual(["b enqueue"]);
    expect(next({ type: "decision" })).toEqual(["b enqueue"]);
    expect(next({ type: "deferred_convergence" })).toEqual(["b enqueue"]);
    expect(next({ type: "batchable" })).toEqual(["b enqueue"]);
    expect(next({ type: "timer", delayMs: millis(50) })).toEqual(["b begin", "setDeadline b timer 55"]);
    expect(next({ type: "signal", signal })).toEqual(["b begin", "setDeadline b signal 55"]);
    expect(next({ type: "signal", signal: { ...signal, timeoutMs: millis(0) } })).toEqual(["b begin"]);
    expect(next({ type: "map" })).toEqual(["b begin", "tell map.open b"]);
    expect(next({ type: "child_task" })).toEqual(["tell child.start b"]);
  });

  test("whose follower's signal came early does not let it wait", () => {
    const gate = step({ name: "b", unsatisfied: 1, signalled: true, spec: stepSpec({ type: "signal" }) });
    expect(unblocked(done(), [gate])).toEqual(["b dependencySatisfied", "b begin", "tell signal.taken b"]);
  });

  test("tells the map that has waited for it as the last of its members", () => {
    const map = (unsatisfied: number) => [step({ name: "b", state: "in_progress", unsatisfied })];
    expect(unblocked(done(), map(1))).toEqual(["b dependencySatisfied", "tell map.collect b"]);
    expect(unblocked(done(), map(2))).toEqual(["b dependencySatisfied"]);
  });

  test("lets nobody go who was settled meanwhile", () => {
    const settled = ["complete", "error", "cancelled", "resolved_manually"] as const;
    for (const state of settled) {
      expect(unblocked(done(), [step({ name: "b", state, unsatisfied: 1 })])).toEqual([
        "b dependencySatisfied",
      ]);
    }
  });

  test("satisfies by its result, by hand, or by a failure that is passed over", () => {
    const b = [step({ name: "b", unsatisfied: 1 })];
    const satisfied = (state: StepState, failure?: FailureStrategy) =>
      unblocked(done({ state, spec: stepSpec(failure && memberOf("", { failure })) }), b).length > 0;
    expect([satisfied("complete"), satisfied("resolved_manually")]).toEqual([true, true]);
    expect([satisfied("error"), satisfied("error", "fail_fast"), satisfied("cancelled")]).toEqual([
      false,
      false,
      false,
    ]);
    expect([satisfied("error", "continue_on_failure"), satisfied("error", "isolate")]).toEqual([true, true]);
  });
});

describe("a settled member of a batch or map", () => {
  const member = (index: number, part: Partial<StepRow> = {}, membership: Partial<Membership> = {}) =>
    step({
      name: `rows_${index}`,
      spec: stepSpec(memberOf("rows", { index, concurrency: 2, ...membership })),
      ...part,
    });
  const maker = step({ name: "rows", state: "complete", members: ["rows_0", "rows_1", "rows_2", "rows_3"] });
  const first = member(0, { state: "complete" });

  test("lets the next one go, and nobody after the last", () => {
    expect(unblocked(first, [maker, member(2)], { rows: 2 })).toEqual([
      "task opened rows 3",
      "rows_2 enqueue",
    ]);
    expect(unblocked(first, [maker, member(3)], { rows: 3 })).toEqual([
      "task opened rows 4",
      "rows_3 enqueue",
    ]);
    expect(unblocked(first, [maker], { rows: 4 })).toEqual([]);
  });

  test("gives its place to one that still waits for something else, which goes when it need not any more", () => {
    expect(unblocked(first, [maker, member(2, { unsatisfied: 1 })], { rows: 2 })).toEqual([
      "task opened rows 3",
    ]);
    const other = done({ dependants: ["rows_2"] });
    const waiting = [member(2, { unsatisfied: 1 })];
    expect(unblocked(other, waiting, { rows: 3 })).toEqual(["rows_2 dependencySatisfied", "rows_2 enqueue"]);
    expect(unblocked(other, waiting, { rows: 2 })).toEqual(["rows_2 dependencySatisfied"]);
  });

  test("keeps its place if its failure ends the task, or holds it", () => {
    const failed = (failure: FailureStrategy) => member(0, { state: "error" }, { failure });
    expect(unblocked(failed("fail_fast"), [maker, member(2)], { rows: 2 })).toEqual([]);
    expect(unblocked(failed("isolate"), [maker, member(2)], { rows: 2 })).toEqual([
      "task opened rows 3",
      "rows_2 enqueue",
    ]);
  });

  test("of a task that is undone is none of a group: its place in the chain is all that counts", () => {
    const undoing = (index: number, part: Partial<StepRow>) => member(index, part, { group: "" });
    const second = undoing(1, { unsatisfied: 1 });
    expect(unblocked(undoing(0, { state: "complete", dependants: ["rows_1"] }), [second])).toEqual([
      "rows_1 dependencySatisfied",
      "rows_1 enqueue",
    ]);
  });
});
