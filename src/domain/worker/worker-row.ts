import type { NodeId, WorkerId } from "../id.js";
import { type SessionRow, workerKey } from "./worker.js";

/** Names a worker: its principal and its id, as {@link workerKey} joins them. */
export type WorkerKey = string & { readonly __kind: "WorkerKey" };

/**
 * The row of a worker, which only stores have that several nodes share. It says where the worker's newest session is: of two
 * nodes to which a worker says hello, one writes it first, and the other one finds that out by its revision.
 *
 * It follows the session in the memory of its node. What another node wants of the worker, it writes here.
 */
export interface WorkerRow {
  readonly key: WorkerKey;
  readonly revision: number;
  /** The node that has the worker's stream, or had it. */
  readonly node: NodeId;
  /**
   * The newest session, as its node last wrote it. Its agents are without the schemas that they announce: those are part of
   * their own rows.
   */
  readonly session: SessionRow;
  /** Why an operator wants the session to drain; empty if none does. */
  readonly drainReason: string;
}

export function workerRowKey(principal: string, workerId: WorkerId): WorkerKey {
  return workerKey(principal, workerId) as WorkerKey;
}
