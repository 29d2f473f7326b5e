import { expect, test } from "vitest";
import { stepMachine } from "#actors/step/machine";
import type { StepMessage } from "#actors/step/messages";
import type { StepRow } from "#domain/task/step";
import { instant, NEVER } from "#domain/time/time";
import { advanceStep } from "#runtime/machines/lifecycles";
import { play } from "#testing/transcript";
import { r1, step, w1 } from "./kit/rows.js";

const place = { lane: "default/triage", rank: 0 };

test("a step waits for a worker, is worked on, and is complete; its task hears of every state", () => {
  expect(
    play(stepMachine, step(), [
      [0, "enqueue", place],
      [40, "start", { runId: "r1" }],
      [40, "start", { runId: "r2" }], // somebody has it already
      [90, "succeeded", { outputBytes: 12 }],
      [90, "complete", { order: 1 }],
      [95, "cancel"],
    ]),
  ).toMatchInlineSnapshot(`
    "
     0 ms           pending
     0 ms enqueue   enqueued                    advanceTask(t1, stepChanged(0, main, pending, enqueued, false, false, false, ""))
    40 ms start     in_progress                 advanceTask(t1, stepChanged(40, main, enqueued, in_progress, true, false, false, ""))
    40 ms start     ignored
    90 ms succeeded enqueued_for_orchestration  advanceTask(t1, stepChanged(90, main, in_progress, enqueued_for_orchestration, true, false, false, ""))
    90 ms complete  complete                    advanceTask(t1, stepChanged(90, main, enqueued_for_orchestration, complete, true, false, false, ""))
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
      [920, "fail", { errorMessage: "still no such ticket" }],
    ]),
  ).toMatchInlineSnapshot(`
    "
      0 ms              pending
      0 ms enqueue      enqueued                             advanceTask(t1, stepChanged(0, main, pending, enqueued, false, false, false, ""))
     10 ms start        in_progress                          advanceTask(t1, stepChanged(10, main, enqueued, in_progress, true, false, false, ""))
     20 ms failed       enqueued_as_error_for_orchestration  advanceTask(t1, stepChanged(20, main, in_progress, enqueued_as_error_for_orchestration, true, false, false, no such ticket))
     20 ms waitForRetry waiting_for_retry                    advanceTask(t1, stepChanged(20, main, enqueued_as_error_for_orchestration, waiting_for_retry, true, false, false, no such ticket))
    900 ms retry        pending                              advanceTask(t1, stepChanged(900, main, waiting_for_retry, pending, true, false, false, no such ticket))
    900 ms enqueue      enqueued                             advanceTask(t1, stepChanged(900, main, pending, enqueued, true, false, false, no such ticket))
    910 ms start        in_progress                          advanceTask(t1, stepChanged(910, main, enqueued, in_progress, true, false, false, no such ticket))
    920 ms failed       enqueued_as_error_for_orchestration  advanceTask(t1, stepChanged(920, main, in_progress, enqueued_as_error_for_orchestration, true, false, false, still no such ticket))
    920 ms fail         error                                advanceTask(t1, stepChanged(920, main, enqueued_as_error_for_orchestration, error, true, false, false, still no such ticket))
    "
  `);
});

test("a run handed back puts its step in the queue again", () => {
  expect(
    play(stepMachine, step(), [
      [0, "enqueue", place],
      [10, "start", { runId: "r1" }],
      [20, "handBack", { ...place, until: 0, rank: 20, avoidWorker: "w1", avoidUntil: 520 }],
      [30, "start", { runId: "r2" }],
    ]),
  ).toMatchInlineSnapshot(`
    "
     0 ms          pending
     0 ms enqueue  enqueued     advanceTask(t1, stepChanged(0, main, pending, enqueued, false, false, false, ""))
    10 ms start    in_progress  advanceTask(t1, stepChanged(10, main, enqueued, in_progress, true, false, false, ""))
    20 ms handBack enqueued     advanceTask(t1, stepChanged(20, main, in_progress, enqueued, true, false, false, ""))
    30 ms start    in_progress  advanceTask(t1, stepChanged(30, main, enqueued, in_progress, true, false, false, ""))
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

test("a failed step is resolved by hand, once", () => {
  const failed = [
    [0, "enqueue", place],
    [10, "start", { runId: "r1" }],
    [20, "failed", { errorMessage: "no such ticket" }],
    [20, "fail", { errorMessage: "no such ticket" }],
  ] as const;
  const tail = (transcript: string) => transcript.split("\n").slice(-3, -1).join("\n");

  expect(
    tail(play(stepMachine, step(), [...failed, [500, "resolveManually"], [501, "completeManually"]])),
  ).toMatchInlineSnapshot(`
    "500 ms resolveManually  resolved_manually                    advanceTask(t1, stepChanged(500, main, error, resolved_manually, true, false, false, no such ticket))
    501 ms completeManually ignored"
  `);
  expect(
    tail(play(stepMachine, step(), [...failed, [500, "completeManually"], [501, "cancel"]])),
  ).toMatchInlineSnapshot(`
    "500 ms completeManually complete                             advanceTask(t1, stepChanged(500, main, error, complete, true, false, false, ""))
    501 ms cancel           ignored"
  `);
});

test("a step's row keeps its runs, its tries and its wait; a hand-back takes the try back", () => {
  const at = instant(5);
  const addressed = (row: StepRow, ...messages: StepMessage[]) =>
    messages.reduce((each, message) => advanceStep(each, message)[0], row);
  const start = { type: "start", at, runId: r1 } as const;
  const first = addressed(step(), { type: "enqueue", at, lane: "a", rank: 7 }, start);
  expect(first).toMatchObject({ lane: "a", rank: 7, runId: r1, fence: 1, attempts: 1 });

  const avoid = { avoidWorker: w1, avoidUntil: instant(505) };
  const back = addressed(first, { type: "handBack", at, until: NEVER, lane: "a", rank: 9, ...avoid });
  expect(back).toMatchObject({ state: "enqueued", rank: 9, fence: 1, attempts: 0, declines: 1, ...avoid });

  const wait = { type: "waitForRetry", at, until: instant(900) } as const;
  const failed = addressed(back, start, { type: "failed", at, errorMessage: "no such ticket" }, wait);
  expect(failed).toMatchObject({
    fence: 2,
    attempts: 1,
    declines: 0,
    nextAttemptAt: 900,
    errorMessage: "no such ticket",
  });

  const done = addressed(
    addressed(failed, { type: "retry", at }, { type: "enqueue", at, lane: "a", rank: 9 }, start),
    {
      type: "succeeded",
      at,
      outputBytes: 12,
    },
  );
  expect(done).toMatchObject({ fence: 3, attempts: 2, nextAttemptAt: 0, outputBytes: 12, errorMessage: "" });
});

test("a step that needs no worker begins by itself, and is done or not as any other", () => {
  expect(
    play(stepMachine, step(), [
      [0, "begin", { childId: "t2" }],
      [0, "start", { runId: "r1" }], // no worker takes it
      [50, "failed", { errorMessage: "child task t2 ended FAILED" }],
      [50, "waitForRetry", { until: 900 }],
      [900, "retry"],
      [900, "begin", { childId: "t3" }],
      [950, "succeeded", { outputBytes: 0 }],
      [950, "complete", { order: 4 }],
    ]),
  ).toMatchInlineSnapshot(`
    "
      0 ms              pending
      0 ms begin        in_progress                          advanceTask(t1, stepChanged(0, main, pending, in_progress, false, false, false, ""))
      0 ms start        ignored
     50 ms failed       enqueued_as_error_for_orchestration  advanceTask(t1, stepChanged(50, main, in_progress, enqueued_as_error_for_orchestration, false, false, false, child task t2 ended FAILED))
     50 ms waitForRetry waiting_for_retry                    advanceTask(t1, stepChanged(50, main, enqueued_as_error_for_orchestration, waiting_for_retry, false, false, false, child task t2 ended FAILED))
    900 ms retry        pending                              advanceTask(t1, stepChanged(900, main, waiting_for_retry, pending, false, false, false, child task t2 ended FAILED))
    900 ms begin        in_progress                          advanceTask(t1, stepChanged(900, main, pending, in_progress, false, false, false, child task t2 ended FAILED))
    950 ms succeeded    enqueued_for_orchestration           advanceTask(t1, stepChanged(950, main, in_progress, enqueued_for_orchestration, false, false, false, ""))
    950 ms complete     complete                             advanceTask(t1, stepChanged(950, main, enqueued_for_orchestration, complete, false, false, false, ""))
    "
  `);
});

test("a step that comes back too often waits in the queue until its time has come, and costs no attempt", () => {
  const at = instant(5);
  const until = instant(505);
  const begun = step({ state: "in_progress", runId: r1, fence: 3, attempts: 2, declines: 2 });
  const waits = { state: "enqueued", attempts: 1, nextAttemptAt: until, declines: 3 };
  const place = { lane: "a", rank: 9 } as const;
  const avoid = { avoidWorker: w1, avoidUntil: instant(4_005) };
  expect(advanceStep(begun, { type: "handBack", at, until, ...place, ...avoid })[0]).toMatchObject({
    ...waits,
    ...avoid,
  });
  expect(advanceStep(begun, { type: "yielded", at, until, fruitless: 3, ...place })[0]).toMatchObject({
    ...waits,
    hasInput: true,
  });
  const begunAgain = advanceStep(
    { ...begun, state: "enqueued", nextAttemptAt: until },
    { type: "start", at, runId: r1 },
  );
  expect(begunAgain[0].nextAttemptAt).toBe(0);
});

test("a run that stops at a checkpoint costs no attempt, and its step waits in the queue again", () => {
  const at = instant(5);
  const begun = step({ state: "in_progress", runId: r1, fence: 3, attempts: 2, declines: 2 });
  const [after] = advanceStep(begun, { type: "yielded", at, until: NEVER, fruitless: 0, lane: "a", rank: 9 });
  expect(after).toMatchObject({
    state: "enqueued",
    attempts: 1,
    fence: 3,
    declines: 0,
    hasInput: true,
    rank: 9,
  });
});

test("a step that is tried anew has all its tries again, and nothing of its failure", () => {
  const at = instant(500);
  const failed = step({
    state: "error",
    attempts: 3,
    maxAttempts: 3,
    fence: 3,
    runId: r1,
    errorMessage: "no such ticket",
    startedAt: instant(10),
    finishedAt: instant(20),
  });
  const [anew] = advanceStep(failed, { type: "resetForRetry", at });
  expect(anew).toMatchObject({ state: "pending", attempts: 0, errorMessage: "", finishedAt: 0, fence: 3 });
});

test("a step's row says when it first began, when it ended, and as which of its task's", () => {
  const addressed = (row: StepRow, ...messages: StepMessage[]) =>
    messages.reduce((each, message) => advanceStep(each, message)[0], row);
  const enqueue = { type: "enqueue", lane: "", rank: 0 } as const;
  const twice = addressed(
    step({ maxAttempts: 2 }),
    { ...enqueue, at: instant(1) },
    { type: "start", at: instant(10), runId: r1 },
    { type: "failed", at: instant(20), errorMessage: "no" },
    { type: "waitForRetry", at: instant(20), until: instant(30) },
    { type: "retry", at: instant(30) },
    { ...enqueue, at: instant(30) },
    { type: "start", at: instant(40), runId: r1 },
  );
  expect(twice).toMatchObject({ startedAt: 10, finishedAt: 0, order: 0 });
  const done = addressed(
    twice,
    { type: "succeeded", at: instant(50), outputBytes: 2 },
    { type: "complete", at: instant(50), order: 7 },
  );
  expect(done).toMatchObject({ startedAt: 10, finishedAt: 50, order: 7 });
  expect(addressed(twice, { type: "resolveManually", at: instant(60), order: 3 })).toMatchObject({
    finishedAt: 60,
    order: 3,
  });
  expect(addressed(twice, { type: "cancel", at: instant(70) })).toMatchObject({ finishedAt: 70, order: 0 });
});

test("a signal that came early is kept with the step, and so is what is left to wait for", () => {
  const at = instant(5);
  const waiting = step({ unsatisfied: 2 });
  const [early] = advanceStep(waiting, { type: "signalled", at, outputBytes: 11 });
  const [closer] = advanceStep(early, { type: "dependencySatisfied", at });
  expect(closer).toMatchObject({ state: "pending", unsatisfied: 1, signalled: true, outputBytes: 11 });
});
