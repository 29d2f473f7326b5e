import { expect, test } from "vitest";
import { transition } from "xstate";
import { taskMachine } from "#actors/task/machine";
import type { TaskMessage } from "#actors/task/messages";
import { instant, millis } from "#domain/time";
import { advanceTask } from "#runtime/lifecycles";
import { play } from "#testing/transcript";
import { spec, task } from "./rows.js";

/** A Step's change as the Task hears of it. */
const change = (from: string, to: string, errorMessage = "") => ({ from, to, errorMessage });

test("a task of one step starts, is worked on, and is complete", () => {
  expect(
    play(taskMachine, task(), [
      [0, "start"],
      [0, "stepChanged", change("pending", "enqueued")],
      [0, "readyStepsFound"],
      [40, "stepChanged", change("enqueued", "in_progress")],
      [90, "stepChanged", change("in_progress", "enqueued_for_orchestration")],
      [90, "stepChanged", change("enqueued_for_orchestration", "complete")],
      [95, "cancel", { message: "too late" }],
    ]),
  ).toMatchInlineSnapshot(`
    "
     0 ms                 pending
     0 ms start           initializing
     0 ms stepChanged     initializing
     0 ms readyStepsFound enqueuing_steps
    40 ms stepChanged     steps_in_process
    90 ms stepChanged     steps_in_process
    90 ms stepChanged     complete
    95 ms cancel          ignored
    "
  `);
});

test("a failed attempt sends the task into backoff and back to the queue; a worker has been at it, so it stays in process", () => {
  expect(
    play(taskMachine, task({ state: "pending" }), [
      [0, "start"],
      [0, "stepChanged", change("pending", "enqueued")],
      [0, "readyStepsFound"],
      [10, "stepChanged", change("enqueued", "in_progress")],
      [20, "stepChanged", change("in_progress", "enqueued_as_error_for_orchestration")],
      [20, "stepChanged", change("enqueued_as_error_for_orchestration", "waiting_for_retry")],
      [900, "stepChanged", change("waiting_for_retry", "pending")],
      [900, "stepChanged", change("pending", "enqueued")],
      [950, "stepChanged", change("enqueued", "in_progress")],
    ]),
  ).toMatchInlineSnapshot(`
    "
      0 ms                 pending
      0 ms start           initializing
      0 ms stepChanged     initializing
      0 ms readyStepsFound enqueuing_steps
     10 ms stepChanged     steps_in_process
     20 ms stepChanged     steps_in_process
     20 ms stepChanged     waiting_for_retry
    900 ms stepChanged     waiting_for_dependencies
    900 ms stepChanged     steps_in_process
    950 ms stepChanged     steps_in_process
    "
  `);
});

test("a task that gives up ends with what is left of it: the finalizer is told, and its deadlines are cleared", () => {
  const two = task({ counts: { pending: 2 }, spec: spec({ timeoutMs: millis(60_000) }) });

  expect(
    play(taskMachine, two, [
      [0, "start"],
      [0, "stepChanged", change("pending", "enqueued")],
      [0, "stepChanged", change("pending", "enqueued")],
      [0, "readyStepsFound"],
      [10, "stepChanged", change("enqueued", "in_progress")],
      [20, "stepChanged", change("in_progress", "enqueued_as_error_for_orchestration")],
      [20, "stepChanged", change("enqueued_as_error_for_orchestration", "error", "no such ticket")],
      [20, "stepChanged", change("enqueued", "cancelled")], // the finalizer's doing; counted already
    ]),
  ).toMatchInlineSnapshot(`
    "
     0 ms                 pending
     0 ms start           initializing
     0 ms stepChanged     initializing
     0 ms stepChanged     initializing
     0 ms readyStepsFound enqueuing_steps
    10 ms stepChanged     steps_in_process
    20 ms stepChanged     steps_in_process
    20 ms stepChanged     error             clearDeadline(t1, "", timeout), tell(task-finalizer, task.ended(t1, STEP_FAILED))
    20 ms stepChanged     ignored
    "
  `);
});

