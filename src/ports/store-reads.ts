import type { RunId, StepKey, TaskId } from "#domain/id";
import type { PauseScope } from "#domain/pause/pause";
import type { TaskFilter } from "#domain/task/filter";
import type { LogSlice } from "#domain/task/log";
import type { RunRow } from "#domain/task/run";
import type { ReadyStep, StepRow } from "#domain/task/step";
import type { TaskRow, TaskStatus } from "#domain/task/task";
import type { TemplateRef, TemplateRow } from "#domain/template/template";
import type { Instant } from "#domain/time/time";
import type { DeadLetterReads } from "./dead-letters.js";
import type { UsageFilter, UsageSum } from "./usage-sums.js";

export type { TaskFilter };

/** A page of Tasks, newest first. */
export interface TaskPage {
  readonly tasks: readonly TaskRow[];
  /** Pass it as `before` for the next page; undefined on the last page. */
  readonly next: TaskId | undefined;
}

/** Which templates to list; every given field must match. */
export interface TemplateFilter {
  readonly namespaces: readonly string[] | "*";
  /** Only templates of this name. */
  readonly name?: string;
}

/** A page of templates. */
export interface TemplatePage {
  readonly templates: readonly TemplateRow[];
  /** Pass it as `after` for the next page; undefined on the last page. */
  readonly next: TemplateRef | undefined;
}

/** What waits in one lane. */
export interface Queue {
  readonly lane: string;
  /** Ready Steps; the most that were to be counted means that many or more. */
  readonly waiting: number;
  /** The Tasks of the first of them, in the order of the lane. A Task is there as often as its Steps are. */
  readonly first: readonly TaskId[];
}

/** What happened to Tasks lately. */
export interface Lately {
  readonly created: number;
  readonly ended: Readonly<Partial<Record<TaskStatus, number>>>;
  /** True if more rows fit than were looked at: the numbers are too low. */
  readonly isCut: boolean;
}

/** The place of a Step in its lane, see `compareReady`. */
export type LanePlace = Pick<ReadyStep, "lane" | "rank" | "taskId" | "stepName">;

/** A Task with its input, Steps and Runs; its log and its Steps' results are read separately. */
export interface TaskDetail {
  readonly task: TaskRow;
  readonly input: string;
  /** In DAG order. */
  readonly steps: readonly StepRow[];
  /** Oldest first. */
  readonly runs: readonly RunRow[];
}

/**
 * How much of a journal one read answers with, at most; of bytes, the last record may go beyond them.
 *
 * @example
 * ```ts
 * import type { JournalBounds } from "taskrun/ports/store";
 *
 * const page: JournalBounds = { records: 1_000, bytes: 1_048_576 };
 * ```
 */
export interface JournalBounds {
  readonly records: number;
  readonly bytes: number;
}

/**
 * Reads for clients. They return committed rows only and never wait for a turn.
 *
 * @example
 * ```ts
 * import type { Reads, TaskPage } from "taskrun/ports/store";
 *
 * async function countFailed(reads: Reads): Promise<number> {
 *   let count = 0;
 *   let page: TaskPage | undefined;
 *   do {
 *     page = await reads.tasks({ namespaces: "*", status: "FAILED" }, page?.next, 100);
 *     count += page.tasks.length;
 *   } while (page.next !== undefined);
 *   return count;
 * }
 * ```
 */
export interface Reads {
  /**
   * A Task with its Steps and Runs; undefined if it is unknown, or in none of the namespaces: then no more is read than of one
   * that is unknown.
   *
   * @param namespaces default: all
   */
  task(id: TaskId, namespaces?: readonly string[] | "*"): Promise<TaskDetail | undefined>;

  /**
   * A page of Tasks, newest first, by id. Ends at `pageSize` rows, or after a bounded number of rows has been examined:
   * then the page may be short, even empty, with `next` set.
   */
  tasks(filter: TaskFilter, before: TaskId | undefined, pageSize: number): Promise<TaskPage>;

  /** How many Steps are ready in these lanes together; at most `most` are counted. */
  countReady(lanes: readonly string[], most: number): Promise<number>;

  /** How many Steps are ready in a Step's lane and come before its place there; at most `most` are counted. */
  countBefore(place: LanePlace, most: number): Promise<number>;

  /** How many Runs of the scope workers hold, ended ones that they have not released included. */
  countHeld(scope: PauseScope): Promise<number>;
  /** What waits in each of these lanes: at most `counted` Steps of each are counted, and the first `first` are named. */
  queues(
    lanes: readonly string[],
    most: { readonly counted: number; readonly first: number },
  ): Promise<readonly Queue[]>;

  /** How many Tasks were created, by the time in their ids, and have ended since an instant. Looks at `rows` of each at most, the latest. */
  lately(namespaces: readonly string[] | "*", since: Instant, rows: number): Promise<Lately>;

  /** The Tasks that have failed last, the latest first. Looks at the last `rows` Tasks that have ended. */
  lastFailed(namespaces: readonly string[] | "*", rows: number, most: number): Promise<readonly TaskRow[]>;

  /** A Run; undefined if it is unknown. */
  run(id: RunId): Promise<RunRow | undefined>;

  /** One version of a template, the newest for an empty version; undefined if it is unknown. */
  template(ref: TemplateRef): Promise<TemplateRow | undefined>;

  /** A page of template versions, ordered by namespace, name and version, the newest version of a name first. */
  templates(filter: TemplateFilter, after: TemplateRef | undefined, pageSize: number): Promise<TemplatePage>;

  /** A Task's input as JSON text, byte for byte; undefined if the Task is unknown. */
  input(id: TaskId): Promise<string | undefined>;

  /** The input that a Step has in addition to its Task's, as JSON text; undefined if it has none. */
  stepInput(step: StepKey): Promise<string | undefined>;

  /** A Step's result as JSON text, or undefined if it has none. */
  output(step: StepKey): Promise<string | undefined>;

  /**
   * What people have done to a Step by hand, as `domain/task/step-action.ts` writes it; of an empty name what they have done to the
   * whole Task. Undefined if nothing.
   */
  stepActions(step: StepKey): Promise<string | undefined>;

  /**
   * Records of a Step's journal, each as JSON text, from a seq on: at least one if there is any, no more than `most.records`, and no
   * more behind those with which `most.bytes` are reached. Of an empty name payloads of signals.
   */
  journal(step: StepKey, from: number, most: JournalBounds): Promise<readonly string[]>;

  /**
   * Log entries after `afterSeq`: at least one if there is any, and as many as fit into about `maxBytes`. The slice's
   * `firstSeq` is `afterSeq + 1`. Empty if there are none, or if the Task is unknown.
   */
  log(taskId: TaskId, afterSeq: number, maxBytes: number): Promise<LogSlice>;

  /** The first seq that is still kept, and the last one written; undefined if the Task is unknown. */
  logBounds(taskId: TaskId): Promise<{ readonly earliest: number; readonly last: number } | undefined>;

  /** What was used: at most so many sums, by namespace, day, agent and model. */
  usage(filter: UsageFilter, most: number): Promise<readonly UsageSum[]>;

  /** Reads of Tasks that need a person. */
  readonly deadLetters: DeadLetterReads;

  /**
   * The same reads, for somebody who may use these namespaces alone: the store itself keeps everything back that is in another one, as if
   * it did not exist. A second wall behind the conditions of whoever reads. Absent if the store has none.
   */
  within?(namespaces: readonly string[]): Reads;
}
