import type { TaskId } from "#domain/id";
import type { Instant } from "#domain/time/time";
import type { Reads } from "./store-reads.js";
import type { TurnStore } from "./store-turns.js";

export type { IdempotencyKey, Needs } from "#domain/needs";
export type { Deadline, DeadlineKind } from "#domain/task/deadline";
export type * from "./store-reads.js";
export type * from "./store-turns.js";

/** What keeps a store going, beside the turns: opening, closing, failures, and the removal of what is over. */
export interface StoreMaintenance {
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

  /**
   * Removes up to `limit` Tasks that finished before `before`, with all that is theirs, except those
   * with a Run some worker still holds. Returns the removed.
   */
  removeFinished(before: Instant, limit: number): Promise<readonly TaskId[]>;

  close(): Promise<void>;
}

/**
 * What the control plane must not forget, by who uses it: turns, clients' reads, and maintenance. Whoever uses a store
 * asks for the part that it needs. The contract is `testing/store-suite`: an adapter is correct if it passes there,
 * and `stores/memory` is the shortest one that does.
 */
export interface Store extends TurnStore, StoreMaintenance {
  readonly reads: Reads;
}
