import { expect, test } from "vitest";
import { deadlinePassed } from "#actors/task-finalizer/deadline-passed";
import type { RunId } from "#domain/id";
import type { DeadlineKind } from "#domain/task/deadline";
import { type StepRow, stepStates } from "#domain/task/step";
import { instant, millis } from "#domain/time/time";
import { asked } from "../kit/asked.js";
import { begun, heldRun, spec, step, stepSpec, t1, task } from "../kit/rows.js";
import { decide, type ViewParts } from "../kit/views.js";

const busy = task({ state: "steps_in_process", counts: { in_progress: 1, complete: 1 }, hasRun: true });

/** What is asked for when a deadline of 100 passes at 100, or later. */
function met(kind: DeadlineKind, part: Partial<ViewParts> = {}, at = 100): string[] {
  const ofTask = kind === "timeout" || kind === "start" || kind === "orphan" || kind === "hold";
  const stepName = ofTask ? "" : "main";
  const message = { type: "deadline.passed", taskId: t1, stepName, kind, due: instant(100) } as const;
  return asked(decide(deadlinePassed, message, { task: busy, ...part }, instant(at)));
}

test("a task's own deadlines end it, begin it, or give it up", () => {
  const timed = { ...busy, spec: spec({ timeoutMs: millis(90) }) };
  expect(met("timeout", { task: timed })).toEqual([
    "clearDeadline timeout",
    "task timeout the task did not end within timeout_ms = 90",
  ]);
  expect(met("orphan")).toEqual(["clearDeadline orphan", "task cancel the task it is a step of has ended"]);
  expect(met("hold", { task: task({ state: "blocked_by_failures" }) })).toEqual([
    "clearDeadline hold",
    "task giveUp",
  ]);
  expect(met("start", { task: task(), steps: [step()] })).toEqual([
    "clearDeadline start",
    "task start",
    "main enqueue",
    "task readyStepsFound",
  ]);
});

test("a start that comes once the task has begun starts nothing", () => {
  expect(met("start", { task: busy, steps: [step()] })).toEqual(["clearDeadline start"]);
});

test("a timer that has run out is complete", () => {
  const nap = begun({
    runId: "",
    spec: stepSpec({ type: "timer", delayMs: millis(90) }),
    dependants: ["end"],
  });
  expect(met("timer", { step: nap })).toEqual([
    "clearDeadline main timer",
    "main succeeded 0",
    "main complete 2",
    "tell step.satisfied main",
  ]);
});

test("a signal that did not come fails its step, or its default is the result", () => {
  const gate = (otherwise?: null | string) =>
    begun({
      runId: "",
      spec: stepSpec({ type: "signal", signal: { name: "go", timeoutMs: millis(90), otherwise } }),
    });
  expect(met("signal", { step: gate() })).toEqual([
    "clearDeadline main signal",
    'main failed nobody sent signal "go" within 90 ms',
    'main fail nobody sent signal "go" within 90 ms',
  ]);
  expect(met("signal", { step: gate("late") })).toEqual([
    "clearDeadline main signal",
    'keepOutput main "late"',
    "main succeeded 6",
    "main complete 2",
  ]);
  expect(met("signal", { step: gate(null) })[1]).toBe("keepOutput main null");
});

const clocked = (part: Partial<StepRow> = {}) =>
  begun({ maxAttempts: 2, spec: stepSpec({ timeoutMs: millis(90) }), ...part });
const runOf = (createdAt: number) => [heldRun({ createdAt: instant(createdAt) })];

test("an attempt that takes too long ends its run, and is tried again if it may be", () => {
  const late = "the attempt did not end within 90 ms, the timeout of its step";
  expect(met("attempt", { step: clocked(), runs: runOf(10) })).toEqual([
    "clearDeadline main attempt",
    `r1 end TIMEOUT ${late}`,
    `main failed ${late}`,
    "main waitForRetry 600",
    "setDeadline main retry 600",
  ]);
  expect(met("attempt", { step: clocked({ attempts: 2 }), runs: runOf(10) }).slice(2)).toEqual([
    `main failed ${late}`,
    `main fail ${late}`,
  ]);
});

test("the clock of an earlier attempt is not that of the one that runs: its own is set again", () => {
  expect(met("attempt", { step: clocked(), runs: runOf(11) })).toEqual(["setDeadline main attempt 101"]);
  const other = heldRun({ id: "r0" as RunId, createdAt: instant(1) });
  expect(met("attempt", { step: clocked(), runs: [other] })).toEqual(["clearDeadline main attempt"]);
  const over = heldRun({ status: "FAILED", createdAt: instant(1) });
  expect(met("attempt", { step: clocked(), runs: [over] })).toEqual(["clearDeadline main attempt"]);
});

test("a backoff that is over puts the step in the queue; one that was made longer is waited for", () => {
  const waiting = (until: number) => begun({ state: "waiting_for_retry", nextAttemptAt: instant(until) });
  expect(met("retry", { step: waiting(100) })).toEqual([
    "clearDeadline main retry",
    "main retry",
    "main enqueue",
  ]);
  expect(met("retry", { step: waiting(150) })).toEqual(["setDeadline main retry 150"]);
  expect(met("retry", { step: waiting(150) }, 150)).toEqual([
    "clearDeadline main retry",
    "main retry",
    "main enqueue",
  ]);
});

test("a step's deadline that comes when the step has moved on is done with, and that is all", () => {
  const states = (kind: DeadlineKind, of: (state: StepRow["state"]) => StepRow) =>
    stepStates.filter((state) => met(kind, { step: of(state), runs: runOf(1) }).length > 1);
  const signal = { name: "go", timeoutMs: millis(90), otherwise: 1 };
  expect(states("timer", (state) => begun({ state, spec: stepSpec({ type: "timer" }) }))).toEqual([
    "in_progress",
  ]);
  expect(states("signal", (state) => begun({ state, spec: stepSpec({ type: "signal", signal }) }))).toEqual([
    "in_progress",
  ]);
  expect(states("attempt", (state) => clocked({ state }))).toEqual(["in_progress"]);
  expect(states("retry", (state) => begun({ state, nextAttemptAt: instant(1) }))).toEqual([
    "waiting_for_retry",
  ]);
});

test("a deadline of a step, or of a task, that is not there is done with", () => {
  for (const kind of ["retry", "attempt", "timer", "signal"] as const) {
    expect(met(kind)).toEqual([`clearDeadline main ${kind}`]);
  }
  for (const kind of ["timeout", "start", "orphan", "hold"] as const) {
    expect(met(kind, { task: task({ state: "complete" }) })).toEqual([`clearDeadline ${kind}`]);
  }
});
