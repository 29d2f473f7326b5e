import type { RunId, WorkerId } from "./id.js";
import type { ModelBackend, RunStatus } from "./run.js";
import type { Labels } from "./task.js";
import { utf8Bytes } from "./text.js";
import type { Millis } from "./time.js";
import type { Hello, WorkerStatus } from "./worker.js";

/** What a worker can say. `fence` is absent where a public worker sends none. */
export type WorkerReport =
  | ({ readonly type: "hello" } & Hello)
  | HeartbeatReport
  | StatusReport
  | OutputReport
  | EventReport
  | ChatReport
  | DeclineReport
  | YieldReport;

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

/** What a report weighs against credit and a turn's bound: the UTF-8 bytes of all that a worker may make long. */
export function reportBytes(report: WorkerReport): number {
  switch (report.type) {
    case "status":
      return textsBytes([report.output, report.errorMessage]) + backendBytes(report.backend);
    case "output":
      return utf8Bytes(report.content) + labelsBytes(report.metadata);
    case "event":
      return utf8Bytes(report.id) + labelsBytes(report.metadata);
    case "chat":
      return utf8Bytes(report.content);
    case "decline":
      return utf8Bytes(report.reason);
    case "yield":
      return textsBytes([report.cursor, report.output]);
    case "hello":
    case "heartbeat":
      return 0; // bounded by the door, and not repeated
  }
}

/** UTF-8 bytes of all names and values. */
export function labelsBytes(labels: Labels): number {
  return textsBytes(Object.entries(labels).flat());
}

function backendBytes(backend: ModelBackend | null): number {
  if (backend === null) return 0;
  const { provider, modelName, modalities, tools, metadata } = backend;
  return textsBytes([provider, modelName, ...modalities, ...tools]) + labelsBytes(metadata);
}

function textsBytes(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + utf8Bytes(text), 0);
}
