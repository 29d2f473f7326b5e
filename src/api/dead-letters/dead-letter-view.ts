import { type DeadLetterRow, priorityOf } from "#domain/task/dead-letter";
import type { FailureCause } from "#domain/task/explanation";
import type { Instant } from "#domain/time/time";

/** A dead letter as it is now. */
export interface DeadLetterView {
  readonly letter: DeadLetterRow;
  /** 0 unless it is pending. */
  readonly priority: number;
  /** Absent in lists. */
  readonly causes?: readonly FailureCause[];
}

export function viewOf(letter: DeadLetterRow, now: Instant): DeadLetterView {
  return { letter, priority: letter.status === "PENDING" ? priorityOf(letter, now) : 0 };
}

/** A dead letter in a list: its texts are bounded. */
export function letterBytes({ notes, snapshot, earlier }: DeadLetterRow): number {
  const texts = [notes, snapshot.message, snapshot.cause?.message ?? ""];
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 1_024 + 128 * earlier.length);
}
