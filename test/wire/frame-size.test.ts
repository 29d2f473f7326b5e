import { toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { RunId, SessionId, TaskId } from "#domain/id";
import { utf8Bytes } from "#domain/text/text";
import { instant, millis } from "#domain/time/time";
import type { Assignment, WorkerFrame } from "#domain/worker/frame";
import { assignmentBytes, frameBytes } from "#domain/worker/frame-size";
import { serverMessage } from "#wire/convert-frame";
import { RunServerMessageSchema } from "#wire/gen/taskrun/v1/run_service_pb";

const encoded = (frame: WorkerFrame) => toBinary(RunServerMessageSchema, serverMessage(frame)).length;

/** Words of any letters, as a valid id, name or text may have them; some long enough for a length of two bytes and more. */
const word = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.string({ minLength: 120, maxLength: 300 }),
);
const words = fc.array(word, { maxLength: 5 });
const map = fc.dictionary(word, word, { maxKeys: 5, noNullPrototype: true });
const count = fc.oneof(fc.nat(300), fc.nat(), fc.maxSafeNat());

const assignment = fc
  .record(
    {
      runId: word,
      taskId: word,
      stepName: word,
      agentName: word,
      input: word,
      inputRef: fc.record({ id: word, bytes: count }),
      parts: word,
      labels: map,
      issuedAt: count,
      deadlineAt: count,
      attempt: fc.nat(2 ** 31 - 1),
      fence: fc.nat(2 ** 31 - 1),
      lease: count,
      ordinal: count,
      journalRecords: count,
      results: map,
      refs: words,
      failed: words,
      traceparent: fc.constantFrom("", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    },
    {
      requiredKeys: [
        "runId",
        "taskId",
        "stepName",
        "agentName",
        "input",
        "parts",
        "labels",
        "issuedAt",
        "deadlineAt",
        "attempt",
        "fence",
        "lease",
        "ordinal",
        "journalRecords",
        "results",
        "refs",
        "failed",
        "traceparent",
      ],
    },
  )
  .map((made): WorkerFrame => {
    const run = made as unknown as Omit<Assignment, "bytes">;
    return { type: "assign", ...run, bytes: assignmentBytes(run, utf8Bytes(run.input)).whole };
  });

test("an assignment is as long as it is said to be, whatever is in it", () => {
  fc.assert(
    fc.property(assignment, (frame) => {
      expect(frameBytes(frame)).toBe(encoded(frame));
    }),
  );
});

test.each<WorkerFrame>([
  {
    type: "welcome",
    session: "s" as SessionId,
    heartbeat: millis(5_000),
    lease: millis(30_000),
    serverTime: instant(1_700_000_000_000),
  },
  {
    type: "welcome",
    session: "s" as SessionId,
    heartbeat: millis(5_000),
    lease: millis(30_000),
    serverTime: instant(1_700_000_000_000),
    incarnation: "0198-incarnation",
  },
  { type: "cancel", runId: "r" as RunId, reason: "it is €5 too much".repeat(20) },
  { type: "cancel", runId: "r" as RunId, reason: "" },
  { type: "ack.output", runId: "r".repeat(200) as RunId, nextSeq: 300 },
  { type: "ack.output", runId: "r" as RunId, nextSeq: 0 },
  { type: "ack.status", runId: "r" as RunId },
  { type: "ack.heartbeat", beat: 128 },
  { type: "drain", reason: "the host goes down" },
  { type: "drain", reason: "" },
  { type: "renew", within: millis(300_000) },
  { type: "renew", within: millis(0) },
])("a frame $type is as long as it is said to be", (frame) => {
  expect(frameBytes(frame)).toBe(encoded(frame));
});

test("what an assignment is made of is told apart", () => {
  const run = {
    runId: "r" as RunId,
    taskId: "t" as TaskId,
    stepName: "s",
    agentName: "a",
    input: "x".repeat(1_000),
    parts: "",
    labels: { team: "support" },
    issuedAt: instant(1),
    deadlineAt: instant(0),
    attempt: 1,
    fence: 1,
    lease: millis(1),
    ordinal: 1,
    journalRecords: 0,
    results: { before: "y".repeat(500) },
    refs: ["large".repeat(10)],
    failed: [],
    traceparent: "",
  };
  const bound = { session: "s" as SessionId, incarnation: "node", expiresAt: instant(1_700_000_000_000) };
  const boundRun = { ...run, bound };
  const frame = { type: "assign", ...boundRun, bytes: assignmentBytes(boundRun, 1_000).whole } as const;
  expect(frameBytes(frame)).toBe(encoded(frame));
  const { whole, input, results } = assignmentBytes(run, 1_000);
  expect([input, results, whole - input - results < 100]).toEqual([1_003, 568, true]);
});
