import { expect, test } from "vitest";
import { stepMachine } from "#actors/step/machine";
import type { StepMessage } from "#actors/step/messages";
import type { StepRow } from "#domain/step";
import { instant } from "#domain/time";
import { advanceStep } from "#runtime/lifecycles";
import { play } from "#testing/transcript";
import { r1, step, w1 } from "./rows.js";

const place = { lane: "default/triage", rank: 0 };

test("a step waits for a worker, is worked on, and is complete; its task hears of every state", () => {
  expect(
    play(stepMachine, step(), [
      [0, "enqueue", place],
      [40, "start", { runId: "r1" }],
      [40, "start", { runId: "r2" }], // somebody has it already
      [90, "succeeded", { outputBytes: 12 }],
      [90, "complete"],
      [95, "cancel"],
    ]),
  ).toMatchInlineSnapshot(`
    "
     0 ms           pending
     0 ms enqueue   enqueued                    advanceTask(t1, stepChanged(0, pending, enqueued, ""))
    40 ms start     in_progress                 advanceTask(t1, stepChanged(40, enqueued, in_progress, ""))
    40 ms start     ignored
    90 ms succeeded enqueued_for_orchestration  advanceTask(t1, stepChanged(90, in_progress, enqueued_for_orchestration, ""))
    90 ms complete  complete                    advanceTask(t1, stepChanged(90, enqueued_for_orchestration, complete, ""))
    95 ms cancel    ignored
    "
  `);
});

test("a step that fails waits, tries again, and fails for good when it is told to", () => {
  expect(
    play(stepMachine, step({ maxAttempts: 2 }), [
      [0, "enqueue", place],
      [10, "start", { runId: "r1" }],
      [20, "failed", { errorMessage: "no such ticket" }],
      [20, "waitForRetry", { until: 900 }],
      [900, "retry"],
      [900, "enqueue", place],
      [910, "start", { runId: "r2" }],
      [920, "failed", { errorMessage: "still no such ticket" }],
      [920, "fail"],
    ]),
  ).toMatchInlineSnapshot(`
    "
      0 ms              pending
      0 ms enqueue      enqueued                             advanceTask(t1, stepChanged(0, pending, enqueued, ""))
     10 ms start        in_progress                          advanceTask(t1, stepChanged(10, enqueued, in_progress, ""))
     20 ms failed       enqueued_as_error_for_orchestration  advanceTask(t1, stepChanged(20, in_progress, enqueued_as_error_for_orchestration, no such ticket))
     20 ms waitForRetry waiting_for_retry                    advanceTask(t1, stepChanged(20, enqueued_as_error_for_orchestration, waiting_for_retry, no such ticket))
    900 ms retry        pending                              advanceTask(t1, stepChanged(900, waiting_for_retry, pending, no such ticket))
    900 ms enqueue      enqueued                             advanceTask(t1, stepChanged(900, pending, enqueued, no such ticket))
    910 ms start        in_progress                          advanceTask(t1, stepChanged(910, enqueued, in_progress, no such ticket))
    920 ms failed       enqueued_as_error_for_orchestration  advanceTask(t1, stepChanged(920, in_progress, enqueued_as_error_for_orchestration, still no such ticket))
    920 ms fail         error                                advanceTask(t1, stepChanged(920, enqueued_as_error_for_orchestration, error, still no such ticket))
    "
  `);
});

test("a run handed back puts its step in the queue again", () => {
  expect(
    play(stepMachine, step(), [
      [0, "enqueue", place],
      [10, "start", { runId: "r1" }],
      [20, "handBack", { ...place, rank: 20, avoidWorker: "w1", avoidUntil: 520 }],
      [30, "start", { runId: "r2" }],
    ]),
  ).toMatchInlineSnapshot(`
    "
     0 ms          pending
     0 ms enqueue  enqueued     advanceTask(t1, stepChanged(0, pending, enqueued, ""))
    10 ms start    in_progress  advanceTask(t1, stepChanged(10, enqueued, in_progress, ""))
    20 ms handBack enqueued     advanceTask(t1, stepChanged(20, in_progress, enqueued, ""))
    30 ms start    in_progress  advanceTask(t1, stepChanged(30, enqueued, in_progress, ""))
    "
  `);
});

test("a step whose dependencies are not satisfied is not enqueued", () => {
  expect(play(stepMachine, step({ unsatisfied: 1 }), [[0, "enqueue", place]])).toMatchInlineSnapshot(`
    "
    0 ms         pending
    0 ms enqueue ignored
    "
  `);
});

test("a failed step is settled by hand, once", () => {
  const failed = [
    [0, "enqueue", place],
    [10, "start", { runId: "r1" }],
    [20, "failed", { errorMessage: "no such ticket" }],
    [20, "fail"],
  ] as const;
  const tail = (transcript: string) => transcript.split("\n").slice(-3, -1).join("\n");

  expect(
    tail(play(stepMachine, step(), [...failed, [500, "resolveManually"], [501, "completeManually"]])),
  ).toMatchInlineSnapshot(`
    "500 ms resolveManually  resolved_manually                    advanceTask(t1, stepChanged(500, error, resolved_manually, no such ticket))
    501 ms completeManually ignored"
  `);
  expect(
    tail(play(stepMachine, step(), [...failed, [500, "completeManually"], [501, "cancel"]])),
  ).toMatchInlineSnapshot(`
    "500 ms completeManually complete                             advanceTask(t1, stepChanged(500, error, complete, no such ticket))
    501 ms cancel           ignored"
  `);
});

test("a step's row keeps its runs, its tries and its wait; a hand-back takes the try back", () => {
  const at = instant(5);
  const told = (row: StepRow, ...messages: StepMessage[]) =>
    messages.reduce((each, message) => advanceStep(each, message)[0], row);
  const start = { type: "start", at, runId: r1 } as const;
  const first = told(step(), { type: "enqueue", at, lane: "a", rank: 7 }, start);
  expect(first).toMatchObject({ lane: "a", rank: 7, runId: r1, fence: 1, attempts: 1 });

  const avoid = { avoidWorker: w1, avoidUntil: instant(505) };
  const back = told(first, { type: "handBack", at, lane: "a", rank: 9, ...avoid });
  expect(back).toMatchObject({ state: "enqueued", rank: 9, fence: 1, attempts: 0, declines: 1, ...avoid });

  const wait = { type: "waitForRetry", at, until: instant(900) } as const;
  const failed = told(back, start, { type: "failed", at, errorMessage: "no such ticket" }, wait);
  expect(failed).toMatchObject({
    fence: 2,
    attempts: 1,
    declines: 0,
    nextAttemptAt: 900,
    errorMessage: "no such ticket",
  });

  const done = told(told(failed, { type: "retry", at }, { type: "enqueue", at, lane: "a", rank: 9 }, start), {
    type: "succeeded",
    at,
    outputBytes: 12,
  });
  expect(done).toMatchObject({ fence: 3, attempts: 2, nextAttemptAt: 0, outputBytes: 12, errorMessage: "" });
});
