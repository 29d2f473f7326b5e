import { expect, test } from "vitest";
import { runMachine } from "#actors/run/machine";
import type { RunMessage } from "#actors/run/messages";
import type { SessionId } from "#domain/id";
import type { ModelBackend, RunRow } from "#domain/task/run";
import { instant, NEVER } from "#domain/time/time";
import { advanceRun } from "#runtime/machines/lifecycles";
import { play } from "#testing/transcript";
import { runLife } from "./kit/lives.js";
import { heldRun, run } from "./kit/rows.js";

const result = { backend: null, output: '{"ok":true}', outputBytes: 11 };
const failure = { backend: null, errorMessage: "no such ticket", retryable: true, retryAfter: 0 };

test("a run is assigned, started, writes, and is completed; its worker's last word frees the slot", () => {
  expect(
    play(runMachine, run(), [
      [0, "assign"],
      [5, "started"],
      [6, "started"],
      [10, "wrote", { count: 2, bytes: 64 }],
      [20, "completed", result],
      [21, "failed", failure],
    ]),
  ).toMatchInlineSnapshot(`
    "
     0 ms           status.PENDING hold.free
     0 ms assign    status.ASSIGNED hold.held       sendAssignment(r1)
     5 ms started   status.RUNNING hold.held
     6 ms started   ignored
    10 ms wrote     status.RUNNING hold.held
    20 ms completed hold.released status.COMPLETED  tell(task-finalizer, run.ended(t1, main, r1, {completed, {"ok":true}, 11}))
    21 ms failed    ignored
    "
  `);
});

test("a run that fails says why, and whether another try would help", () => {
  expect(
    play(runMachine, run(), [
      [0, "assign"],
      [5, "started"],
      [20, "failed", failure],
    ]),
  ).toMatchInlineSnapshot(`
    "
     0 ms         status.PENDING hold.free
     0 ms assign  status.ASSIGNED hold.held    sendAssignment(r1)
     5 ms started status.RUNNING hold.held
    20 ms failed  hold.released status.FAILED  tell(task-finalizer, run.ended(t1, main, r1, {failed, no such ticket, true, 0}))
    "
  `);
});

test("a run whose task ends is cancelled at once, and stays in its worker's hands until the last word", () => {
  expect(
    play(runMachine, run(), [
      [0, "assign"],
      [5, "started"],
      [10, "end", { reason: "CANCELLED", message: "not needed" }],
      [11, "wrote", { count: 1, bytes: 8 }],
      [12, "completed", result], // too late to matter, but the worker lets go
      [13, "released"],
    ]),
  ).toMatchInlineSnapshot(`
    "
     0 ms           status.PENDING hold.free
     0 ms assign    status.ASSIGNED hold.held       sendAssignment(r1)
     5 ms started   status.RUNNING hold.held
    10 ms end       status.CANCELLED hold.held      send(s1, cancel(r1, not needed))
    11 ms wrote     ignored
    12 ms completed hold.released status.CANCELLED
    13 ms released  ignored
    "
  `);
});

test("a run out of time has failed, and its worker is told to stop", () => {
  expect(
    play(runMachine, run(), [
      [0, "assign"],
      [10, "end", { reason: "TIMEOUT", message: "the task did not end within timeout_ms = 10" }],
      [15, "released"],
      [16, "released"],
    ]),
  ).toMatchInlineSnapshot(`
    "
     0 ms          status.PENDING hold.free
     0 ms assign   status.ASSIGNED hold.held    sendAssignment(r1)
    10 ms end      status.FAILED hold.held      send(s1, cancel(r1, the task did not end within timeout_ms = 10))
    15 ms released hold.released status.FAILED  tell(task-finalizer, run.released(t1, main, true))
    16 ms released ignored
    "
  `);
});

