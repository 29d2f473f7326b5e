import type { RowRef } from "#domain/conflict";
import type { NodeId, StepKey, TaskId } from "#domain/id";
import type { Restoration } from "#domain/incarnation";
import type { Needs } from "#domain/needs";
import type { NodeGone } from "#domain/node";
import type { Pause, PauseScope } from "#domain/pause/pause";
import type { RowKindName, RowOf, TextKey, TextKindName, TextRow } from "#domain/row-kinds";
import type { Deadline } from "#domain/task/deadline";
import type { Lane } from "#domain/task/lane";
import type { LogEntry } from "#domain/task/log";
import type { RunRow } from "#domain/task/run";
import type { ReadyStep } from "#domain/task/step";
import type { TemplateRow } from "#domain/template/template";
import type { Instant } from "#domain/time/time";
import type { AgentKey, AgentRow } from "#domain/worker/agent";
import type { AuditAppend } from "./audit.js";
import type { UsageSum } from "./usage-sums.js";

/** Rows of each kind, each once, in no particular order unless `Needs` defines one. */
export type LoadedRows = { readonly [Name in RowKindName]: readonly RowOf<Name>[] };

/** JSON texts, by {@link textId}. */
export type LoadedTexts = {
  readonly [Name in TextKindName]: ReadonlyMap<TextKey<Name> extends TaskId ? TaskId : string, string>;
};

/** The answer to `Needs`. Every kind is present, and empty if nothing was found. */
export interface Loaded extends LoadedRows, LoadedTexts {
  readonly templates: readonly TemplateRow[];
}

/** Rows to be stored, with their revision already counted up. */
export type RowsToCommit = { readonly [Name in RowKindName]: readonly RowOf<Name>[] };

export type TextsToCommit = { readonly [Name in TextKindName]: readonly TextRow<Name>[] };

/** A result that is stored a second time, without leaving the store. */
export interface ResultCopy {
  readonly from: StepKey;
  readonly to: StepKey;
}

/**
 * The writes of one turn, which are applied all or not at all.
 *
 * A row of revision n is written only if the stored one has revision n − 1 (for n = 1: if none is stored). If any row
 * has another revision, the whole commit is refused with a `Conflict` that names it. A terminal state in a store never
 * changes.
 */
export interface Commit extends RowsToCommit, TextsToCommit {
  /**
   * Names this commit, for ever and in every process. A store that other processes write too, and whose answer may be
   * lost on its way, writes what it is sent under one id at most once, and answers each time as it did the first time.
   */
  readonly id: string;
  /**
   * Rows on which the decision rests although the commit does not write them. If the store has another revision of one,
   * the commit is refused, too.
   */
  readonly read?: readonly RowRef[];
  /**
   * The node that writes, in a store with `nodes`. If it has left or was taken over, or is not known, nothing is written: the
   * commit rejects with {@link NodeGone}. Checked in the same transaction, before everything else, and so that a `takeOver` under
   * way is waited for, or waits.
   */
  readonly node?: NodeId;
  /** Plane time of the turn; becomes the last recorded instant. */
  readonly at: Instant;
  /** Results of Steps that are stored for other Steps too, after the rest of the commit. A result that is not there is a conflict. */
  readonly copies?: readonly ResultCopy[];
  /** New template versions. One that is already stored is a conflict: a registered template never changes. */
  readonly templates: readonly TemplateRow[];
  /** Log entries to append. The store numbers them, per Task, after the last one. At most one element per Task. */
  readonly log: readonly { readonly taskId: TaskId; readonly entries: readonly LogEntry[] }[];
  /** `at` 0 removes the deadline; otherwise it replaces the one of the same Task, Step and kind. */
  readonly deadlines: readonly Deadline[];
  /** Some may be there already, if the store is shared. */
  readonly lanesAdded: readonly Lane[];
  /** A shared store removes only those in which nothing waits: what this process has seen of a lane is not all of it. */
  readonly lanesRemoved: readonly string[];
  /** Each replaces what is stored of the same agent in the same namespace. */
  readonly agents: readonly AgentRow[];
  /** None of them is in `agents`. */
  readonly agentsForgotten: readonly AgentKey[];
  /**
   * True if all rows are as another store had them: each is written for the first time here, whatever its revision, and the commit is
   * refused with a `Conflict` if one is there already. Only rows of ended Tasks that no worker holds a Run of.
   */
  readonly imports?: true;
  /** Pauses that begin and end with this commit; absent if none does. */
  readonly pauses?: PauseChanges | undefined;
  /**
   * What was used, each day, namespace, agent and model once: it is added to what is stored. Of one namespace and day `limits.usageSumsPerDay`
   * sums are kept; what is used of further agents and models is added to the sum of `OTHER`. With the first sum of a namespace's day
   * those go that are `limits.usageDays` older. Absent if nothing was used.
   */
  readonly used?: readonly UsageSum[] | undefined;
  /** What the audit log says of this commit; absent if nothing. Written by a store that has an audit log. */
  readonly audit?: AuditAppend | undefined;
}

