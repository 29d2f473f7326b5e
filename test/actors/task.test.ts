import { expect, test } from "vitest";
import { transition } from "xstate";
import { taskMachine } from "#actors/task/machine";
import type { TaskMessage } from "#actors/task/messages";
import type { StepState } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import { instant, millis } from "#domain/time/time";
import { advanceTask } from "#runtime/machines/lifecycles";
import { play, playFrom } from "#testing/transcript";
import { changeOf } from "./kit/lives.js";
import { spec, task } from "./kit/rows.js";

/** A Step's change as the Task hears of it. */
const change = (from: StepState, to: StepState, errorMessage = "", part = {}) => {
  const { at: _, type: __, ...fields } = changeOf(from, to, { errorMessage, ...part });
  return fields;
};

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
     0 ms start           initializing      pass(t1, initializing)
     0 ms stepChanged     initializing
     0 ms readyStepsFound enqueuing_steps
    40 ms stepChanged     steps_in_process  pass(t1, evaluating_results)
    90 ms stepChanged     steps_in_process  pass(t1, evaluating_results)
    90 ms stepChanged     complete          pass(t1, evaluating_results)
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
      0 ms start           initializing              pass(t1, initializing)
      0 ms stepChanged     initializing
      0 ms readyStepsFound enqueuing_steps
     10 ms stepChanged     steps_in_process          pass(t1, evaluating_results)
     20 ms stepChanged     steps_in_process          pass(t1, evaluating_results)
     20 ms stepChanged     waiting_for_retry         pass(t1, evaluating_results)
    900 ms stepChanged     waiting_for_dependencies  pass(t1, evaluating_results)
    900 ms stepChanged     steps_in_process          pass(t1, evaluating_results)
    950 ms stepChanged     steps_in_process          pass(t1, evaluating_results)
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
     0 ms start           initializing      pass(t1, initializing)
     0 ms stepChanged     initializing
     0 ms stepChanged     initializing
     0 ms readyStepsFound enqueuing_steps
    10 ms stepChanged     steps_in_process  pass(t1, evaluating_results)
    20 ms stepChanged     steps_in_process  pass(t1, evaluating_results)
    20 ms stepChanged     error             pass(t1, evaluating_results), pass(t1, blocked_by_failures), tell(task-finalizer, dead.letter(t1, true)), clearDeadline(t1, "", timeout), tell(task-finalizer, task.ended(t1, STEP_FAILED))
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
      0 ms start           initializing         pass(t1, initializing)
      0 ms stepChanged     initializing
      0 ms readyStepsFound enqueuing_steps
     10 ms stepChanged     steps_in_process     pass(t1, evaluating_results)
     20 ms stepChanged     steps_in_process     pass(t1, evaluating_results)
     20 ms stepChanged     blocked_by_failures  pass(t1, evaluating_results), pass(t1, blocked_by_failures), setDeadline(t1, "", hold, 604800020), tell(task-finalizer, dead.letter(t1, true))
    500 ms stepChanged     complete             pass(t1, evaluating_results), clearDeadline(t1, "", hold), clearDeadline(t1, "", hold)
    "
  `);
  expect(
    play(taskMachine, held, [...failing, [500, "giveUp"]])
      .split("\n")
      .at(-2),
  ).toMatchInlineSnapshot(
    `"500 ms giveUp          error                tell(task-finalizer, dead.letter(t1, true)), clearDeadline(t1, "", hold)"`,
  );
  expect(
    play(taskMachine, held, [...failing, [500, "manualResolution"]])
      .split("\n")
      .at(-2),
  ).toMatchInlineSnapshot(`"500 ms manualResolution resolved_manually    clearDeadline(t1, "", hold)"`);
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
  const putRight = changeOf("error", "complete", { at: instant(500) });

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
      0 ms start           initializing     pass(t1, initializing)
      0 ms stepChanged     initializing
      0 ms readyStepsFound enqueuing_steps
    100 ms timeout         error            tell(task-finalizer, dead.letter(t1, true)), clearDeadline(t1, "", timeout), tell(task-finalizer, task.ended(t1, TIMEOUT))
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
    0 ms start        initializing  pass(t1, initializing)
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
    0 ms start               initializing              pass(t1, initializing)
    0 ms noDependenciesReady waiting_for_dependencies
    "
  `);
});

