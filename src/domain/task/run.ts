import type { NodeId, RunId, SessionId, TaskId, WorkerId } from "../id.js";
import type { TemplateRef } from "../template/template.js";
import { type Instant, NEVER } from "../time/time.js";
import type { Labels, Reason } from "./task.js";
import type { Usage } from "./usage.js";

export const runStatuses = ["PENDING", "ASSIGNED", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"] as const;
export type RunStatus = (typeof runStatuses)[number];

/** The model that an agent uses, as its worker reports it. */
export interface ModelBackend {
  readonly provider: string;
  readonly modelName: string;
  readonly contextWindow: number;
  readonly supportsStreaming: boolean;
  readonly modalities: readonly string[];
  readonly tools: readonly string[];
  readonly metadata: Labels;
}

/**
 * The row of a Run: one attempt of a Step on a Worker.
 *
 * `status` and `heldBy` are independent: a Run that has ended, for example by a cancel, may still be held by its
 * worker. It uses a slot there until the worker's final report, its absence from a held set, or the end of the lease.
 */
export interface RunRow {
  readonly id: RunId;
  readonly taskId: TaskId;
  readonly stepName: string;
  readonly namespace: string;
  readonly revision: number;
  readonly status: RunStatus;
  readonly heldBy: SessionId | "";
  /** The session whose reports about it are accepted. */
  readonly session: SessionId;
  readonly principal: string;
  readonly workerId: WorkerId;
  /** A random id of the worker process, which it generates; empty for a public worker. */
  readonly instance: string;
  readonly agentName: string;
  /** Counts the Step's Runs, from 1. */
  readonly fence: number;
  /** Counts the Step's attempts, from 1. */
  readonly attempt: number;
  /** Counts the session's assignments, from 1; 0 once another session has taken the Run over. */
  readonly ordinal: number;
  readonly createdAt: Instant;
  readonly startedAt: Instant;
  readonly finishedAt: Instant;
  readonly reason: Reason;
  readonly errorMessage: string;
  /** The stack of what the agent threw, or the like; empty if there is none. Not part of the log. */
  readonly errorDetail: string;
  readonly backend: ModelBackend | null;
  /** The first output seq not yet durable. */
  readonly nextSeq: number;
  readonly outputBytes: number;
  /**
   * The node that has the stream of the session which holds the Run, or that expects its worker back. Absent in stores of one
   * process, and of Runs that have been made while the store was one. It stays when the Run is released.
   */
  readonly node?: NodeId;
  /** The Tasks whose budgets its held time counts against; absent if none bounds that. */
  readonly timedFor?: readonly TaskId[];
  /** What it has reported of models, once for each seq, so that `reports` is the next one; absent if nothing. */
  readonly usage?: Usage;
}

/** A Run that a worker holds, as far as pauses go. */
export type HeldRun = Pick<RunRow, "namespace" | "agentName" | "principal" | "workerId"> & {
  /** The template of its Task; null if that names an agent. */
  readonly template: Pick<TemplateRef, "namespace" | "name"> | null;
};

/** The part of a Run that clients see everywhere, and that the log has. */
export type RunSummary = Pick<
  RunRow,
  | "id"
  | "workerId"
  | "status"
  | "startedAt"
  | "finishedAt"
  | "backend"
  | "errorMessage"
  | "attempt"
  | "stepName"
  | "reason"
  | "fence"
>;

/** A Run in the answer about one Task, which has room for more of it. */
export type RunDetail = RunSummary & Partial<Pick<RunRow, "errorDetail" | "usage">>;

export function runSummary(run: RunRow): RunSummary {
  const { id, workerId, status, startedAt, finishedAt, backend, errorMessage } = run;
  const { attempt, stepName, reason, fence } = run;
  return {
    id,
    workerId,
    status,
    startedAt,
    finishedAt,
    backend,
    errorMessage,
    attempt,
    stepName,
    reason,
    fence,
  };
}

/** With what it has used, if anything. */
export function withUsage(summary: RunSummary, { usage }: Pick<RunRow, "usage">): RunDetail {
  return usage ? { ...summary, usage } : summary;
}

/** True if the Run has ended: its status never changes again. */
export function isOver(status: RunStatus): boolean {
  return status === "COMPLETED" || status === "FAILED" || status === "CANCELLED";
}

/** Whether a worker holds the Run: the second half of its state, which is not stored as such. */
export function holdOf({ heldBy, status }: Pick<RunRow, "heldBy" | "status">): "free" | "held" | "released" {
  if (heldBy !== "") return "held";
  return status === "PENDING" ? "free" : "released";
}

/** True if the Run's agent is known to have begun: its start was reported, or anything that it wrote. */
export function hasBegun({ status, startedAt, outputBytes }: RunRow): boolean {
  return status === "RUNNING" || startedAt !== NEVER || outputBytes > 0;
}
