import { limits } from "#limits/index";
import type { RunId, TaskId, WorkerId } from "../id.js";
import { labelsBytes } from "../text/labels.js";
import { utf8Bytes } from "../text/text.js";
import type { Millis } from "../time/time.js";
import type { AgentSpec, Hello, WorkerStatus } from "../worker/worker.js";
import { type JournalRecord, recordBytes } from "./journal.js";
import type { ModelBackend, RunStatus } from "./run.js";
import type { Labels, Reason } from "./task.js";
import type { UsedModel } from "./usage.js";

/** A message of a worker. `fence` is absent from a public worker that sends none. */
export type WorkerReport =
  | ({ readonly type: "hello" } & Hello)
  | HeartbeatReport
  | StatusReport
  | OutputReport
  | EventReport
  | ChatReport
  | DeclineReport
  | YieldReport
  | JournalReport
  | SuspendReport
  | UsageReport
  | RefusedReport;

export interface HeartbeatReport {
  readonly type: "heartbeat";
  readonly workerId: WorkerId;
  readonly status: WorkerStatus;
  /** How many Runs it may hold from now on: none, if 0; undefined changes nothing. */
  readonly capacity?: number;
  /** Echoed in the ack; 0 asks for none. */
  readonly beat: number;
  /** The agents that it runs from now on; undefined changes nothing. */
  readonly agents?: readonly AgentSpec[];
  /** The {@link WorkerInfo.lostTasks} that are left; undefined changes nothing. */
  readonly lostTasks?: readonly TaskId[];
  /** Sent only by our own workers; undefined changes nothing. */
  readonly held?: HeldSet;
}

/** The Runs that a worker holds. Assignments with an ordinal above `lastOrdinal` may be held without being listed. */
export interface HeldSet {
  readonly runIds: readonly RunId[];
  readonly lastOrdinal: number;
}

/** Reasons of a failed Run that a worker may report: limits that the plane checks too, and what has become of durable steps. */
export type FailureReason = Extract<Reason, "OUTPUT_LIMIT" | "REPORT_INVALID"> | DurableFailure;

/** Why a Run cannot go on from what is journaled. Such a failure is for good: every other attempt would meet the same. */
export type DurableFailure = Extract<Reason, "IN_DOUBT" | "JOURNAL_MISMATCH" | "JOURNAL_LIMIT">;

/** The reason as one of a failure for good, whatever attempts remain; undefined of any other. */
export function durableFailureOf(reason: Reason | undefined): DurableFailure | undefined {
  return reason === "IN_DOUBT" || reason === "JOURNAL_MISMATCH" || reason === "JOURNAL_LIMIT"
    ? reason
    : undefined;
}

export interface StatusReport {
  readonly type: "status";
  readonly runId: RunId;
  readonly fence?: number;
  readonly status: RunStatus;
  readonly errorMessage: string;
  /** With FAILED: the stack of what the agent threw, or the like. Absent if there is none. */
  readonly errorDetail?: string;
  readonly backend: ModelBackend | null;
  /** JSON text, or empty. */
  readonly output: string;
  readonly retryable?: boolean;
  /** With FAILED: the reason, unless the agent has thrown an error. */
  readonly reason?: FailureReason;
  /** How many chunks the Run has sent; COMPLETED is accepted only when all of them are durable. */
  readonly outputCount?: number;
  /** The worker's hint for the delay of a retry; 0 is none. */
  readonly retryAfter: Millis;
}

export interface OutputReport {
  readonly type: "output";
  readonly runId: RunId;
  readonly fence?: number;
  readonly seq: number;
  readonly content: string;
  readonly isFinal: boolean;
  readonly metadata: Labels;
  readonly sentAt: number;
}

export interface EventReport {
  readonly type: "event";
  readonly runId: RunId;
  readonly fence?: number;
  readonly id: string;
  readonly kind: number;
  /** Of an event of the agent's own. */
  readonly name?: string;
  readonly sentAt: number;
  readonly metadata: Labels;
}

export interface ChatReport {
  readonly type: "chat";
  readonly runId: RunId;
  readonly fence?: number;
  readonly role: number;
  readonly content: string;
  readonly sentAt: number;
}

