import { limits } from "#limits/index";
import { type Instant, later, type Millis, millis } from "../time/time.js";

/** How the delay grows with each failure: no delay, by the base, doubling, or by the Fibonacci numbers. */
export const backoffs = ["none", "linear", "exponential", "fibonacci"] as const;
export type Backoff = (typeof backoffs)[number];

export interface RetryPolicy {
  readonly backoff: Backoff;
  /** Largest delay after the first failure. */
  readonly base: Millis;
  /** Upper bound of every delay. */
  readonly max: Millis;
  /** The random share of the delay, 0 to 1. */
  readonly jitter: number;
}

/** The default of a Step. The whole delay is random, so that Steps that fail together are not retried together. */
export const DEFAULT_RETRY: RetryPolicy = {
  backoff: "exponential",
  base: limits.defaultRetryFirst,
  max: limits.defaultRetryMost,
  jitter: 1,
};

/** How long a Step avoids a worker that has declined its Run; doubles each further time. */
export const AVOID: RetryPolicy = {
  backoff: "exponential",
  base: limits.avoidFirst,
  max: limits.avoidMost,
  jitter: 0,
};

/** The delays of a Step whose Runs end repeatedly for reasons other than a failure of the agent. */
const PAUSE: RetryPolicy = {
  backoff: "exponential",
  base: limits.fruitlessPauseFirst,
  max: limits.fruitlessPauseMost,
  jitter: 0,
};

/**
 * How long a Step waits after a Run that was declined, lost, or stopped at the checkpoint where it began.
 *
 * @param times in a row
 */
export function pauseAfter(times: number): Millis {
  return times <= limits.fruitlessAtOnce ? millis(0) : ceiling(PAUSE, times - limits.fruitlessAtOnce);
}

/**
 * The least time between the begin of a Run that stops at a checkpoint and the begin of the next one.
 *
 * @param runs how many Runs the Step has had
 */
export function paceAfter(runs: number): Millis {
  return millis(Math.max(0, runs - limits.freeCheckpoints) * limits.checkpointPace);
}

/**
 * When to try again after the `failures`-th failure: a uniform draw from the last `jitter` of the delay,
 * so that with a jitter of 1 it is anywhere between now and the ceiling.
 *
 * Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 *
 * @param failures attempts that have failed so far, at least 1
 * @param draw uniform in [0, 1), from the Entropy port, so that the schedule can be replayed
 * @throws {RangeError} if `failures` or `draw` is out of range: a bug in the caller, not a Fault
 */
export function nextAttemptAt(policy: RetryPolicy, failures: number, now: Instant, draw: number): Instant {
  if (draw < 0 || draw >= 1) throw new RangeError(`draw must be in [0, 1), got ${draw}`);

  const { jitter } = policy;
  return later(now, millis(Math.floor((1 - jitter + jitter * draw) * ceiling(policy, failures))));
}

/** The largest delay after this many failures; used without randomness for waits of a single Step. */
export function ceiling({ backoff, base, max }: RetryPolicy, failures: number): Millis {
  if (failures < 1) throw new RangeError(`failures must be at least 1, got ${failures}`);

  return millis(Math.min(max, base * factor(backoff, failures)));
}

function factor(backoff: Backoff, failures: number): number {
  switch (backoff) {
    case "none":
      return 0;
    case "linear":
      return failures;
    case "exponential":
      return 2 ** (failures - 1);
    case "fibonacci":
      return fibonacci(failures);
  }
}

/** 1, 1, 2, 3, 5 …; attempts are at most a hundred, so the loop is short. */
function fibonacci(n: number): number {
  let [a, b] = [1, 1];
  for (let i = 1; i < n; i += 1) [a, b] = [b, a + b];
  return a;
}
