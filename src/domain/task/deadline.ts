import type { TaskId } from "../id.js";
import type { Instant } from "../time/time.js";

/**
 * Why a deadline is due. Of a Task: it may begin (`start`), has timed out, its parent has ended (`orphan`), no operator
 * has resolved it (`hold`), workers have not released its Runs although it has ended (`release`), a budget that bounds it
 * is to be looked at (`budget`), or the time is used up for which its Runs may be held (`wall`). Of a Step: its
 * backoff has ended (`retry`), its attempt has timed out, its timer has expired, its signal has not come, or something may be over that
 * its suspended agent waits for (`wake`).
 */
export type DeadlineKind =
  | "start"
  | "timeout"
  | "orphan"
  | "hold"
  | "release"
  | "budget"
  | "wall"
  | "retry"
  | "attempt"
  | "timer"
  | "signal"
  | "wake";

/** The step name in deadlines of the Task itself. */
export const WHOLE_TASK = "";

/** A stored deadline; one per Task, Step and kind. */
export interface Deadline {
  readonly taskId: TaskId;
  /** {@link WHOLE_TASK} for a deadline of the Task itself. */
  readonly stepName: string;
  readonly kind: DeadlineKind;
  readonly at: Instant;
}

/**
 * How many starts a read of deadlines may include beside `others`: the rest of the limit, and at least a quarter of
 * it.
 */
export function startsAmong(limit: number, others: number): number {
  return Math.max(limit - others, Math.floor(limit / 4));
}
