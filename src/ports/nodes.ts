import type { NodeId, RunId, SessionId, TaskId, WorkerId } from "#domain/id";
import type { NodeInfo, NodeView } from "#domain/node";
import type { Pause } from "#domain/pause/pause";
import type { Lane } from "#domain/task/lane";
import type { RunRow } from "#domain/task/run";
import type { Instant, Millis } from "#domain/time/time";
import type { AgentRow } from "#domain/worker/agent";
import type { WorkerKey, WorkerRow } from "#domain/worker/worker-row";

export { NodeGone, type NodeInfo, type NodeState, type NodeView } from "#domain/node";
export type { WorkerKey, WorkerRow } from "#domain/worker/worker-row";

/**
 * The lease of a node, by the clock of the store.
 *
 * @example
 * ```ts
 * import type { NodeLease } from "taskrun/ports/nodes";
 *
 * const left = ({ now, until }: NodeLease): number => until - now;
 * ```
 */
export interface NodeLease {
  readonly now: Instant;
  readonly until: Instant;
}

/**
 * What a node asks of the store from time to time, so that nothing waits for long when a wake was lost.
 *
 * @example
 * ```ts
 * import type { NodeInfo, NodeLease, PollQuery } from "taskrun/ports/nodes";
 *
 * function firstQuery({ id }: NodeInfo, { now }: NodeLease): PollQuery {
 *   return { node: id, since: now, tasks: [], workers: [] };
 * }
 * ```
 */
export interface PollQuery {
  readonly node: NodeId;
  /** `now` of the last answer, or of the `join`. */
  readonly since: Instant;
  /** Tasks that are watched or waited for here, with the last seq that is known. At most `limits.pollTasks`, each once. */
  readonly tasks: readonly { readonly taskId: TaskId; readonly seq: number }[];
  /** Workers with a session here, with the revision of their row that is known. At most `limits.pollWorkers`, each once. */
  readonly workers: readonly { readonly key: WorkerKey; readonly revision: number }[];
}

/**
 * A Run that its node is to tell its worker of.
 *
 * @example
 * ```ts
 * import type { Polled } from "taskrun/ports/nodes";
 *
 * const tasks = ({ over }: Polled): string[] => over.map(({ taskId }) => taskId);
 * ```
 */
export interface OverRun {
  readonly runId: RunId;
  readonly taskId: TaskId;
  readonly session: SessionId;
}

/**
 * The answer to a {@link PollQuery}: all of one snapshot.
 *
 * @example
 * ```ts
 * import type { Polled } from "taskrun/ports/nodes";
 *
 * const isQuiet = ({ over, workers, dead }: Polled): boolean => over.length + workers.length + dead.length === 0;
 * ```
 */
export interface Polled {
  readonly now: Instant;
  /** True if there is no other node, except for those that have left or were taken over. */
  readonly alone: boolean;
  /**
   * Of the Tasks asked for, those whose log has another last seq than the one that is known, and those that have ended. A Task
   * that is not in the store has last seq 0, and is answered if the known seq is another.
   */
  readonly tasks: readonly { readonly taskId: TaskId; readonly lastSeq: number; readonly ended: boolean }[];
  /** Runs that name this node, are held and have ended; by id, at most `limits.pollRuns`. Their workers get a cancel. */
  readonly over: readonly OverRun[];
  /** Of the workers asked for, the rows that have another revision than the one that is known. */
  readonly workers: readonly WorkerRow[];
  /**
   * Other nodes whose lease has ended, or which have left, and whose Runs nobody looks after: either they were never taken over,
   * or held Runs still name them and the node that has taken them over is this one, or is itself not live any more. At most
   * `limits.pollNodes`, the one whose lease ended first before the others. The empty id is among them if Runs are held that
   * name no node.
   */
  readonly dead: readonly (NodeId | "")[];
  /** Lanes in which Steps are ready, at most `limits.pollLanes`, by key. */
  readonly lanes: readonly Lane[];
  /** When the earliest deadline is due that no node has claimed. */
  readonly nextDueAt: Instant | undefined;
  /** Number of PENDING Tasks by namespace, of all nodes. */
  readonly waiting: ReadonlyMap<string, number>;
  /** Number of template versions by namespace. */
  readonly templates: ReadonlyMap<string, number>;
  /**
   * What is remembered of agents and was written since `PollQuery.since`; some may be older. What was forgotten since is
   * not named.
   */
  readonly agents: readonly AgentRow[];
  /** All pauses. */
  readonly pauses: readonly Pause[];
}

