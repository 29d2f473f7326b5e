import { brand } from "#domain/brand";
import { limits } from "#limits/index";

/**
 * Options of {@link AgentError}.
 *
 * @example
 * ```ts
 * import { AgentError, type AgentErrorOptions } from "taskrun/worker";
 *
 * const options: AgentErrorOptions = { retryable: true, retryAfterMs: 30_000 };
 * throw new AgentError("the model is overloaded", options);
 * ```
 */
export interface AgentErrorOptions {
  /** False: no further attempt. Default: the server decides, and retries while attempts are left. */
  readonly retryable?: boolean;
  /** Minimum delay before the next attempt, in milliseconds. */
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/**
 * Thrown by an agent to fail its Run and say whether another attempt makes sense. Any other error also fails the Run,
 * and is retried while attempts are left.
 *
 * @example
 * ```ts
 * import { agent, AgentError } from "taskrun/worker";
 * import { z } from "zod";
 *
 * const charge = agent({
 *   name: "charge",
 *   input: z.object({ card: z.string() }),
 *   async run({ card }) {
 *     if (card.length !== 16) throw new AgentError("the card number is invalid", { retryable: false });
 *     return { charged: true };
 *   },
 * });
 * ```
 */
export class AgentError extends Error {
  override readonly name = "AgentError";
  /** Undefined: the server decides. */
  readonly retryable: boolean | undefined;
  /** Minimum delay before the next attempt, in milliseconds; 0: the server decides. */
  readonly retryAfterMs: number;

  /**
   * @param options `retryAfterMs` is rounded up and clamped to 0 … one day
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
brand(AgentError, "AgentError");

/**
 * An error of the library itself, whose stack would tell the agent's author nothing.
 */
export class ToldError extends AgentError {
  /** What is told instead of the stack; empty if the message says it all. */
  readonly detail: string;

  constructor(
    message: string,
    { detail = "", ...options }: AgentErrorOptions & { readonly detail?: string } = {},
  ) {
    super(message, options);
    this.detail = detail;
  }
}
brand(ToldError, "ToldError");

/** The Run exceeds a limit of its output, events, chat, result or checkpoint. Not retryable. */
export class OutputLimitError extends AgentError {
  constructor(message: string) {
    super(message, { retryable: false });
  }
}
brand(OutputLimitError, "OutputLimitError");

/** Rounds a delay up to whole milliseconds and clamps it to what the server accepts. */
export function retryAfterOf(ms: number): number {
  return Math.min(Math.max(0, Math.ceil(ms)), limits.retryAfterMax);
}

function shown(value: unknown): string {
  return typeof value === "number" ? String(value) : typeof value;
}

/**
 * Why a Run was stopped before its agent returned. `suspended`: its agent only waits, and another Run goes on with it; `ended`: its agent
 * has returned, and something that it began without waiting for it goes on.
 */
export type StopCause = "cancelled" | "deadline" | "lease lost" | "shutdown" | "suspended" | "ended";

/**
 * The reason of a Run's aborted signal. Let it propagate: the Worker does not report it as a failure of the agent.
 *
 * @example
 * ```ts
 * import { agent, RunStopped } from "taskrun/worker";
 * import { z } from "zod";
 *
 * const watchdog = agent({
 *   name: "watchdog",
 *   input: z.looseObject({}),
 *   async run(_, { signal, log }) {
 *     signal.addEventListener("abort", () => {
 *       if (signal.reason instanceof RunStopped) log.info("stopped", { why: signal.reason.why });
 *     });
 *   },
 * });
 * ```
 */
export class RunStopped extends Error {
  override readonly name = "RunStopped";
  readonly why: StopCause;

  constructor(why: StopCause, detail: string) {
    super(detail === "" ? why : `${why}: ${detail}`);
    this.why = why;
  }
}
brand(RunStopped, "RunStopped");
