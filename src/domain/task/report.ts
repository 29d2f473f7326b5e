import { limits } from "#limits/index";
import type { RunId, WorkerId } from "../id.js";
import { labelsBytes } from "../text/labels.js";
import { utf8Bytes } from "../text/text.js";
import type { Millis } from "../time/time.js";
import type { Hello, WorkerStatus } from "../worker/worker.js";
import type { ModelBackend, RunStatus } from "./run.js";
import type { Labels, Reason } from "./task.js";

/** What a worker can say. `fence` is absent where a public worker sends none. */
export type WorkerReport =
  | ({ readonly type: "hello" } & Hello)
  | HeartbeatReport
  | StatusReport
  | OutputReport
  | EventReport
  | ChatReport
  | DeclineReport
  | YieldReport
  | RefusedReport;

export interface HeartbeatReport {
  readonly type: "heartbeat";
  readonly workerId: WorkerId;
  readonly status: WorkerStatus;
  /** 0 means unchanged. */
  readonly capacity: number;
  /** Echoed in the ack; 0 asks for none. */
  readonly beat: number;
  /** Only ours send it; undefined leaves the plane's view alone. */
  readonly held?: HeldSet;
}

/** The Runs a worker has in hand; says nothing of assignments above `lastOrdinal`. */
export interface HeldSet {
  readonly runIds: readonly RunId[];
  readonly lastOrdinal: number;
}

/** What a worker may give as the reason of a failed Run: it has found out what the plane would have. */
export type FailureReason = Extract<Reason, "OUTPUT_LIMIT" | "REPORT_INVALID">;

export interface StatusReport {
  readonly type: "status";
  readonly runId: RunId;
  readonly fence?: number;
  readonly status: RunStatus;
  readonly errorMessage: string;
  readonly backend: ModelBackend | null;
  /** JSON text, or empty. */
  readonly output: string;
  readonly retryable?: boolean;
  /** With FAILED: why, where it is not what the agent threw. */
  readonly reason?: FailureReason;
  /** How many chunks the Run sent; COMPLETED counts only once they are all durable. */
  readonly outputCount?: number;
  /** The worker's hint; 0 is none. */
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

/** The worker hands a Run back: it never began, or must go. */
export interface DeclineReport {
  readonly type: "decline";
  readonly runId: RunId;
  readonly reason: string;
}

/** A checkpoint: the Run ends here for now, and its Step goes on from the cursor in another. */
export interface YieldReport {
  readonly type: "yield";
  readonly runId: RunId;
  readonly fence?: number;
  /** JSON text. */
  readonly cursor: string;
  /** What has been achieved so far, as JSON text; empty if nothing. */
  readonly output: string;
}

/** The worker has said of its Run what cannot be accepted: that Run ends with it, and nothing else. */
export interface RefusedReport {
  readonly type: "refused";
  readonly runId: RunId;
  readonly fence?: number;
  /** Names the field and what is wrong with it. */
  readonly message: string;
  /** True if it was to be the worker's last word about the Run. */
  readonly last: boolean;
}

/**
 * What a report weighs, on both ends: against its worker's credit, a turn's bound and what one Run may write. The
 * UTF-8 bytes of all that a worker may make long, and never less than its line in the log costs.
 */
export function reportBytes(report: WorkerReport): number {
  switch (report.type) {
    case "status":
      return weight(textsBytes([report.output, report.errorMessage]) + backendBytes(report.backend));
    case "output":
      return outputBytes(report.content, report.metadata);
    case "event":
      return eventBytes(report.id, report.metadata);
    case "chat":
      return chatBytes(report.content);
    case "decline":
      return weight(utf8Bytes(report.reason));
    case "yield":
      return weight(checkpointBytes(report.cursor, report.output));
    case "refused":
      return weight(utf8Bytes(report.message));
    case "hello":
    case "heartbeat":
      return 0; // bounded by the gateway, and not repeated
  }
}

/** What a chunk of output weighs. */
export function outputBytes(content: string, metadata: Labels): number {
  return weight(utf8Bytes(content) + labelsBytes(metadata));
}

export function eventBytes(id: string, metadata: Labels): number {
  return weight(utf8Bytes(id) + labelsBytes(metadata));
}

export function chatBytes(content: string): number {
  return weight(utf8Bytes(content));
}

/** What of a checkpoint counts against the limit of a result: cursor and output together, as JSON text. */
export function checkpointBytes(cursor: string, output: string): number {
  return utf8Bytes(cursor) + utf8Bytes(output);
}

function weight(bytes: number): number {
  return Math.max(limits.reportBytes, bytes);
}

function backendBytes(backend: ModelBackend | null): number {
  if (backend === null) return 0;
  const { provider, modelName, modalities, tools, metadata } = backend;
  return textsBytes([provider, modelName, ...modalities, ...tools]) + labelsBytes(metadata);
}

function textsBytes(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + utf8Bytes(text), 0);
}

/** Why a Run is broken off that says more than one Run may; in the same words on both ends. */
export const outputLimit = `the run wrote more than ${limits.runOutputBytes} bytes of output, the most one run may; each piece, event and message counts ${limits.reportBytes} at least`;