/**
 * A worker, for a list of all.
 *
 * @example
 * ```ts
 * import type { WorkerSeen } from "taskrun/ports/nodes";
 *
 * const isBusy = ({ activeRuns }: WorkerSeen): boolean => activeRuns > 0;
 * ```
 */
export interface WorkerSeen {
  readonly row: WorkerRow;
  /** Runs that its newest session holds. */
  readonly activeRuns: number;
  /** As its node said with its last renewal; 0 if it has not said so yet. */
  readonly lastHeartbeatAt: Instant;
}

/**
 * The nodes that share a store: who is at work, whose Runs and workers are whose, and what a node must know of the others.
 *
 * A node has a lease by the clock of the store, and renews it. Each call is one statement, and atomic. All but `poll`, `list`,
 * `workers` and `runsOf` are idempotent: after a lost answer, call again. All reject with a `Fault` of code `unavailable` or
 * `overloaded` while the store is away: nothing has happened then, or it is safe to call again.
 *
 * `testing/store-suite` tests the contract.
 *
 * @example
 * ```ts
 * import type { NodeStore } from "taskrun/ports/nodes";
 *
 * async function countLive(nodes: NodeStore): Promise<number> {
 *   return (await nodes.list()).filter(({ state }) => state === "live").length;
 * }
 * ```
 */
export interface NodeStore {
  /**
   * Adds this node, with a lease that begins now. If it is there and live, the same as `renew`.
   *
   * @throws {NodeGone} if the id was used before, and has left or was taken over
   */
  join(node: NodeInfo, lease: Millis): Promise<NodeLease>;

  /**
   * Renews the lease from now on. A lease that has ended is renewed, too, if nobody has taken over yet: then nobody has acted.
   *
   * @param heard when each connected worker was last heard, for the lists of other nodes; replaces what was said before
   * @throws {NodeGone} if the node has left, was taken over, or is not known
   */
  renew(id: NodeId, lease: Millis, heard: ReadonlyMap<SessionId, Instant>): Promise<NodeLease>;

  /** Marks the node as draining, for the list. Its lease goes on. Nothing happens if it is not live. */
  drain(id: NodeId): Promise<void>;

  /**
   * The node has stopped: its commits are refused from now on, and other nodes may take over at once. Nothing happens if it is not
   * known.
   */
  leave(id: NodeId): Promise<void>;

  /** All nodes that are known, live ones first, then the latest start first. At most `limits.nodesListed`. */
  list(): Promise<readonly NodeView[]>;

  /** Answers what this node asks. Renews nothing, and changes nothing. */
  poll(query: PollQuery): Promise<Polled>;

  /**
   * Takes over a node whose lease has ended, or which has left. From then on its commits are refused: a commit of it under way
   * is waited for, or refused. The clock of the store decides whether the lease has ended, when the statement runs.
   *
   * @param dead the empty id stands for Runs that name no node; they may always be taken over
   * @returns true if `by` is the one who has taken over, now or before. False if the node is live, or if another live node has
   *   taken it over. A node that is not known may be taken over by anyone: all that it was has been removed
   * @throws {NodeGone} if `by` itself is gone
   */
  takeOver(dead: NodeId | "", by: NodeId): Promise<boolean>;

  /** Held Runs that name this node, the empty id: none. By id, after `after`. */
  runsOf(node: NodeId | "", after: RunId | undefined, limit: number): Promise<readonly RunRow[]>;

  /**
   * Workers whose row says that they are connected (neither detached nor gone) to a node that is live or draining. By key, after
   * `after`.
   */
  workers(after: WorkerKey | undefined, limit: number): Promise<readonly WorkerSeen[]>;

  /** The rows of connected workers with this id, of whichever principal. At most a few. */
  workersNamed(workerId: WorkerId): Promise<readonly WorkerRow[]>;

  /**
   * Removes what nobody needs any more: nodes that left or were taken over, or whose lease ended, longer ago than `age` and
   * whom no held Run names; and rows of workers that were last written longer ago than that and are detached or gone, or whose
   * node is not there any more. At most `limit` of each kind.
   *
   * @returns how many rows were removed
   */
  removeGone(age: Millis, limit: number): Promise<number>;
}
