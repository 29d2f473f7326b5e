import { KIB } from "./units.js";

/**
 * # Pauses
 *
 * What operators hold back.
 */
export const pauses = {
  /** Pauses at once: they are kept in memory, and each node that shares a store reads all of them every few seconds. */
  pauses: 500,
  /** Why something is paused, as shown with each Task that waits for it. */
  pauseReasonBytes: 1 * KIB,
  /** Ready Steps that one decision sets aside because their template is paused: about two pages of a lane. */
  shelvedAtOnce: 512,
  /** Held Runs that one statement reads to count those of a scope. */
  heldPage: 1_000,
  /** Pauses named for one Step that waits because of them. */
  explainedPauses: 5,
} as const;
