import type { RetryPolicy } from "../task/retry.js";
import type { TemplateRetry, TemplateStep } from "../template/template.js";
import { type Millis, millis } from "../time/time.js";
import { type Announcement, hasTries, retryPolicyOf } from "../worker/agent.js";
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

/** What a template leaves open of a step's attempts, so that its agent's announcement decides. */
export interface OpenTries {
  readonly attempts: boolean;
  readonly backoff: boolean;
  readonly base: boolean;
  readonly max: boolean;
  readonly timeout: boolean;
}

/** What the template leaves open; undefined if nothing. */
export function openTries({ retry = {}, timeout_seconds = 0 }: TemplateStep): OpenTries | undefined {
  const { retryable = true, max_attempts, backoff, backoff_base_ms, max_backoff_ms } = inOwnWords(retry);
  const open = {
    attempts: retryable && max_attempts === undefined,
    backoff: backoff === undefined,
    base: backoff_base_ms === undefined,
    max: max_backoff_ms === undefined,
    timeout: timeout_seconds === 0,
  };
  return Object.values(open).includes(true) ? open : undefined;
}

/** The attempts with what the template leaves open decided by the agent; the same object if nothing changes. */
export function decidedBy<Kind extends Tries>(
  tries: Kind,
  open: OpenTries | undefined,
  announced: Announcement | undefined,
): Kind {
  if (!open || !announced || !hasTries(announced)) return tries;
  const { timeoutMs } = announced;
  const { attempts, backoff, base, max } = announced.retry;
  const own = tries.retry;
  // A first delay that the template says is not cut short by the agent's longest one.
  const longest = max === undefined || open.base ? max : millis(Math.max(max, own.base));
  const delays = {
    backoff: open.backoff ? backoff : own.backoff,
    base: open.base ? base : own.base,
    max: open.max ? longest : own.max,
  };
  return {
    ...tries,
    retry: retryPolicyOf(delays, own),
    ...(open.attempts && attempts !== undefined && { maxAttempts: attempts }),
    ...(open.timeout && timeoutMs > 0 && { timeoutMs }),
  };
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
