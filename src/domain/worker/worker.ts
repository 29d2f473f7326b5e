import type { RunId, SessionId, TaskId, WorkerId } from "../id.js";
import type { Pause } from "../pause/pause.js";
import type { ModelBackend } from "../task/run.js";
import type { Labels } from "../task/task.js";
import type { Instant, Millis } from "../time/time.js";
import type { Announcement } from "./agent.js";

export const workerStatuses = ["IDLE", "BUSY", "DRAINING", "ERROR"] as const;
export type WorkerStatus = (typeof workerStatuses)[number];

/** The state of a worker session; only its machine changes it. */
export type SessionState = "serving" | "failing" | "draining" | "detached" | "gone";

/**
 * The version of a worker's protocol. 0: the public protocol, without leases, fences and acks. 1: with all of these. 2:
 * also reads large inputs by reference. Each version includes those below.
 */
export type WorkerProtocol = 0 | 1 | 2;

/** What the plane itself understands, as its welcome says: 3 has journals and usage as well. */
export const PLANE_PROTOCOL = 3;

export interface AgentSpec {
  readonly name: string;
  readonly description: string;
  readonly labels: Labels;
  readonly backends: readonly ModelBackend[];
  /** Absent if it announces nothing, as agents of public workers. */
  readonly announced?: Announcement;
}

export interface WorkerInfo {
  readonly workerId: WorkerId;
  readonly hostname: string;
  readonly version: string;
  readonly agents: readonly AgentSpec[];
  readonly labels: Labels;
  /** Namespaces that it serves; empty for all that its principal may use. */
  readonly namespaces: readonly string[];
  /** True of a worker that names Runs by their Task: it gets another one of a Task when it has released the one before. */
  readonly oneRunPerTask?: true;
  /** Tasks of which it may still execute a Run that an earlier session of it has lost: it gets none of these. */
  readonly lostTasks?: readonly TaskId[];
}

/** One session of a worker, from its hello on. Kept in memory by the node that has its stream. */
export interface SessionRow {
  readonly id: SessionId;
  readonly state: SessionState;
  readonly principal: string;
  readonly instance: string;
  readonly protocol: WorkerProtocol;
  readonly info: WorkerInfo;
  /** Most Runs that it holds at once. */
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
  /** Present if it is paused itself, whatever else may be. */
  readonly pause?: Pause | undefined;
}

/** A Run that a reconnecting worker still holds. */
export interface ResumedRun {
  readonly runId: RunId;
  readonly fence: number;
  /** The lowest output seq the worker can still send. */
  readonly nextSeq: number;
}

/** A worker's first message on its stream. */
export interface Hello {
  readonly info: WorkerInfo;
  readonly protocol: WorkerProtocol;
  readonly instance: string;
  readonly capacity: number;
  readonly resume: readonly ResumedRun[];
  /** That of the last welcome which this process has had; empty or absent if it has had none, or does not say. */
  readonly incarnation?: string;
}

/** How long a worker may be silent, and how often it should send a heartbeat. */
export interface LeaseTerms {
  readonly lease: Millis;
  readonly heartbeat: Millis;
  /** The lease of a public worker, which does not get these terms. */
  readonly publicLease: Millis;
}

/** True if the labels include every label of the selector. */
export function carries(labels: Labels, selector: Labels): boolean {
  for (const name in selector) if (labels[name] !== selector[name]) return false;
  return true;
}

/** The key by which a worker's session is found. Includes the principal: only the same one can supersede a session. */
export function workerKey(principal: string, workerId: WorkerId): string {
  return JSON.stringify([principal, workerId]);
}
