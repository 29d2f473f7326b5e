import type { Labels } from "../task/task.js";
import { utf8Bytes } from "../text/text.js";
import type { Assignment, WorkerFrame } from "./frame.js";
import { PLANE_PROTOCOL } from "./worker.js";

/*
 * The encoded length of a frame, as one gRPC message: for the turn, which decides whether a frame may be sent, and for
 * the queue in which it waits. A test compares it with the encoder.
 */

/** Bytes of the frame's encoded message. */
export function frameBytes(frame: WorkerFrame): number {
  switch (frame.type) {
    case "assign":
      return frame.bytes;
    case "welcome": {
      const { heartbeat, lease, serverTime, session, incarnation = "", notice = "" } = frame;
      return message(
        ARM_OF_OURS,
        int(1, heartbeat) +
          int(1, lease) +
          int(1, serverTime) +
          text(1, utf8Bytes(session)) +
          text(1, utf8Bytes(incarnation)) +
          text(1, utf8Bytes(notice)) +
          int(1, PLANE_PROTOCOL),
      );
    }
    case "cancel":
      return message(ARM, text(1, utf8Bytes(frame.runId)) + text(1, utf8Bytes(frame.reason)));
    case "ack.output":
      return ack("output", utf8Bytes(frame.runId), frame.nextSeq);
    case "ack.status":
      return ack("status", utf8Bytes(frame.runId), 0);
    case "ack.heartbeat":
      return ack("heartbeat", 0, frame.beat);
    case "ack.journal":
      return ack("journal", utf8Bytes(frame.runId), frame.nextSeq, utf8Bytes(frame.childId ?? ""));
    case "ack.usage":
      return ack("usage", utf8Bytes(frame.runId), frame.nextSeq);
    case "drain":
      return message(ARM_OF_OURS, text(1, utf8Bytes(frame.reason)));
    case "renew":
      return message(ARM_OF_OURS, int(1, frame.within));
  }
}

/** The parts of an assignment's bytes, for the error message about one that is too large. */
export interface AssignmentBytes {
  readonly whole: number;
  /** The input and its parts, as far as they are included. */
  readonly input: number;
  /** Results of dependencies, and the names of those left out. */
  readonly results: number;
}

/** Bytes of an assignment's encoded message. @param inputBytes UTF-8 length of `input`, to avoid measuring it again */
export function assignmentBytes(run: Omit<Assignment, "bytes">, inputBytes: number): AssignmentBytes {
  const { runId, taskId, agentName, stepName, inputRef, parts } = run;
  const id = utf8Bytes(runId);
  const input =
    text(1, inputBytes) +
    text(2, utf8Bytes(parts)) +
    (inputRef ? message(2, text(1, utf8Bytes(inputRef.id)) + int(1, inputRef.bytes)) : 0);
  const results = pairs(2, run.results) + texts(2, run.refs) + texts(2, run.failed);
  const others =
    text(1, id) +
    text(1, utf8Bytes(taskId)) +
    text(1, utf8Bytes(agentName)) +
    pairs(1, run.labels) +
    int(1, run.issuedAt) +
    int(1, run.deadlineAt) +
    int(2, run.attempt) +
    int(2, run.fence) +
    int(2, run.lease) +
    text(2, id) + // the nonce
    text(2, utf8Bytes(stepName)) +
    text(2, run.traceparent.length) +
    int(2, run.ordinal) +
    int(2, run.journalRecords) +
    boundBytes(run);
  return { whole: message(ARM, input + results + others), input, results };
}

function boundBytes({ bound }: Pick<Assignment, "bound">): number {
  if (!bound) return 0;
  return text(2, utf8Bytes(bound.session)) + text(2, utf8Bytes(bound.incarnation)) + int(2, bound.expiresAt);
}

/** Length of the tag of a field: 1 up to number 15, then 2; so it is for the arms of a message to a worker. */
const ARM = 1;
const ARM_OF_OURS = 2;

function ack(type: string, runId: number, count: number, childId = 0): number {
  return message(ARM, text(1, type.length) + text(1, runId) + int(2, count) + text(2, childId));
}

function varint(value: number): number {
  let bytes = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes += 1;
  return bytes;
}

/** A nested message: written even if all of its fields are omitted. */
function message(tag: number, bytes: number): number {
  return tag + varint(bytes) + bytes;
}

/** A text: omitted if it is empty, as numbers are if they are 0. */
function text(tag: number, bytes: number): number {
  return bytes === 0 ? 0 : message(tag, bytes);
}

function int(tag: number, value: number): number {
  return value === 0 ? 0 : tag + varint(value);
}

function texts(tag: number, list: readonly string[]): number {
  let bytes = 0;
  for (const item of list) bytes += message(tag, utf8Bytes(item));
  return bytes;
}

/** A map: each entry is a message of its name and its value, both written even if empty. */
function pairs(tag: number, map: Labels): number {
  let bytes = 0;
  for (const name in map) {
    bytes += message(tag, message(1, utf8Bytes(name)) + message(1, utf8Bytes(map[name] ?? "")));
  }
  return bytes;
}