/** The worker declines a Run: it has not begun it, or must shut down. */
export interface DeclineReport {
  readonly type: "decline";
  readonly runId: RunId;
  readonly reason: string;
}

/** A checkpoint: the Run ends, and its Step continues from the cursor in another Run. */
export interface YieldReport {
  readonly type: "yield";
  readonly runId: RunId;
  readonly fence?: number;
  /** JSON text. */
  readonly cursor: string;
  /** The output so far, as JSON text; empty if there is none. */
  readonly output: string;
}

/** What the Run's agent has begun or done is to be kept. */
export interface JournalReport {
  readonly type: "journal";
  readonly runId: RunId;
  readonly fence: number;
  readonly record: JournalRecord;
}

/** The Run ends until one of these entries of its Step's journal is over. */
export interface SuspendReport {
  readonly type: "suspend";
  readonly runId: RunId;
  readonly fence: number;
  readonly entries: readonly number[];
  /** Accepted only when so many records of the journal are durable. */
  readonly journalCount: number;
}

/** What the Run's agent has used of a model. Counts also if the Run has ended. */
export interface UsageReport {
  readonly type: "usage";
  readonly runId: RunId;
  readonly fence: number;
  /** Counts the Run's reports of usage, from 0. */
  readonly seq: number;
  readonly used: UsedModel;
}

/** Replaces an invalid report about a Run: it ends that Run only, and the stream continues. */
export interface RefusedReport {
  readonly type: "refused";
  readonly runId: RunId;
  readonly fence?: number;
  /** Names the field and what is wrong with it. */
  readonly message: string;
  /** True if it was the worker's final report about the Run. */
  readonly last: boolean;
}

/**
 * The weight of a report in bytes, the same on both ends: for its worker's credit, the bound of a turn, and the limit
 * of what one Run may write. The UTF-8 bytes of all texts of variable length, and at least what its log entry costs.
 */
export function reportBytes(report: WorkerReport): number {
  switch (report.type) {
    case "status":
      return weight(statusBytes(report));
    case "output":
      return outputBytes(report.content, report.metadata);
    case "event":
      return eventBytes(report.id, report.metadata, report.name);
    case "chat":
      return chatBytes(report.content);
    case "decline":
      return weight(utf8Bytes(report.reason));
    case "yield":
      return weight(checkpointBytes(report.cursor, report.output));
    case "journal":
      return weight(recordBytes(report.record));
    case "suspend":
      return weight(0);
    case "usage":
      return weight(utf8Bytes(report.used.model));
    case "refused":
      return weight(utf8Bytes(report.message));
    case "hello":
    case "heartbeat":
      return 0; // bounded by the gateway, and not repeated
  }
}

/** The weight of a chunk of output. */
export function outputBytes(content: string, metadata: Labels): number {
  return weight(utf8Bytes(content) + labelsBytes(metadata));
}

export function eventBytes(id: string, metadata: Labels, name = ""): number {
  return weight(utf8Bytes(id) + utf8Bytes(name) + labelsBytes(metadata));
}

export function chatBytes(content: string): number {
  return weight(utf8Bytes(content));
}

/** The size of a checkpoint for the limit of results: cursor and output together, as JSON text. */
export function checkpointBytes(cursor: string, output: string): number {
  return utf8Bytes(cursor) + utf8Bytes(output);
}

function weight(bytes: number): number {
  return Math.max(limits.reportBytes, bytes);
}

function statusBytes({ output, errorMessage, errorDetail = "", backend }: StatusReport): number {
  return textsBytes([output, errorMessage, errorDetail]) + backendBytes(backend);
}

function backendBytes(backend: ModelBackend | null): number {
  if (backend === null) return 0;
  const { provider, modelName, modalities, tools, metadata } = backend;
  return textsBytes([provider, modelName, ...modalities, ...tools]) + labelsBytes(metadata);
}

function textsBytes(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + utf8Bytes(text), 0);
}

/** The error of a Run that writes more than one Run may; the same text on both ends. */
export const outputLimit = `the run wrote more than ${limits.runOutputBytes} bytes of output, the most one run may; each piece, event and message counts ${limits.reportBytes} at least`;
