import { type Backoff, backoffs } from "#domain/task/retry";
import { limits } from "#limits/index";
import { kindOf } from "./kind-of.js";

/**
 * When a Run of an agent that failed is tried again. What is left out is left to the Task and its template.
 *
 * @example
 * ```ts
 * import type { AgentRetry } from "taskrun/worker";
 *
 * const retry: AgentRetry = { attempts: 5, backoff: "exponential", baseMs: 500, only: ["TimeoutError"] };
 * ```
 */
export interface AgentRetry {
  /** Attempts, the first included: 1 to 100. */
  readonly attempts?: number;
  /** How the delay grows from failure to failure. */
  readonly backoff?: Backoff;
  /** Delay after the first failure, in milliseconds. */
  readonly baseMs?: number;
  /** Longest delay, in milliseconds. */
  readonly maxMs?: number;
  /**
   * The errors that are tried again: those whose `name` or `code`, or that of a `cause`, is among these. Any other fails the
   * Run for good, unless it is an {@link AgentError} that says it is retryable.
   */
  readonly only?: readonly string[];
}

/**
 * How an agent's Runs are treated wherever neither the request nor a template says otherwise.
 *
 * @example
 * ```ts
 * import type { AgentPolicies } from "taskrun/worker";
 *
 * const patient: AgentPolicies = { retry: { attempts: 3 }, timeoutMs: 60_000, concurrency: 2 };
 * ```
 */
export interface AgentPolicies {
  readonly retry?: AgentRetry;
  /** Limit of one attempt, in milliseconds. */
  readonly timeoutMs?: number;
  /** Runs of this agent that one Worker may have at a time. Default: as many as its `maxRuns`. */
  readonly concurrency?: number;
}

const retryKeys = ["attempts", "backoff", "baseMs", "maxMs", "only"] as const satisfies (keyof AgentRetry)[];

/**
 * Checks an agent's policies and returns a copy of them without parts that are undefined.
 *
 * @param of begins the messages, for example `agent greet: `
 * @throws {RangeError | TypeError} naming the part that is wrong
 */
export function policiesOf({ retry, timeoutMs, concurrency }: AgentPolicies, of: string): AgentPolicies {
  return {
    ...(retry !== undefined && { retry: retryOf(retry, `${of}retry`) }),
    ...(timeoutMs !== undefined && {
      timeoutMs: wholeOf(timeoutMs, `${of}timeoutMs`, 1, limits.stepWaitMost),
    }),
    ...(concurrency !== undefined && {
      concurrency: wholeOf(concurrency, `${of}concurrency`, 1, limits.maxRunsPerWorker),
    }),
  };
}

function retryOf(retry: unknown, name: string): AgentRetry {
  if (typeof retry !== "object" || retry === null || Array.isArray(retry)) {
    throw new TypeError(`${name} is ${kindOf(retry)}, not an object such as { attempts: 3 }`);
  }
  const unknown = Object.keys(retry).find((key) => !(retryKeys as readonly string[]).includes(key));
  if (unknown !== undefined) {
    throw new TypeError(`${name} has the key ${JSON.stringify(unknown)}; it has ${retryKeys.join(", ")}`);
  }
  const { attempts, backoff, baseMs, maxMs, only } = retry as AgentRetry;
  if (backoff !== undefined && !backoffs.includes(backoff)) {
    throw new TypeError(`${name}.backoff is ${shown(backoff)}, not one of ${backoffs.join(", ")}`);
  }
  return {
    ...(attempts !== undefined && {
      attempts: wholeOf(attempts, `${name}.attempts`, 1, limits.maxAttempts),
    }),
    ...(backoff !== undefined && { backoff }),
    ...(baseMs !== undefined && { baseMs: wholeOf(baseMs, `${name}.baseMs`, 0, limits.retryAfterMax) }),
    ...(maxMs !== undefined && { maxMs: wholeOf(maxMs, `${name}.maxMs`, 0, limits.retryAfterMax) }),
    ...(only !== undefined && { only: namesOf(only, `${name}.only`) }),
  };
}

function wholeOf(value: unknown, name: string, min: number, max: number): number {
  if (typeof value !== "number") throw new TypeError(`${name} is ${kindOf(value)}, not a number`);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`${name} is ${value}, not a whole number from ${min} to ${max}`);
}

function namesOf(value: unknown, name: string): string[] {
  if (!Array.isArray(value))
    throw new TypeError(`${name} is ${kindOf(value)}, not an array of names of errors`);
  if (value.length === 0 || value.length > limits.retriedErrors) {
    throw new RangeError(`${name} has ${value.length} names; it takes 1 to ${limits.retriedErrors}`);
  }
  return Array.from(value, (word: unknown, i) => {
    if (typeof word === "string" && word !== "" && word.length <= limits.labelBytes) return word;
    throw new TypeError(`${name}[${i}] is ${shown(word)}, not the name of an error, such as "TimeoutError"`);
  });
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, 64)) : kindOf(value);
}
