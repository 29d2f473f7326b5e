import { expect, test } from "vitest";
import type { RunEnd } from "#actors/run/messages";
import { taskFinalizerMachine } from "#actors/task-finalizer/machine";
import type { TaskState } from "#domain/task/task";
import { instant, millis } from "#domain/time/time";
import { type AddressedMessage, play } from "#testing/transcript";
import { begun, caller, heldRun, r1, spec, step, t1, task, w1 } from "../kit/rows.js";
import { half, viewOf } from "../kit/views.js";

type Script = readonly AddressedMessage<typeof taskFinalizerMachine>[];

/** What the finalizer asks for, message by message, once it serves. */
function finalize(script: Script): string {
  return play(taskFinalizerMachine, undefined, [[0, "serve"], ...script]);
}

const running = task({ state: "steps_in_process", counts: { in_progress: 1 }, hasRun: true });

/** A `run.ended` of the Step's own Run. */
const ended = (end: RunEnd, of = begun()) => ({
  ...half,
  taskId: t1,
  stepName: "main",
  runId: r1,
  end,
  view: viewOf({ task: running, step: of }),
});

const failed = (retryable: boolean, retryAfter = 0) =>
  ({ how: "failed", errorMessage: "no such ticket", retryable, retryAfter: millis(retryAfter) }) as const;

