import type { Caller } from "#domain/caller";
import type { NodeId, RunId, SessionId, TaskId, WorkerId } from "#domain/id";
import type { Restoration } from "#domain/incarnation";
import type { HeldSet, WorkerReport } from "#domain/task/report";
import type { AgentSpec, Hello, LeaseTerms, WorkerStatus } from "#domain/worker/worker";

/** What run-tracker can be told. It owns the life of every Run and of every worker session. */
export type RunTrackerMessage =
  /** worker: a stream has begun; it names the Runs it still holds. */
  | {
      readonly type: "hello";
      readonly session: SessionId;
      readonly caller: Caller;
      readonly hello: Hello;
      readonly terms: LeaseTerms;
      /** Of this start of the plane. */
      readonly incarnation?: string;
      /** Absent if the store was never restored from a backup. */
      readonly restored?: Restoration | undefined;
    }
  /** worker: about one Run. All may be repeated. */
  | RunReport
  /** worker: a held set that differs from what the plane believes. */
  | { readonly type: "held"; readonly session: SessionId; readonly held: HeldSet }
  /** worker: its status, its capacity or what it runs has changed. */
  | {
      readonly type: "worker.changed";
      readonly session: SessionId;
      readonly status: WorkerStatus;
      readonly capacity?: number;
      readonly agents?: readonly AgentSpec[];
      readonly lostTasks?: readonly TaskId[];
    }
  /** gateway: the stream has ended. */
  | { readonly type: "closed"; readonly session: SessionId }
  /** timers: the lease has ended, unless a heartbeat came in between. */
  | { readonly type: "silent"; readonly session: SessionId }
  /** nodes: another node has written the row of this session's worker. */
  | { readonly type: "worker.moved"; readonly session: SessionId }
  /** nodes: these Runs, held by workers, were those of a node that is gone; of no node, if `from` is empty. */
  | { readonly type: "adopt"; readonly from: NodeId | ""; readonly runIds: readonly RunId[] }
  /** operator: give this worker no more Runs. */
  | {
      readonly type: "drain.worker";
      readonly caller: Caller;
      /** Whose worker it is; the caller's own if it is left out. */
      readonly owner?: string;
      readonly workerId: WorkerId;
      readonly message: string;
    };

/** A worker's word about one Run, and the session it came by. */
export type RunReport = {
  readonly type: "report";
  readonly session: SessionId;
  readonly report: Exclude<WorkerReport, { readonly type: "hello" | "heartbeat" }>;
  /** What the report weighs. */
  readonly bytes: number;
};
