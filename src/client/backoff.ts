import { setTimeout as delay } from "node:timers/promises";
import { ceiling, type RetryPolicy } from "#domain/task/retry";
import { limits } from "#limits/index";
import { onAbort } from "#transport/on-abort";

/** Delays between the attempts of one call: short, because a person or a program waits for the answer. */
export const CALL_BACKOFF: RetryPolicy = {
  backoff: "exponential",
  base: limits.callRetryFirst,
  max: limits.callRetryMost,
  jitter: 1,
};

/** Delays between attempts to reopen a watch: a server that restarts is back within seconds. */
export const WATCH_BACKOFF: RetryPolicy = {
  backoff: "exponential",
  base: limits.watchRetryFirst,
  max: limits.watchRetryMost,
  jitter: 1,
};

/**
 * Returns the delay before the next attempt, in milliseconds, after `failures` consecutive failures: `askedForMs` plus
 * a uniform draw between 0 and the policy's ceiling. Full jitter keeps clients that failed together from retrying
 * together.
 *
 * @param draw uniform in [0, 1)
 * @param askedForMs the delay that the server asked for
 */
export function backoffMs(policy: RetryPolicy, failures: number, draw: number, askedForMs = 0): number {
  return askedForMs + Math.floor(draw * ceiling(policy, failures));
}

/** Resolves after `ms` milliseconds, or as soon as the signal aborts. Never rejects. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  const sleep = new AbortController();
  const forget = onAbort(signal, () => sleep.abort());
  await delay(ms, undefined, { signal: sleep.signal }).catch(() => {});
  forget();
}
