import type { Instant } from "#domain/time/time";

/**
 * The plane's time. It never goes back, within a process or across restarts, and does not follow jumps of the wall clock.
 *
 * @example
 * ```ts
 * import type { Clock } from "taskrun/ports/clock";
 *
 * async function timed(clock: Clock, work: () => Promise<void>): Promise<number> {
 *   const startedAt = clock.monotonic();
 *   await work();
 *   return clock.monotonic() - startedAt;
 * }
 * ```
 */
export interface Clock {
  /** Plane time in Unix milliseconds. Every decision and every row is dated by it. */
  now(): Instant;
  /** Milliseconds, with fractions, from an arbitrary origin. For measurements only; decisions use {@link now}. */
  monotonic(): number;
  /** Calls `fire` once, when plane time has reached `at` or soon after. @returns cancels it */
  wakeAt(at: Instant, fire: () => void): () => void;
  /** Resolves when the pending input of the event loop has been handled, so that messages gather for one turn. */
  yield(): Promise<void>;
}

/**
 * A clock whose plane time is set when the plane starts, from what the store remembers.
 *
 * @example
 * ```ts
 * import { VirtualClock } from "taskrun/testing";
 * import type { StartableClock } from "taskrun/ports/clock";
 *
 * const clock: StartableClock = new VirtualClock(1_000);
 * clock.startFrom(clock.wall());
 * ```
 */
export interface StartableClock extends Clock {
  /** The machine's wall clock, which may be wrong. */
  wall(): Instant;
  /** Sets plane time to `at`; from there it grows with the monotonic clock. Call it once, before anything is decided. */
  startFrom(at: Instant): void;
}