test("an ended task's row says when, why and in whose words", () => {
  const at = instant(10);
  const running = task({ state: "steps_in_process", counts: { in_progress: 1, enqueued: 1 }, hasRun: true });
  const failed = changeOf("in_progress", "error", { errorMessage: "no such ticket" });
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

test("steps that are made on the way are counted, and how many of a batch have been let go is kept", () => {
  const at = instant(10);
  const running = task({ state: "steps_in_process", counts: { in_progress: 1 }, hasRun: true });
  const [grown] = advanceTask(running, { type: "stepsAdded", at, count: 3 });
  const [opened] = advanceTask(grown, { type: "opened", at, group: "rows", count: 2 });
  const [more] = advanceTask(opened, { type: "opened", at, group: "rows", count: 3 });
  expect([grown.state, grown.counts]).toEqual(["steps_in_process", { in_progress: 1, pending: 3 }]);
  expect([opened.opened, more.opened]).toEqual([{ rows: 2 }, { rows: 3 }]);
});

test("a failure that is passed over lets the task go on; isolated ones fail it in the end, each by its name", () => {
  const passed = { tolerated: true };
  const isolated = { tolerated: true, isolated: true };
  const of = (part: object, ...names: string[]) => {
    const failures = names.map(
      (stepName) => [20, "stepChanged", change("in_progress", "error", "no", { ...part, stepName })] as const,
    );
    const three = task({ state: "steps_in_process", counts: { in_progress: 3 }, hasRun: true });
    const begin = taskMachine.resolveState({ value: "steps_in_process", context: three });
    return playFrom(taskMachine, begin, [
      ...failures,
      [30, "stepChanged", change("in_progress", "complete")],
    ]);
  };
  expect(of(passed, "a", "b")).toMatchInlineSnapshot(`
    "
     0 ms             steps_in_process
    20 ms stepChanged steps_in_process  pass(t1, evaluating_results)
    20 ms stepChanged steps_in_process  pass(t1, evaluating_results)
    30 ms stepChanged complete          pass(t1, evaluating_results)
    "
  `);
  expect(of(isolated, "a", "b")).toMatchInlineSnapshot(`
    "
     0 ms             steps_in_process
    20 ms stepChanged steps_in_process  pass(t1, evaluating_results)
    20 ms stepChanged steps_in_process  pass(t1, evaluating_results)
    30 ms stepChanged error             pass(t1, evaluating_results), pass(t1, blocked_by_failures), tell(task-finalizer, dead.letter(t1, true))
    "
  `);
  const row = ["a", "b"].reduce(
    (each, stepName) =>
      advanceTask(each, changeOf("in_progress", "error", { ...isolated, stepName, errorMessage: "no" }))[0],
    task({ state: "steps_in_process", counts: { in_progress: 2 }, hasRun: true }),
  );
  expect([row.state, row.reason, row.errorMessage]).toEqual(["error", "STEP_FAILED", "a: no; b: no"]);
});

test("a held task is not held for ever, and takes that deadline with it when it ends", () => {
  const held = task({ spec: spec({ holdOnFailure: true }), counts: { in_progress: 1 }, hasRun: true });
  const begin = taskMachine.resolveState({ value: "steps_in_process", context: held });
  expect(
    playFrom(taskMachine, begin, [
      [1_000, "stepChanged", change("in_progress", "error", "no")],
      [604_801_000, "giveUp"],
    ]),
  ).toMatchInlineSnapshot(`
    "
            0 ms             steps_in_process
         1000 ms stepChanged blocked_by_failures  pass(t1, evaluating_results), pass(t1, blocked_by_failures), setDeadline(t1, "", hold, 604801000), tell(task-finalizer, dead.letter(t1, true))
    604801000 ms giveUp      error                tell(task-finalizer, dead.letter(t1, true)), clearDeadline(t1, "", hold)
    "
  `);
});

test("a task that is a step of another tells that one of its end, whatever it is", () => {
  const parent = { taskId: "t0", stepName: "sub" } as TaskRow["spec"]["parent"];
  const child = task({ state: "steps_in_process", counts: { in_progress: 1 }, spec: spec({ parent }) });
  const addressed = (message: TaskMessage) =>
    advanceTask(child, message)[1].flatMap((command) =>
      command.type === "tell" ? [command.params.message] : [],
    );
  const ended = { type: "child.ended", taskId: "t0", stepName: "sub", childId: "t1" };
  const at = instant(5);
  expect(addressed({ type: "cancel", at, message: "" }).at(-1)).toEqual(ended);
  expect(addressed({ type: "timeout", at, message: "" }).at(-1)).toEqual(ended);
  expect(addressed(changeOf("in_progress", "complete"))).toEqual([ended]);
  expect(addressed(changeOf("in_progress", "error")).at(-1)).toEqual(ended);
});

test("what an ended task did is to be undone only if it ended badly", () => {
  const row = task({
    state: "steps_in_process",
    counts: { in_progress: 1, complete: 1 },
    spec: spec({ isCompensable: true }),
  });
  const at = instant(5);
  const undone = (message: TaskMessage, part: Partial<TaskRow> = {}) =>
    advanceTask({ ...row, ...part }, message)[1].some(({ type }) => type === "tell");
  expect(undone({ type: "cancel", at, message: "" })).toBe(true);
  expect(undone({ type: "timeout", at, message: "" })).toBe(true);
  expect(undone(changeOf("in_progress", "error"))).toBe(true);
  expect(undone(changeOf("in_progress", "error", { tolerated: true, isolated: true }))).toBe(true);
  expect(undone(changeOf("in_progress", "error", { tolerated: true }))).toBe(false);
  expect(undone(changeOf("in_progress", "complete"))).toBe(false);
  const held = { state: "blocked_by_failures", counts: { error: 1, complete: 1 } } as const;
  expect(undone({ type: "manualResolution", at }, held)).toBe(false);
  expect(undone({ type: "giveUp", at }, held)).toBe(true);
});
