import type { TaskId } from "#domain/id";
import type { Needs } from "#domain/needs";
import type { RowKindName, RowOf, TextKey, TextKindName, TextRow } from "#domain/row-kinds";
import type { Deadline } from "#domain/task/deadline";
import type { Lane } from "#domain/task/lane";
import type { LogEntry } from "#domain/task/log";
import type { RunRow } from "#domain/task/run";
import type { ReadyStep } from "#domain/task/step";
import type { TemplateRow } from "#domain/template/template";
import type { Instant } from "#domain/time/time";

/** Rows of each kind, each once, in no order but where `Needs` says so. */
export type LoadedRows = { readonly [Name in RowKindName]: readonly RowOf<Name>[] };

/** JSON texts, by {@link textId}. */
export type LoadedTexts = {
  readonly [Name in TextKindName]: ReadonlyMap<TextKey<Name> extends TaskId ? TaskId : string, string>;
};

/** The answer to `Needs`. Every kind is there, with nothing in it if nothing was found. */
export interface Loaded extends LoadedRows, LoadedTexts {
  readonly templates: readonly TemplateRow[];
}

/** Rows as they are to be stored next, their revision counted up. */
export type RowsToCommit = { readonly [Name in RowKindName]: readonly RowOf<Name>[] };

export type TextsToCommit = { readonly [Name in TextKindName]: readonly TextRow<Name>[] };

/**
 * What one turn leaves behind: all of it or nothing.
 *
 * A row of revision n is written only if the stored one has revision n − 1 (or, for 1, if there is
 * none); one row that has moved refuses the whole commit. A terminal state in a store never changes.
 */
export interface Commit extends RowsToCommit, TextsToCommit {
  /** Plane time of the turn; becomes the last persisted instant. */
  readonly at: Instant;
  /** A version that is there already is a conflict: a registered template never changes. */
  readonly templates: readonly TemplateRow[];
  /** Numbered by the store, per Task, after what is there. At most one element a Task. */
  readonly log: readonly { readonly taskId: TaskId; readonly entries: readonly LogEntry[] }[];
  /** `at` 0 removes the deadline; otherwise it replaces the one of the same Task, Step and kind. */
  readonly deadlines: readonly Deadline[];
  readonly lanesAdded: readonly Lane[];
  readonly lanesRemoved: readonly string[];
}

/** Where each Task's new log entries begin, in the order of `Commit.log`. */
export interface Committed {
  readonly firstSeqs: readonly number[];
}

/** What is rebuilt in memory at boot. */
export interface BootState {
  /** The last persisted instant; 0 for a new store. */
  readonly at: Instant;
  readonly lanes: readonly Lane[];
  /** Every Run some session still holds. */
  readonly held: readonly RunRow[];
  /** PENDING Tasks by namespace. */
  readonly waiting: ReadonlyMap<string, number>;
  /** Versions of templates by namespace. */
  readonly templates: ReadonlyMap<string, number>;
  readonly nextDueAt: Instant | undefined;
}

/** What turns ask of a store: the main path, and what wakes it. */
export interface TurnStore {
  /** Opens what is there, unless `open` has; called once, before anything else. */
  boot(): Promise<BootState>;

  /** One batched read for all the messages of a turn. */
  load(needs: Needs): Promise<Loaded>;

  /**
   * @throws {Fault} `conflict` if a row has moved: nothing was written; load again and decide again.
   * @throws {Fault} `disk_full`, `overloaded`: nothing was written; later there may be room.
   * @throws anything else: it is not known whether the commit landed. The plane stops, and boots anew.
   */
  commit(turn: Commit): Promise<Committed>;

  /** The first `limit` ready Steps of a lane, by (rank, task id, step name). */
  ready(lane: string, limit: number): Promise<readonly ReadyStep[]>;

  /**
   * Deadlines due at `at` or before: first those of Tasks that have begun, then the starts of others, the earliest
   * first among both. {@link startsAmong} says how many starts there may be: a Task that begins may have children
   * that begin, and what is to end them must not wait behind them all.
   */
  due(at: Instant, limit: number): Promise<readonly Deadline[]>;

  nextDueAt(): Promise<Instant | undefined>;
}
