import type { TaskId } from "#domain/id";
import type {
  DeadLetterCount,
  DeadLetterReason,
  DeadLetterRow,
  DeadLetterStatus,
} from "#domain/task/dead-letter";

/** Which dead letters to list; every given field must match. */
export interface DeadLetterFilter {
  readonly namespaces: readonly string[] | "*";
  /** Any of these. */
  readonly statuses?: readonly DeadLetterStatus[];
  readonly reason?: DeadLetterReason;
}

/** The place of a dead letter in a list. */
export interface DeadLetterPlace {
  readonly createdAt: number;
  readonly taskId: TaskId;
}

/** A page of dead letters. */
export interface DeadLetterPage {
  readonly letters: readonly DeadLetterRow[];
  /** Pass it as `after` for the next page; undefined on the last page. */
  readonly next: DeadLetterPlace | undefined;
}

/** Numbers about dead letters. */
export interface DeadLetterCounts {
  /** For each reason and status of which there is one. */
  readonly counts: readonly DeadLetterCount[];
  /** False if there may be more than were counted; those that were are the newest. */
  readonly isComplete: boolean;
}

/**
 * Reads of dead letters, for clients. They return committed rows only.
 *
 * @example
 * ```ts
 * import type { DeadLetterReads } from "taskrun/ports/dead-letters";
 *
 * async function mostUrgent(reads: DeadLetterReads): Promise<string | undefined> {
 *   const [first] = await reads.queue("*", 1);
 *   return first?.taskId;
 * }
 * ```
 */
export interface DeadLetterReads {
  /** The dead letter of a Task; undefined if it has none, or is in none of the namespaces. */
  get(taskId: TaskId, namespaces: readonly string[] | "*"): Promise<DeadLetterRow | undefined>;

  /**
   * A page of dead letters, the newest first. Ends at `pageSize` rows, or after a bounded number of rows has been examined: then
   * the page may be short, even empty, with `next` set.
   */
  list(
    filter: DeadLetterFilter,
    after: DeadLetterPlace | undefined,
    pageSize: number,
  ): Promise<DeadLetterPage>;

  /** Those that are pending, the most urgent first; at most `most`, of a bounded number that is examined. */
  queue(namespaces: readonly string[] | "*", most: number): Promise<readonly DeadLetterRow[]>;

  /** Counts dead letters; of many the newest `most`. */
  count(namespaces: readonly string[] | "*", most: number): Promise<DeadLetterCounts>;
}
