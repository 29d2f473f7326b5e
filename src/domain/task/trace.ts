import type { RunId, StepKey, TaskId } from "../id.js";
import type { TaskSpec } from "./task.js";

/*
 * The place of a Task in a trace, as W3C Trace Context (level 1) writes it. A Task keeps the `traceparent` of its request in
 * its row, and the ids of the spans of Tasks, Steps and Runs are hashes of their own ids: so all processes, before and after
 * a restart, name the same spans, and no row is written for one.
 */

/** A span, and whether its trace is recorded. */
export interface TraceContext {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
  /** Bit 0: the trace is sampled; bit 1: its id is random. */
  readonly flags: number;
}

const SAMPLED = 1;
/** The flags that the specification defines; others must not be passed on. */
const KNOWN_FLAGS = 3;
/** Length of `00-<trace id>-<span id>-<flags>`. */
const LENGTH = 55;
const FORM = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/;

/** Reads a `traceparent`. What is none is ignored, as the specification says: undefined. */
export function readTraceparent(text: string | undefined): TraceContext | undefined {
  if (text === undefined || !FORM.test(text)) return undefined;
  // Later versions may add fields, version 00 has none.
  if (text.length > LENGTH && (text.startsWith("00") || text[LENGTH] !== "-")) return undefined;
  const flags = Number.parseInt(text.slice(53, LENGTH), 16) & KNOWN_FLAGS;
  return { traceId: text.slice(3, 35), spanId: text.slice(36, 52), flags };
}

export function writeTraceparent({ traceId, spanId, flags }: TraceContext): string {
  return `00-${traceId}-${spanId}-0${flags & KNOWN_FLAGS}`;
}

export function isSampled({ flags }: Pick<TraceContext, "flags">): boolean {
  return (flags & SAMPLED) === SAMPLED;
}

/** The place of a Task in its trace; undefined if it is in none. */
export function traceOf({ traceparent }: Pick<TaskSpec, "traceparent">): TraceContext | undefined {
  return readTraceparent(traceparent);
}

/** What a Task keeps that begins a trace: its own span takes the place of a parent. */
export function ownTrace(id: TaskId): Omit<TraceContext, "flags"> {
  const hex = id.replaceAll("-", "");
  // Its id is found in the trace's: whoever knows the Task knows its trace.
  const isUsable = /^(?!0{32})[0-9a-f]{32}$/.test(hex);
  return {
    traceId: isUsable ? hex : `${hashOf(`trace ${id}`)}${hashOf(`${id} trace`)}`,
    spanId: taskSpanId(id),
  };
}

export function taskSpanId(id: TaskId): string {
  return hashOf(`task ${id}`);
}

export function stepSpanId({ taskId, stepName }: StepKey): string {
  return hashOf(`step ${taskId}/${stepName}`);
}

export function runSpanId(id: RunId): string {
  return hashOf(`run ${id}`);
}

/**
 * What the worker of a Run gets as its parent: the Run's span, or, if this plane records no spans, what the Task's client sent.
 * Empty if the Task is in no trace.
 */
export function runTraceparent(
  { traceparent }: Pick<TaskSpec, "traceparent">,
  runId: RunId,
  recorded: boolean,
): string {
  if (traceparent === undefined) return "";
  return recorded ? `${traceparent.slice(0, 36)}${runSpanId(runId)}${traceparent.slice(52)}` : traceparent;
}

/** A hash of 64 bits as 16 hex digits, never all zero. Two lanes of 32 bits, each mixed as in MurmurHash3. */
function hashOf(text: string): string {
  let a = 0x9747b28c ^ text.length;
  let b = 0x3c6ef372;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    a = rotated(Math.imul(a ^ Math.imul(code, 0xcc9e2d51), 0x1b873593), 15) + b;
    b = rotated(Math.imul(b ^ Math.imul(code, 0x85ebca6b), 0xc2b2ae35), 13) + a;
  }
  a = finished(a ^ finished(b));
  b = finished(b + a);
  return `${hex32(a)}${hex32(a === 0 && b === 0 ? 1 : b)}`;
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}

function finished(word: number): number {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

function hex32(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
