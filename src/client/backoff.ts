import { setTimeout as delay } from "node:timers/promises";
import { limits } from "#domain/limits";
import { ceiling, type RetryPolicy } from "#domain/retry";

/** Between two tries of one call: short, because a person or a program is waiting for the answer. */
export const CALL_BACKOFF: RetryPolicy = {
  backoff: "exponential",
  base: limits.callRetryFirst,
  max: limits.callRetryMost,
  jitter: 1,
};

/** Between two tries to take up a watch: a server that restarts is back within seconds. */
export const WATCH_BACKOFF: RetryPolicy = {
  backoff: "exponential",
  base: limits.watchRetryFirst,
  max: limits.watchRetryMost,
  jitter: 1,
};

/**
 * How long to wait after the `failures`-th failure in a row, in milliseconds: a uniform draw from the whole
 * interval below the ceiling, so that clients which failed together do not come back together, and never
 * sooner than the server asked for.
 *
 * @param draw uniform in [0, 1)
 */
export function backoffMs(policy: RetryPolicy, failures: number, draw: number, askedForMs = 0): number {
  return askedForMs + Math.floor(draw * ceiling(policy, failures));
}

/** Waits, or returns early once the signal aborts. Never throws. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, signal ? { signal } : {}).catch(() => {});
}
