import type { RunId, SessionId, WorkerId } from "../id.js";
import type { ModelBackend } from "../task/run.js";
import type { Labels } from "../task/task.js";
import type { Instant, Millis } from "../time/time.js";

export const workerStatuses = ["IDLE", "BUSY", "DRAINING", "ERROR"] as const;
export type WorkerStatus = (typeof workerStatuses)[number];

/** Where a worker session stands; only its machine changes it. */
export type SessionState = "serving" | "failing" | "draining" | "detached" | "gone";

/**
 * 0: the public worker, which knows no leases, fences or acks. 1: ours. 2: as 1, and reads large inputs by
 * reference. Whatever holds for one holds for all above it.
 */
export type WorkerProtocol = 0 | 1 | 2;

export interface AgentSpec {
  readonly name: string;
  readonly description: string;
  readonly labels: Labels;
  readonly backends: readonly ModelBackend[];
}

export interface WorkerInfo {
  readonly workerId: WorkerId;
  readonly hostname: string;
  readonly version: string;
  readonly agents: readonly AgentSpec[];
  readonly labels: Labels;
  /** Namespaces it works for; empty is all its principal may use. */
  readonly namespaces: readonly string[];
}

/** One worker stream, from its hello on. Kept in memory by the node that holds the stream. */
export interface SessionRow {
  readonly id: SessionId;
  readonly state: SessionState;
  readonly principal: string;
  readonly instance: string;
  readonly protocol: WorkerProtocol;
  readonly info: WorkerInfo;
  /** Runs it takes at once. */
  readonly capacity: number;
  readonly connectedAt: Instant;
}

/** A connected worker as clients see it. */
export interface WorkerView {
  readonly info: WorkerInfo;
  readonly status: WorkerStatus;
  readonly activeRuns: number;
  readonly capacity: number;
  readonly lastHeartbeatAt: Instant;
}

/** A Run a reconnecting worker still has in hand. */
export interface ResumedRun {
  readonly runId: RunId;
  readonly fence: number;
  /** The lowest output seq the worker can still send. */
  readonly nextSeq: number;
}

/** What a worker says of itself when its stream opens. */
export interface Hello {
  readonly info: WorkerInfo;
  readonly protocol: WorkerProtocol;
  readonly instance: string;
  readonly capacity: number;
  readonly resume: readonly ResumedRun[];
}

/** How long a worker may be silent, and how often it should speak. */
export interface LeaseTerms {
  readonly lease: Millis;
  readonly heartbeat: Millis;
  /** The lease of a worker that was told no terms. */
  readonly publicLease: Millis;
}

/** True if every label of the selector stands among the labels. */
export function carries(labels: Labels, selector: Labels): boolean {
  for (const name in selector) if (labels[name] !== selector[name]) return false;
  return true;
}

/** Only the same principal can supersede a session: the key under which it is looked up. */
export function workerKey(principal: string, workerId: WorkerId): string {
  return JSON.stringify([principal, workerId]);
}