test("a task that holds on failure waits for an operator, who gives it up or puts it right", () => {
  const failing = [
    [0, "start"],
    [0, "stepChanged", change("pending", "enqueued")],
    [0, "readyStepsFound"],
    [10, "stepChanged", change("enqueued", "in_progress")],
    [20, "stepChanged", change("in_progress", "enqueued_as_error_for_orchestration")],
    [20, "stepChanged", change("enqueued_as_error_for_orchestration", "error", "no such ticket")],
  ] as const;
  const held = task({ spec: spec({ holdOnFailure: true }) });

  expect(
    play(taskMachine, held, [...failing, [500, "stepChanged", change("error", "resolved_manually")]]),
  ).toMatchInlineSnapshot(`
    "
      0 ms                 pending
      0 ms start           initializing
      0 ms stepChanged     initializing
      0 ms readyStepsFound enqueuing_steps
     10 ms stepChanged     steps_in_process
     20 ms stepChanged     steps_in_process
     20 ms stepChanged     blocked_by_failures
    500 ms stepChanged     complete
    "
  `);
  expect(
    play(taskMachine, held, [...failing, [500, "giveUp"]])
      .split("\n")
      .at(-2),
  ).toMatchInlineSnapshot(`"500 ms giveUp          error"`);
  expect(
    play(taskMachine, held, [...failing, [500, "manualResolution"]])
      .split("\n")
      .at(-2),
  ).toMatchInlineSnapshot(`"500 ms manualResolution resolved_manually"`);
});

test("a task whose failure was put right does not carry the failure to its end", () => {
  const held = task({
    state: "blocked_by_failures",
    spec: spec({ holdOnFailure: true }),
    counts: { error: 2 },
  });
  const broken = taskMachine.resolveState({
    value: "blocked_by_failures",
    context: { ...held, hasRun: true, reason: "STEP_FAILED", errorMessage: "no such ticket" },
  });
  const putRight = {
    type: "stepChanged",
    at: instant(500),
    from: "error",
    to: "complete",
    errorMessage: "",
  } as const;

  const [oneLeft] = transition(taskMachine, broken, putRight);
  expect([oneLeft.value, oneLeft.context.reason]).toEqual(["blocked_by_failures", "STEP_FAILED"]);
  const [none] = transition(taskMachine, oneLeft, putRight);
  expect([none.value, none.context.reason, none.context.errorMessage]).toEqual(["complete", "", ""]);
});

test("a task cancelled before it starts takes its deadlines with it", () => {
  const later = task({ spec: spec({ startAt: instant(1_000), timeoutMs: millis(60_000) }) });

  expect(
    play(taskMachine, later, [
      [500, "cancel", { message: "not needed" }],
      [500, "stepChanged", change("pending", "cancelled")],
      [1_000, "start"],
    ]),
  ).toMatchInlineSnapshot(`
    "
       0 ms             pending
     500 ms cancel      cancelled  clearDeadline(t1, "", timeout), clearDeadline(t1, "", start), tell(task-finalizer, task.ended(t1, CANCELLED))
     500 ms stepChanged ignored
    1000 ms start       ignored
    "
  `);
});

test("a task whose time is over is an error, wherever it stands", () => {
  expect(
    play(taskMachine, task({ spec: spec({ timeoutMs: millis(100) }) }), [
      [0, "start"],
      [0, "stepChanged", change("pending", "enqueued")],
      [0, "readyStepsFound"],
      [100, "timeout", { message: "the task did not end within timeout_ms = 100" }],
      [101, "timeout", { message: "the task did not end within timeout_ms = 100" }],
    ]),
  ).toMatchInlineSnapshot(`
    "
      0 ms                 pending
      0 ms start           initializing
      0 ms stepChanged     initializing
      0 ms readyStepsFound enqueuing_steps
    100 ms timeout         error            clearDeadline(t1, "", timeout), tell(task-finalizer, task.ended(t1, TIMEOUT))
    101 ms timeout         ignored
    "
  `);
});

test("a task without steps is complete at once; one without ready steps waits", () => {
  expect(
    play(taskMachine, task({ counts: {} }), [
      [0, "start"],
      [0, "noStepsFound"],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms              pending
    0 ms start        initializing
    0 ms noStepsFound complete
    "
  `);
  expect(
    play(taskMachine, task(), [
      [0, "start"],
      [0, "noDependenciesReady"],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms                     pending
    0 ms start               initializing
    0 ms noDependenciesReady waiting_for_dependencies
    "
  `);
});

test("an ended task's row says when, why and in whose words", () => {
  const at = instant(10);
  const running = task({ state: "steps_in_process", counts: { in_progress: 1, enqueued: 1 }, hasRun: true });
  const failed = {
    type: "stepChanged",
    at,
    from: "in_progress",
    to: "error",
    errorMessage: "no such ticket",
  } as const;
  const words = (message: TaskMessage) => {
    const { state, finishedAt, reason, errorMessage } = advanceTask(running, message)[0];
    return [state, finishedAt, reason, errorMessage];
  };

  expect(words({ type: "cancel", at, message: "not needed" })).toEqual([
    "cancelled",
    10,
    "CANCELLED",
    "not needed",
  ]);
  expect(words({ type: "timeout", at, message: "too long" })).toEqual(["error", 10, "TIMEOUT", "too long"]);
  expect(words(failed)).toEqual(["error", 10, "STEP_FAILED", "no such ticket"]);
});