test("a completed run completes its step, and its result is kept", () => {
  expect(
    finalize([
      [5, "run.ended", ended({ how: "completed", output: '{"ok":true}', outputBytes: 11 })],
      [5, "run.ended", ended({ how: "completed", output: "", outputBytes: 0 })],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms           starting
    0 ms serve     serving
    5 ms run.ended serving   keepOutput(t1, main, {"ok":true}), advanceStep(t1, main, succeeded(5, 11)), advanceStep(t1, main, complete(5, 1))
    5 ms run.ended serving   advanceStep(t1, main, succeeded(5, 0)), advanceStep(t1, main, complete(5, 1))
    "
  `);
});

test("a failed run is tried again after a backoff, or the agent's own hint if that is longer", () => {
  const again = begun({ maxAttempts: 3 });

  expect(
    finalize([
      [1_000, "run.ended", ended(failed(true), again)],
      [1_000, "run.ended", ended(failed(true, 20_000), again)],
    ]),
  ).toMatchInlineSnapshot(`
    "
       0 ms           starting
       0 ms serve     serving
    1000 ms run.ended serving   advanceStep(t1, main, failed(1000, no such ticket)), advanceStep(t1, main, waitForRetry(1000, 1500)), setDeadline(t1, main, retry, 1500)
    1000 ms run.ended serving   advanceStep(t1, main, failed(1000, no such ticket)), advanceStep(t1, main, waitForRetry(1000, 21000)), setDeadline(t1, main, retry, 21000)
    "
  `);
});

test("a step fails for good when no attempt remains, or none would help", () => {
  expect(
    finalize([
      [5, "run.ended", ended(failed(true))],
      [5, "run.ended", ended(failed(false), begun({ maxAttempts: 3 }))],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms           starting
    0 ms serve     serving
    5 ms run.ended serving   advanceStep(t1, main, failed(5, no such ticket)), advanceStep(t1, main, fail(5, no such ticket))
    5 ms run.ended serving   advanceStep(t1, main, failed(5, no such ticket)), advanceStep(t1, main, fail(5, no such ticket))
    "
  `);
});

test("a lost run costs a loss and no attempt: at once at first, later with a delay, and not on that worker", () => {
  const lost = {
    how: "lost",
    reason: "WORKER_LOST",
    workerId: w1,
    errorMessage: "the worker was silent",
  } as const;

  expect(
    finalize([
      [5, "run.ended", ended(lost)],
      [6, "run.ended", ended(lost, begun({ losses: 2 }))],
      [7, "run.ended", ended(lost, begun({ losses: 3, maxAttempts: 9 }))],
      [8, "run.ended", ended({ ...lost, reason: "OUTPUT_LOST" }, begun({ maxLosses: 0, maxAttempts: 9 }))],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms           starting
    0 ms serve     serving
    5 ms run.ended serving   advanceStep(t1, main, lost(5, the worker was silent, w1, 505)), advanceStep(t1, main, waitForRetry(5, 5)), advanceStep(t1, main, retry(5)), advanceStep(t1, main, enqueue(5, ["default","triage",[]], 5))
    6 ms run.ended serving   advanceStep(t1, main, lost(6, the worker was silent, w1, 2006)), advanceStep(t1, main, waitForRetry(6, 506)), setDeadline(t1, main, retry, 506)
    7 ms run.ended serving   advanceStep(t1, main, lost(7, the worker was silent, w1, 4007)), advanceStep(t1, main, fail(7, WORKER_LOST: 4 runs were lost, and max_losses is 3; the last…, WORKER_LOST))
    8 ms run.ended serving   advanceStep(t1, main, lost(8, the worker was silent, w1, 508)), advanceStep(t1, main, fail(8, OUTPUT_LOST: 1 run was lost, and max_losses is 0; the last o…, OUTPUT_LOST))
    "
  `);
});

test("a run handed back costs no attempt; its step avoids that worker for longer each time, and waits", () => {
  const back = { how: "handedBack", workerId: w1, message: "I must go" } as const;

  expect(
    finalize([
      [0, "run.ended", ended(back)],
      [0, "run.ended", ended(back, begun({ declines: 3 }))],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms           starting
    0 ms serve     serving
    0 ms run.ended serving   advanceStep(t1, main, handBack(0, 0, ["default","triage",[]], 0, w1, 500))
    0 ms run.ended serving   advanceStep(t1, main, handBack(0, 1000, ["default","triage",[]], 1000, w1, 4000))
    "
  `);
});

test("a run its worker cancelled cancels the task", () => {
  expect(
    finalize([[5, "run.ended", ended({ how: "cancelled", errorMessage: "stopped by hand" })]]),
  ).toMatchInlineSnapshot(`
    "
    0 ms           starting
    0 ms serve     serving
    5 ms run.ended serving   advanceTask(t1, cancel(5, stopped by hand))
    "
  `);
});

test("the end of a run its step no longer waits for changes nothing", () => {
  const end = { how: "completed", output: "", outputBytes: 0 } as const;

  expect(
    finalize([
      [5, "run.ended", ended(end, begun({ state: "complete" }))],
      [5, "run.ended", ended(end, begun({ runId: "r2" as typeof r1 }))],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms           starting
    0 ms serve     serving
    5 ms run.ended ignored
    5 ms run.ended ignored
    "
  `);
});

test("a task is cancelled for whoever asks, but not twice, and not if there is none", () => {
  const cancel = (state?: TaskState) => ({
    ...half,
    caller,
    taskId: t1,
    message: "not needed",
    view: viewOf(state ? { task: task({ state }) } : {}),
  });

  expect(
    finalize([
      [5, "cancel", cancel("waiting_for_retry")],
      [6, "cancel", cancel("cancelled")],
      [7, "cancel", cancel()],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms        starting
    0 ms serve  serving
    5 ms cancel serving   advanceTask(t1, cancel(5, not needed)), keepActions(t1, "", {"actions":[{"at":5,"actor":"local","type":"cancel","reason"…), reply(tasks([t1]))
    6 ms cancel serving   reply(fault(wrong_state: Task t1 is already in terminal state: Cancelled))
    7 ms cancel serving   reply(fault(not_found: Task not found: t1))
    "
  `);
});

test("what ends a task ends its steps and runs, and takes the backoff's deadline away", () => {
  const view = viewOf({
    task: task({ state: "cancelled", errorMessage: "not needed" }),
    steps: [begun(), step({ name: "later", state: "waiting_for_retry" })],
    runs: [heldRun()],
  });

  expect(
    finalize([[5, "task.ended", { ...half, taskId: t1, reason: "CANCELLED", view }]]),
  ).toMatchInlineSnapshot(`
    "
    0 ms            starting
    0 ms serve      serving
    5 ms task.ended serving   advanceStep(t1, main, cancel(5)), advanceStep(t1, later, cancel(5)), clearDeadline(t1, later, retry), advanceRun(r1, end(5, CANCELLED, not needed))
    "
  `);
});

test("a deadline finds what is in the rows: it ends, starts or tries again, or is done with", () => {
  const passed = (kind: "start" | "timeout" | "retry", view = viewOf(), due = 100) => ({
    ...half,
    taskId: t1,
    stepName: kind === "retry" ? "main" : "",
    kind,
    due: instant(due),
    view,
  });
  const timed = task({ state: "steps_in_process", spec: spec({ timeoutMs: millis(100) }) });
  const waiting = begun({ state: "waiting_for_retry", nextAttemptAt: instant(100) });

  expect(
    finalize([
      [100, "deadline.passed", passed("timeout", viewOf({ task: timed }))],
      [100, "deadline.passed", passed("start", viewOf({ task: task(), steps: [step()] }))],
      [100, "deadline.passed", passed("retry", viewOf({ task: running, step: waiting }))],
    ]),
  ).toMatchInlineSnapshot(`
    "
      0 ms                 starting
      0 ms serve           serving
    100 ms deadline.passed serving   clearDeadline(t1, "", timeout), advanceTask(t1, timeout(100, the task did not end within timeout_ms = 100))
    100 ms deadline.passed serving   clearDeadline(t1, "", start), advanceTask(t1, start(100)), advanceStep(t1, main, enqueue(100, ["default","triage",[]], 100)), advanceTask(t1, readyStepsFound(100))
    100 ms deadline.passed serving   clearDeadline(t1, main, retry), advanceStep(t1, main, retry(100)), advanceStep(t1, main, enqueue(100, ["default","triage",[]], 100))
    "
  `);
  expect(
    finalize([
      [50, "deadline.passed", passed("timeout", viewOf({ task: timed }))], // time was moved back
      [100, "deadline.passed", passed("start", viewOf({ task: timed }))], // it has begun
      [100, "deadline.passed", passed("retry", viewOf({ task: running, step: begun() }))],
      [100, "deadline.passed", passed("timeout", viewOf({ task: task({ state: "complete" }) }))],
      [100, "deadline.passed", passed("timeout")], // retention has removed it
    ]),
  ).toMatchInlineSnapshot(`
    "
      0 ms                 starting
      0 ms serve           serving
     50 ms deadline.passed serving   setDeadline(t1, "", timeout, 100)
    100 ms deadline.passed serving   clearDeadline(t1, "", start)
    100 ms deadline.passed serving   clearDeadline(t1, main, retry)
    100 ms deadline.passed serving   clearDeadline(t1, "", timeout)
    100 ms deadline.passed serving   clearDeadline(t1, "", timeout)
    "
  `);
});
