import { limits } from "#domain/limits";

export interface AgentErrorOptions {
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/** How an agent says that it failed, and whether trying again can help. */
export class AgentError extends Error {
  override readonly name = "AgentError";
  /** Undefined leaves it to the plane. */
  readonly retryable: boolean | undefined;
  /** Try again no sooner than this; 0 leaves it to the plane. */
  readonly retryAfterMs: number;

  /**
   * @param options `retryAfterMs` in milliseconds: a fraction is rounded up, less than 0 counts as 0, and more than a
   *   day as a day
   * @throws {TypeError} if an option has the wrong type, or `retryAfterMs` is not finite
   */
  constructor(message: string, options: AgentErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    const { retryable, retryAfterMs = 0 } = options;
    if (retryable !== undefined && typeof retryable !== "boolean") {
      throw new TypeError(`retryable is ${shown(retryable)}, not true or false. The error was: ${message}`);
    }
    if (!Number.isFinite(retryAfterMs)) {
      const problem = `retryAfterMs is ${shown(retryAfterMs)}, not a number of milliseconds`;
      throw new TypeError(`${problem}. The error was: ${message}`);
    }
    this.retryable = retryable;
    this.retryAfterMs = retryAfterOf(retryAfterMs);
  }
}

/** The agent has said more than one run may. */
export class OutputLimitError extends AgentError {
  constructor(message: string) {
    super(message, { retryable: false });
  }
}

/** A wait as the plane takes it: whole milliseconds, from none to the longest. */
export function retryAfterOf(ms: number): number {
  return Math.min(Math.max(0, Math.ceil(ms)), limits.retryAfterMax);
}

function shown(value: unknown): string {
  return typeof value === "number" ? String(value) : typeof value;
}

/** Why a run was stopped from outside. */
export type StopCause = "cancelled" | "deadline" | "lease lost" | "shutdown";

/** The reason a run's signal aborts with. */
export class RunStopped extends Error {
  override readonly name = "RunStopped";
  readonly why: StopCause;

  constructor(why: StopCause, detail: string) {
    super(detail === "" ? why : `${why}: ${detail}`);
    this.why = why;
  }
}
