import { type Instant, later, type Millis, millis } from "./time.js";

export interface RetryPolicy {
  /** Ceiling of the delay after the first failure. Doubles with each further one. */
  readonly delayFirst: Millis;
  /** Ceiling no delay exceeds, however many attempts have failed. */
  readonly delayMax: Millis;
}

/** What a Step that declares nothing gets. */
export const DEFAULT_RETRY: RetryPolicy = { delayFirst: millis(1_000), delayMax: millis(60_000) };

/** How long a Step keeps away from a worker that handed its Run back; doubles with each further time. */
export const AVOID: RetryPolicy = { delayFirst: millis(500), delayMax: millis(30_000) };

/**
 * When to try again after the `failures`-th failure: a uniform draw from
 * `[now, now + min(delayMax, delayFirst · 2^(failures − 1)))`.
 *
 * The whole interval is drawn from, because a fleet that failed together must not come back
 * together. Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * @param failures attempts that have failed so far, at least 1
 * @param draw uniform in [0, 1), from the Entropy port, so that the schedule can be replayed
 * @throws {RangeError} if `failures` or `draw` is out of range: a bug in the caller, not a Fault
 */
export function nextAttemptAt(policy: RetryPolicy, failures: number, now: Instant, draw: number): Instant {
  if (draw < 0 || draw >= 1) throw new RangeError(`draw must be in [0, 1), got ${draw}`);

  return later(now, millis(Math.floor(draw * ceiling(policy, failures))));
}

/** The delay without chance: the whole of the ceiling, for waits that are one step's own. */
export function ceiling({ delayFirst, delayMax }: RetryPolicy, failures: number): Millis {
  if (failures < 1) throw new RangeError(`failures must be at least 1, got ${failures}`);

  return millis(Math.min(delayMax, delayFirst * 2 ** (failures - 1)));
}
