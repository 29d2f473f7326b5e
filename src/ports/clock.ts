import type { Instant } from "#domain/time";

/** Plane time and waking up. Wall time is only for display. */
export interface Clock {
  now(): Instant;
  /** Milliseconds with fractions, from anywhere: to measure how long something takes, never to decide. */
  monotonic(): number;
  /** Calls `fire` once, at `at` or soon after. Returns what cancels it. */
  wakeAt(at: Instant, fire: () => void): () => void;
  /** Resolves after the current input of the event loop has been handled: a turn's messages gather meanwhile. */
  yield(): Promise<void>;
}

/** A clock that can still be set. */
export interface StartableClock extends Clock {
  /** What the machine thinks the time is, right or wrong. */
  wall(): Instant;
  /** From now on plane time is `at`, and grows by the monotonic clock. */
  startFrom(at: Instant): void;
}