test("a run that ends before it was ever assigned is never sent and never held", () => {
  expect(
    play(runMachine, run(), [
      [0, "end", { reason: "CANCELLED", message: "not needed" }],
      [1, "assign"],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms        status.PENDING hold.free
    0 ms end    hold.released status.CANCELLED
    1 ms assign ignored
    "
  `);
});

test("a lost run fails, a declined one is handed back: both leave the worker's hands", () => {
  const addressed = { message: "the worker was silent for longer than its lease" };
  expect(
    play(runMachine, run(), [
      [0, "assign"],
      [30_000, "lost", addressed],
      [30_001, "resumed", { session: "s2" }],
    ]),
  ).toMatchInlineSnapshot(`
    "
        0 ms         status.PENDING hold.free
        0 ms assign  status.ASSIGNED hold.held    sendAssignment(r1)
    30000 ms lost    hold.released status.FAILED  tell(task-finalizer, run.ended(t1, main, r1, {lost, WORKER_LOST, w1, the worker was silent for longer than its lease}))
    30001 ms resumed ignored
    "
  `);
  expect(
    play(runMachine, run(), [
      [0, "assign"],
      [5, "declined", { message: "I must go" }],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms          status.PENDING hold.free
    0 ms assign   status.ASSIGNED hold.held       sendAssignment(r1)
    5 ms declined hold.released status.CANCELLED  tell(task-finalizer, run.ended(t1, main, r1, {handedBack, w1, I must go}))
    "
  `);
});

test("a run broken off by the plane stays with its worker until that has stopped", () => {
  expect(
    play(runMachine, run(), [
      [0, "assign"],
      [5, "broken", { reason: "OUTPUT_LIMIT", message: "too much output" }],
      [9, "cancelled", { errorMessage: "" }],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms           status.PENDING hold.free
    0 ms assign    status.ASSIGNED hold.held    sendAssignment(r1)
    5 ms broken    status.FAILED hold.held      tell(task-finalizer, run.ended(t1, main, r1, {failed, too much output, false, 0})), send(s1, cancel(r1, OUTPUT_LIMIT: too much output))
    9 ms cancelled hold.released status.FAILED
    "
  `);
});

test("a run that cannot be sent ends for good and is let go: its worker never hears of it", () => {
  expect(
    play(runMachine, run(), [
      [0, "assign"],
      [0, "undeliverable", { reason: "ASSIGNMENT_TOO_LARGE", message: "it is too large" }],
    ]),
  ).toMatchInlineSnapshot(`
    "
    0 ms               status.PENDING hold.free
    0 ms assign        status.ASSIGNED hold.held    sendAssignment(r1)
    0 ms undeliverable hold.released status.FAILED  tell(task-finalizer, run.ended(t1, main, r1, {failed, it is too large, false, 0}))
    "
  `);
});

test("a run changes hands when its worker is back on another stream, even one that has ended", () => {
  expect(
    play(runMachine, run(), [
      [0, "assign"],
      [5, "resumed", { session: "s2" }],
      [10, "end", { reason: "CANCELLED", message: "not needed" }],
      [15, "resumed", { session: "s3" }],
      [16, "released"],
    ]),
  ).toMatchInlineSnapshot(`
    "
     0 ms          status.PENDING hold.free
     0 ms assign   status.ASSIGNED hold.held       sendAssignment(r1)
     5 ms resumed  status.ASSIGNED hold.held
    10 ms end      status.CANCELLED hold.held      send(s2, cancel(r1, not needed))
    15 ms resumed  status.CANCELLED hold.held
    16 ms released hold.released status.CANCELLED  tell(task-finalizer, run.released(t1, main, true))
    "
  `);
});

test("an ended run's row says when, why and in whose words", () => {
  const words = Object.fromEntries(
    runLife.cases.map(({ name, message }) => {
      const { status, finishedAt, reason, errorMessage } = advanceRun(heldRun(), message)[0];
      return [
        name,
        finishedAt === NEVER ? "goes on" : [status, finishedAt, reason, errorMessage].join(" ").trim(),
      ];
    }),
  );

  expect(words).toEqual({
    assign: "goes on",
    started: "goes on",
    wrote: "goes on",
    resumed: "goes on",
    released: "goes on",
    completed: "COMPLETED 10",
    yielded: "COMPLETED 10 YIELDED",
    suspended: "COMPLETED 10 SUSPENDED",
    failed: "FAILED 10 AGENT_ERROR no such ticket",
    cancelled: "CANCELLED 10 CANCELLED",
    declined: "CANCELLED 10 DECLINED I must go",
    broken: "FAILED 10 OUTPUT_LIMIT too much output",
    undeliverable: "FAILED 10 ASSIGNMENT_TOO_LARGE too large",
    lost: "FAILED 10 WORKER_LOST the worker was silent",
    end: "CANCELLED 10 CANCELLED not needed",
    "end, out of time": "FAILED 10 TIMEOUT too long",
  });
});

test("a run that changes hands belongs to the new session, which never assigned it", () => {
  const [after] = advanceRun(heldRun(), { type: "resumed", at: instant(5), session: "s2" as SessionId });

  expect(after).toEqual(heldRun({ heldBy: "s2" as SessionId, session: "s2" as SessionId, ordinal: 0 }));
});

test("a run's row keeps what is durable of its output, when it began, and the model that did it", () => {
  const backend = { provider: "builtin", modelName: "rules" } as ModelBackend;
  const at = instant(5);
  const [begun] = advanceRun(heldRun({ status: "ASSIGNED" }), { type: "started", at });
  const [wrote] = advanceRun(begun, { type: "wrote", at, count: 2, bytes: 64 });
  const [done] = advanceRun(wrote, { type: "completed", at, backend, output: "", outputBytes: 0 });

  expect(done).toMatchObject({ startedAt: 5, nextSeq: 2, outputBytes: 64, backend, heldBy: "" });
});

test("a run that tells only its end began then; one that told its start before began before", () => {
  const at = instant(7);
  const end = { type: "completed", at, backend: null, output: "", outputBytes: 0 } as const;
  const assigned = heldRun({ status: "ASSIGNED" });
  const [begun] = advanceRun(assigned, { type: "started", at: instant(5) });

  expect(advanceRun(assigned, end)[0]).toMatchObject({ status: "COMPLETED", startedAt: 7, finishedAt: 7 });
  expect(advanceRun(begun, end)[0]).toMatchObject({ startedAt: 5, finishedAt: 7 });
  expect(advanceRun(assigned, { type: "lost", at, message: "gone" })[0]).toMatchObject({ startedAt: 0 });
});

test("a run that stops at a checkpoint is completed, and says where the next one goes on", () => {
  expect(
    play(runMachine, run(), [
      [0, "assign"],
      [5, "started"],
      [20, "yielded", { cursor: '{"row":7}', output: "[1]" }],
      [21, "yielded", { cursor: '{"row":7}', output: "[1]" }],
    ]),
  ).toMatchInlineSnapshot(`
    "
     0 ms         status.PENDING hold.free
     0 ms assign  status.ASSIGNED hold.held       sendAssignment(r1)
     5 ms started status.RUNNING hold.held
    20 ms yielded hold.released status.COMPLETED  tell(task-finalizer, run.ended(t1, main, r1, {yielded, {"row":7}, [1], 0}))
    21 ms yielded ignored
    "
  `);
});

test("a run that is let go of after its end says so, and whether its agent may have done its work", () => {
  const at = instant(9);
  const told = (message: RunMessage, part: Partial<RunRow> = {}) =>
    advanceRun(heldRun({ status: "CANCELLED", finishedAt: instant(5), ...part }), message);
  const released = (inDoubt: boolean) => {
    const message = { type: "run.released", taskId: "t1", stepName: "main", inDoubt };
    return [{ type: "tell", params: { to: "task-finalizer", message } }];
  };
  const declined = { type: "declined", at, message: "no" } as const;
  expect(told({ type: "released", at })[1]).toEqual(released(true));
  expect(told(declined)[1]).toEqual(released(false));
  // It says that it began, and gives the run back all the same.
  expect(told(declined, { startedAt: instant(4) })[1]).toEqual(released(true));
  expect(told(declined)[0]).toMatchObject({ heldBy: "", status: "CANCELLED", reason: "", finishedAt: 5 });
});
