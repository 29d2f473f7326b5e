import type { Deadline } from "#domain/deadline";
import type { RunId, StepKey, TaskId } from "#domain/id";
import type { Lane } from "#domain/lane";
import type { LogEntry, LogSlice } from "#domain/log";
import type { Needs } from "#domain/needs";
import type { RunRow } from "#domain/run";
import type { ReadyStep, StepRow } from "#domain/step";
import type { Labels, TaskRow, TaskStatus } from "#domain/task";
import type { TemplateRef, TemplateRow } from "#domain/template";
import type { Instant } from "#domain/time";

export type { Deadline, DeadlineKind } from "#domain/deadline";
export type { IdempotencyKey, Needs } from "#domain/needs";

export interface Loaded {
  readonly tasks: readonly TaskRow[];
  readonly steps: readonly StepRow[];
  readonly runs: readonly RunRow[];
  readonly inputs: ReadonlyMap<TaskId, string>;
  /** By {@link stepKey}, as JSON text. */
  readonly stepInputs: ReadonlyMap<string, string>;
  readonly outputs: ReadonlyMap<string, string>;
  readonly templates: readonly TemplateRow[];
}

/**
 * What one turn leaves behind: all of it or nothing.
 *
 * A row of revision n is written only if the stored one has revision n − 1 (or, for 1, if there is
 * none); one row that has moved refuses the whole commit. A terminal state in a store never changes.
 */
export interface Commit {
  /** Plane time of the turn; becomes the last persisted instant. */
  readonly at: Instant;
  readonly tasks: readonly TaskRow[];
  readonly steps: readonly StepRow[];
  readonly runs: readonly RunRow[];
  readonly inputs: readonly { readonly taskId: TaskId; readonly json: string }[];
  /** Results of Steps, as JSON text. */
  readonly outputs: readonly (StepKey & { readonly json: string })[];
  /** Inputs of Steps beside their Task's, as JSON text; a later one replaces an earlier one. */
  readonly stepInputs: readonly (StepKey & { readonly json: string })[];
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

export interface TaskFilter {
  readonly namespaces: readonly string[] | "*";
  readonly status?: TaskStatus;
  readonly agentName?: string;
  readonly labels?: Labels;
}

export interface TaskPage {
  readonly tasks: readonly TaskRow[];
  /** Give it as `before` to read on; undefined on the last page. */
  readonly next: TaskId | undefined;
}

export interface TemplateFilter {
  readonly namespaces: readonly string[] | "*";
  /** Only templates of this name. */
  readonly name?: string;
}

export interface TemplatePage {
  readonly templates: readonly TemplateRow[];
  /** Give it as `after` to read on; undefined on the last page. */
  readonly next: TemplateRef | undefined;
}

/** A Task with all there is to show of it, less its log. */
export interface TaskDetail {
  readonly task: TaskRow;
  readonly input: string;
  /** In DAG order. */
  readonly steps: readonly StepRow[];
  /** Oldest first. */
  readonly runs: readonly RunRow[];
}

/** Reads for clients. They see committed rows only and never wait for a turn. */
export interface Reads {
  task(id: TaskId): Promise<TaskDetail | undefined>;

  /**
   * Newest first, by id. Ends at `pageSize` rows, or after a bounded number of rows looked at; then
   * the page may be short, even empty, with `next` set.
   */
  tasks(filter: TaskFilter, before: TaskId | undefined, pageSize: number): Promise<TaskPage>;

  run(id: RunId): Promise<RunRow | undefined>;

  /** One version of a template; an empty version asks for the newest. */
  template(ref: TemplateRef): Promise<TemplateRow | undefined>;

  /** By namespace, name, and version, newest version first; with every version of each name. */
  templates(filter: TemplateFilter, after: TemplateRef | undefined, pageSize: number): Promise<TemplatePage>;

  /** A Task's input as JSON text, as it was given; undefined if the Task is unknown. */
  input(id: TaskId): Promise<string | undefined>;

  /** A Step's result as JSON text, or undefined if it has none. */
  output(step: StepKey): Promise<string | undefined>;

  /**
   * Log lines after `afterSeq`, whole packed rows cut to begin right there, at least one line if
   * there is any, then as many as fit in about `maxBytes`. `firstSeq` is `afterSeq + 1`.
   */
  log(taskId: TaskId, afterSeq: number, maxBytes: number): Promise<LogSlice>;

  /** The first seq still kept and the last one written; undefined if the Task is unknown. */
  logBounds(taskId: TaskId): Promise<{ readonly earliest: number; readonly last: number } | undefined>;
}

/**
 * What the control plane must not forget. The contract is `testing/store-suite`: an adapter is
 * correct if it passes there, and `stores/memory` is the shortest one that does.
 */
export interface Store {
  readonly reads: Reads;

  /**
   * Settles with the reason once nothing may be asked of it any more, also if nobody has asked: a row is damaged, the
   * disk has failed, its files are gone. Absent if that cannot happen.
   */
  readonly failed?: Promise<Error>;

  /**
   * Begins to open what is there, for a caller that has other things to do before `boot`; nothing has to call it. Fails
   * as `boot` then does too. Absent if there is nothing to wait for.
   */
  open?(): Promise<void>;

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

  /**
   * Removes up to `limit` Tasks that finished before `before`, with all that is theirs, except those
   * with a Run some worker still holds. Returns the removed.
   */
  removeFinished(before: Instant, limit: number): Promise<readonly TaskId[]>;

  close(): Promise<void>;
}
