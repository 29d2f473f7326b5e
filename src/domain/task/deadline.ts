import type { TaskId } from "../id.js";
import type { Instant } from "../time/time.js";

/**
 * What the plane wakes up for: a Task may begin, its time is over, its parent has ended, nobody has put it
 * right; a Step's backoff is over, its attempt takes too long, its timer has run out, its signal is late.
 */
export type DeadlineKind = "start" | "timeout" | "orphan" | "hold" | "retry" | "attempt" | "timer" | "signal";

/** What stands for the Step's name in a deadline of the Task itself. */
export const WHOLE_TASK = "";

/** A row, so that a restart forgets none. One per Task, Step and kind. */
export interface Deadline {
  readonly taskId: TaskId;
  /** {@link WHOLE_TASK} for a deadline of the Task itself. */
  readonly stepName: string;
  readonly kind: DeadlineKind;
  readonly at: Instant;
}

/** How many starts come with so many other deadlines: what they leave of the limit, and a quarter of it at least. */
export function startsAmong(limit: number, others: number): number {
  return Math.max(limit - others, Math.floor(limit / 4));
}
