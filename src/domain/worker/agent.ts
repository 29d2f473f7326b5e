import type { Backoff, RetryPolicy } from "../task/retry.js";
import { DEFAULT_RETRY } from "../task/retry.js";
import { type Instant, type Millis, millis } from "../time/time.js";

/** The parts of a {@link RetryPolicy} that are said. */
export interface SaidDelays {
  readonly backoff?: Backoff | undefined;
  /** Largest delay after the first failure. */
  readonly base?: Millis | undefined;
  /** Upper bound of every delay. */
  readonly max?: Millis | undefined;
}

/** How an agent wants to be tried again; what is absent is left to the template, or to the default. */
export interface AgentRetry extends SaidDelays {
  /** Total attempts. */
  readonly attempts?: number;
  /** Names or codes of the errors that are retried; all are if it is empty. Applied by the worker, which knows the error. */
  readonly only: readonly string[];
}

/** What an agent announces in its worker's hello: the defaults of Tasks and Steps that name it. */
export interface Announcement {
  /** Equal for equal retries, timeout and schema; empty if nothing of these is announced. */
  readonly digest: string;
  readonly retry: AgentRetry;
  /** Timeout of one attempt; 0 is no limit. */
  readonly timeoutMs: Millis;
  /** Most Runs of the agent that one worker session gets at once; 0 is as many as the worker takes. */
  readonly concurrency: number;
  /** JSON Schema of the input, as text; empty if there is none. */
  readonly inputSchema: string;
}

export const NOTHING_ANNOUNCED: Announcement = {
  digest: "",
  retry: { only: [] },
  timeoutMs: millis(0),
  concurrency: 0,
  inputSchema: "",
};

/** Identifies what is remembered of an agent. */
export interface AgentKey {
  /** Empty for agents of workers that serve all namespaces. */
  readonly namespace: string;
  readonly name: string;
}

/** What was last announced of an agent in a namespace. */
export interface AgentRow extends AgentKey {
  readonly description: string;
  readonly announced: Announcement;
  /** When a worker that has it was last known to be connected; not updated with every heartbeat. */
  readonly seenAt: Instant;
}

/** An announcement that connected workers agree on. */
export interface CurrentAnnouncement {
  readonly announced: Announcement;
  /** How many workers made it; those that drain are not counted. */
  readonly workers: number;
}

/** What is known of an agent in a namespace. */
export interface KnownAgent extends AgentKey {
  /** Absent only if there was no room to remember it. */
  readonly row: AgentRow | undefined;
  /** The announcements of connected workers, each once. */
  readonly current: readonly CurrentAnnouncement[];
}

/** An agent as clients see it. */
export interface AgentView extends AgentKey {
  readonly description: string;
  /** What decides for Tasks that name it. */
  readonly announced: Announcement;
  /** True if the input of new Tasks must fit the schema: all connected workers announce the same. */
  readonly isEnforced: boolean;
  /** Connected workers that take its Runs. */
  readonly workers: number;
  /** How many Runs of it these take at once. */
  readonly slots: number;
  readonly seenAt: Instant;
  /** The lanes in which its ready Steps wait. */
  readonly lanes: readonly string[];
}

/** The announcement whose policies are the defaults: the newest, or of those that are connected the one that came last. */
export function decidingOf({ row, current }: KnownAgent): Announcement | undefined {
  const isCurrent =
    current.length === 0 || current.some(({ announced }) => announced.digest === row?.announced.digest);
  return isCurrent ? row?.announced : current.at(-1)?.announced;
}

/** One string for an agent and its namespace: neither contains a control character. */
export function agentKey({ namespace, name }: AgentKey): string {
  return `${namespace}\n${name}`;
}

/** True if anything is announced of how the agent is tried. */
export function hasTries({ retry, timeoutMs }: Announcement): boolean {
  const { attempts, backoff, base, max } = retry;
  return timeoutMs > 0 || (attempts ?? backoff ?? base ?? max) !== undefined;
}

/** The delays that are said, and those of `otherwise` for what is not. */
export function retryPolicyOf(
  { backoff, base, max }: SaidDelays,
  otherwise: RetryPolicy = DEFAULT_RETRY,
): RetryPolicy {
  if (backoff === undefined && base === undefined && max === undefined) return otherwise;
  const first = base ?? millis(Math.min(otherwise.base, max ?? otherwise.base));
  return {
    backoff: backoff ?? otherwise.backoff,
    base: first,
    // A first delay that is said is not cut short by a longest one that is not.
    max: max ?? millis(Math.max(otherwise.max, first)),
    jitter: otherwise.jitter,
  };
}