/**
 * Changes of pauses, in their order. A pause that is put replaces the one of the same scope. One that is removed is removed if it
 * is there, and, if `until` is given, ends then.
 */
export type PauseChanges = readonly (
  | { readonly type: "put"; readonly pause: Pause }
  | { readonly type: "remove"; readonly scope: PauseScope; readonly until?: Instant }
)[];

/** Where each Task's new log entries begin, in the order of `Commit.log`. */
export interface Committed {
  readonly firstSeqs: readonly number[];
}

/** The state from which the plane rebuilds its memory at boot. */
export interface BootState {
  /** The last recorded instant; 0 for a new store. */
  readonly at: Instant;
  readonly lanes: readonly Lane[];
  /** Every Run that a session still holds. Empty if the store has `nodes`: a node that starts adopts nothing before it has joined. */
  readonly held: readonly RunRow[];
  /** Number of PENDING Tasks by namespace. */
  readonly waiting: ReadonlyMap<string, number>;
  /** Number of template versions by namespace. */
  readonly templates: ReadonlyMap<string, number>;
  /** All that is remembered of agents. */
  readonly agents: readonly AgentRow[];
  /** All pauses, in no order. */
  readonly pauses: readonly Pause[];
  readonly nextDueAt: Instant | undefined;
  /** The restoration from a backup with which the present life of the store began; absent if it was never restored. */
  readonly restored?: Restoration;
}

/**
 * What turns need of a store: loading, committing, and the queries for ready Steps and deadlines. The plane calls
 * `load`, `commit` and `ready` one after the other; `due` and `nextDueAt` may run beside them.
 *
 * @example
 * ```ts
 * import type { TurnStore } from "taskrun/ports/store";
 *
 * async function waitsForWorkers(store: TurnStore): Promise<boolean> {
 *   const { lanes } = await store.boot();
 *   for (const { key } of lanes) if ((await store.ready(key, 1)).length > 0) return true;
 *   return false;
 * }
 * ```
 */
export interface TurnStore {
  /**
   * True if other processes write the same store at the same time: then commits say in `read` on which rows they rest, and
   * what was loaded once may have changed a moment later.
   */
  readonly shared?: boolean;

  /** Opens the store, unless `open` has been called, and reads the state at boot. Called once, before anything else. */
  boot(): Promise<BootState>;

  /**
   * Loads rows and texts in one batched read. What does not exist is absent from the answer.
   *
   * @param fresh true if the answer must have all that any process has committed before the call; otherwise a store that keeps
   * rows in memory may answer with those, and the commit finds out whether they have moved
   * @throws {Fault} `overloaded`, `unavailable`, as do the other reads of a store that can be away: try again later
   */
  load(needs: Needs, fresh?: boolean): Promise<Loaded>;

  /**
   * Writes a turn atomically. Resolves when it is durable.
   *
   * @throws {Conflict} if a row has another revision: nothing was written; load and decide again
   * @throws {NodeGone} if `Commit.node` may not write any more: nothing was written, now or ever
   * @throws {Fault} `disk_full`, `overloaded`, `unavailable`: nothing was written; try again later
   * @throws any other error if it is unknown whether the turn was written: the plane stops and must be restarted
   */
  commit(turn: Commit): Promise<Committed>;

  /**
   * The first `limit` ready Steps of a lane, by (rank, task id, step name). If the store is shared they are claimed for the
   * caller: for `limits.claimLease` no other process is given them, while the caller is given them again. A claim only keeps
   * processes out of each other's way: what decides is the revision of the Step.
   */
  ready(lane: string, limit: number): Promise<readonly ReadyStep[]>;

  /**
   * Deadlines due at `at` or before: first those of Tasks that have begun, then the starts of others, the earliest
   * first in each group. {@link startsAmong} bounds the number of starts: a Task that begins may start children, and
   * the deadlines that end these must not wait behind all starts.
   */
  due(at: Instant, limit: number): Promise<readonly Deadline[]>;

  /** When the earliest deadline is due; undefined if there is none. */
  nextDueAt(): Promise<Instant | undefined>;
}
