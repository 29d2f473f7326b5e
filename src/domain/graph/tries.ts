import type { RetryPolicy } from "../task/retry.js";
import type { TemplateRetry, TemplateStep } from "../template/template.js";
import { type Millis, millis } from "../time/time.js";
import { planDefaults } from "./plan-defaults.js";

/** The attempts of a Step. */
export interface Tries {
  readonly retry: RetryPolicy;
  /** Total number of attempts, at least 1, unless the request says otherwise: see {@link attemptsOf}. */
  readonly maxAttempts: number;
  /** How many of its Runs may be lost; absent in a row of a release that did not keep it, see `lossesOf`. */
  readonly maxLosses?: number;
  /** Present if a failure is final, so that there is one attempt whatever else is said. */
  readonly retryable?: false;
  /** Timeout of one attempt; 0 is no limit. */
  readonly timeoutMs: Millis;
}

/** The attempts that a template gives a step. */
export function triesOf({ retry = {}, timeout_seconds = 0 }: TemplateStep): Tries {
  const said = inOwnWords(retry);
  const { retryable = true, max_attempts = planDefaults.maxAttempts } = said;
  const { max_losses = retryable ? planDefaults.maxLosses : 0 } = said;
  return {
    retry: retryPolicy(said),
    maxAttempts: retryable ? Math.max(1, max_attempts) : 1,
    maxLosses: max_losses,
    timeoutMs: millis(timeout_seconds * 1_000),
    ...(!retryable && { retryable: false }),
  };
}

/**
 * How many attempts a Step has. What may not be retried is not: neither a template, nor an environment, nor a request
 * can give it more.
 *
 * @param asked what the request says for every Step; 0 leaves it to the template
 */
export function attemptsOf({ maxAttempts, retryable }: Tries, asked: number): number {
  return retryable !== false && asked > 0 ? asked : maxAttempts;
}

/** Another system's words replaced by ours, which take precedence where both are written. Delays there are in seconds. */
export function inOwnWords({ limit, initial_delay, max_delay, ...own }: TemplateRetry = {}): TemplateRetry {
  return {
    ...(limit !== undefined && { max_attempts: limit }),
    ...(initial_delay !== undefined && { backoff_base_ms: Math.round(initial_delay * 1_000) }),
    ...(max_delay !== undefined && { max_backoff_ms: Math.round(max_delay * 1_000) }),
    ...own,
  };
}

function retryPolicy({ backoff, backoff_base_ms, max_backoff_ms, jitter }: TemplateRetry): RetryPolicy {
  const base = backoff_base_ms ?? planDefaults.baseMs;
  return {
    backoff: backoff ?? planDefaults.backoff,
    base: millis(base),
    // A first delay that is written is not cut short by a longest one that is not.
    max: millis(max_backoff_ms ?? Math.max(planDefaults.maxMs, base)),
    jitter: jitter ?? planDefaults.jitter,
  };
}
