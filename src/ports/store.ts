import type { TaskId } from "#domain/id";
import type { NamespaceFigures } from "#domain/task/figures";
import type { RetentionTerms } from "#domain/task/retention";
import type { Instant } from "#domain/time/time";
import type { AuditStore } from "./audit.js";
import type { CredentialStore } from "./credentials.js";
import type { EnrolmentStore } from "./enrolment.js";
import type { NodeStore } from "./nodes.js";
import type { Reads } from "./store-reads.js";
import type { TurnStore } from "./store-turns.js";
import type { UsageStore } from "./usage.js";

export type { IdempotencyKey, Needs } from "#domain/needs";
export type { Deadline, DeadlineKind } from "#domain/task/deadline";
export type * from "./store-reads.js";
export type * from "./store-turns.js";
export type { UsageFilter, UsageSum } from "./usage-sums.js";

/**
 * What some Tasks take up.
 *
 * @example
 * ```ts
 * import type { FiguresPage } from "taskrun/ports/store";
 *
 * function tasksIn({ namespaces }: FiguresPage): number {
 *   return namespaces.reduce((sum, { tasks }) => sum + tasks, 0);
 * }
 * ```
 */
export interface FiguresPage {
  /** Of each namespace that has some of them. */
  readonly namespaces: readonly NamespaceFigures[];
  /** Pass it as `after` for the next page; undefined on the last page. */
  readonly next: TaskId | undefined;
}

/** A time in which a store cannot be reached. Nothing is lost, and nothing can be stored. */
export interface StoreOutage {
  /** By the wall clock, in Unix milliseconds. */
  readonly since: number;
  readonly message: string;
}

/**
 * The operation of a store: opening, closing, failures, and the removal of ended Tasks.
 *
 * @example
 * ```ts
 * import type { Clock } from "taskrun/ports/clock";
 * import type { StoreMaintenance } from "taskrun/ports/store";
 *
 * async function removeAllEnded(store: StoreMaintenance, clock: Clock): Promise<void> {
 *   const before = clock.now();
 *   while ((await store.removeFinished(before, 100)).length === 100) await clock.yield();
 * }
 * ```
 */
export interface StoreMaintenance {
  /**
   * Since when the store cannot be reached, and why, in a sentence for an operator; undefined while it can. It comes back by
   * itself. Absent if it cannot be away.
   */
  outage?(): StoreOutage | undefined;

  /**
   * Resolves with the reason when the store has failed and must not be used any more, even if no call has failed: a row
   * is damaged, the disk has failed, its files are gone. Absent if this cannot happen.
   */
  readonly failed?: Promise<Error>;

  /**
   * Optional to call: begins to open the store while the caller does other things before `boot`. If it rejects, `boot`
   * rejects with the same error. Absent if opening takes no time.
   */
  open?(): Promise<void>;

  /**
   * Removes up to `limit` Tasks that finished before `before`, or as the terms say, with everything that belongs to them. Not
   * removed are Tasks with a Run that a worker still holds, and those that another one may need: children as long as the
   * Task is there whose Step they are, and a Task until the one that compensates it has ended; and Tasks with a
   * dead letter that somebody is to look into, as the terms say. Resolves with their ids.
   *
   * With rules fewer may be removed at once although more are due: a call looks at so many Tasks at most, and the next one goes on
   * behind them.
   *
   * @param archive called with what is to be removed; nothing is unless it resolves
   */
  removeFinished(
    before: Instant | RetentionTerms,
    limit: number,
    archive?: (ids: readonly TaskId[]) => Promise<void>,
  ): Promise<readonly TaskId[]>;

  /**
   * Counts what the first `limit` Tasks behind `after`, by id, take up: committed rows, of this moment. Reads no more than the rows of
   * these Tasks, and no text for its length. Used after `boot`. Absent if the store does not count.
   */
  figures?(after: TaskId | undefined, limit: number): Promise<FiguresPage>;

  /** Closes the store after the calls in flight. Call once; no other call may follow. */
  close(): Promise<void>;
}

/**
 * The durable state of the control plane, in three parts: turns, clients' reads, and maintenance. Code that uses a
 * store takes only the part that it needs. `testing/store-suite` tests the contract: an adapter is correct if it
 * passes, and `stores/memory` is the shortest one that does.
 *
 * @example
 * ```ts
 * import type { Store } from "taskrun/ports/store";
 *
 * async function inspect(store: Store): Promise<void> {
 *   const { lanes, held } = await store.boot();
 *   console.log(`${lanes.length} lanes, ${held.length} runs held by workers`);
 *   await store.close();
 * }
 * ```
 */
export interface Store extends TurnStore, StoreMaintenance {
  readonly reads: Reads;
  /** The nodes that share the store. Absent if it is one process's. Used after `boot`. */
  readonly nodes?: NodeStore;
  /** Where API keys are kept; absent if the store keeps none. */
  readonly credentials?: CredentialStore;
  /** The audit log; absent if the store keeps none. Used after `boot`. */
  readonly audit?: AuditStore;
  /** Where workers are enrolled; absent if the store keeps none. */
  readonly enrolment?: EnrolmentStore;
  /** What namespaces have used up of their limits; absent if the store keeps none of it. Used after `boot`. */
  readonly usage?: UsageStore;
}
