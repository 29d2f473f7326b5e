import { clip } from "#domain/text/text";
import { limits } from "#limits/index";
import type { EndReason, Failed, Outcome } from "../protocol/frames.js";
import type { Agent } from "./agent.js";
import type { AgentContext } from "./context.js";
import { AgentError, OutputLimitError, type RunStopped, retryAfterOf } from "./error.js";
import { inWords } from "./in-words.js";
import { jsonOf } from "./json-of.js";
import { isRetried } from "./retried.js";
import { stackOf } from "./stack.js";
import { Yielded } from "./yielded.js";

/** Runs the agent and converts its result or error to an outcome. Never rejects. */
export async function outcomeOf(agent: Agent, inputJson: string, ctx: AgentContext): Promise<Outcome> {
  try {
    const result = await agent.perform(inputJson, ctx);
    if (!(result instanceof Yielded)) return { status: "COMPLETED", outputJson: jsonOf(result, "result") };
    const { cursorJson, outputJson } = result;
    return { status: "YIELDED", cursorJson, outputJson };
  } catch (error) {
    return failure(error, ctx.signal, agent.retry?.only);
  }
}

/** Reads the input first, then calls `perform`. An input that cannot be read fails the Run. Never rejects. */
export async function outcomeWith(
  readInput: () => Promise<string>,
  signal: AbortSignal,
  perform: (inputJson: string) => Promise<Outcome>,
): Promise<Outcome> {
  let inputJson: string;
  try {
    inputJson = await readInput();
    signal.throwIfAborted();
  } catch (error) {
    return failure(error, signal);
  }
  return perform(inputJson);
}

/**
 * Makes the outcome of a Run whose agent has thrown.
 *
 * @param only the errors that the agent wants to be tried again; all if it names none
 */
export function failure(error: unknown, signal: AbortSignal, only?: readonly string[]): Outcome {
  if (signal.aborted) return failed((signal.reason as RunStopped).message, { retryable: false });
  const detail = stackOf(error);
  const outcome = { ...(verdictOf(error) ?? failed(inWords(error))), ...(detail !== "" && { detail }) };
  const isOpen = outcome.status === "FAILED" && outcome.retryable === undefined;
  return isOpen && !isRetried(error, only) ? { ...outcome, retryable: false } : outcome;
}

/** Returns the outcome that an {@link AgentError} asks for; undefined if it is none, or cannot be read. */
function verdictOf(error: unknown): Failed | undefined {
  try {
    if (!(error instanceof AgentError)) return undefined;
    const { message, retryable, retryAfterMs } = error;
    return failed(typeof message === "string" ? message : inWords(error), {
      // Checked by the constructor, but an agent may have changed them since.
      ...(typeof retryable === "boolean" && { retryable }),
      ...(Number.isFinite(retryAfterMs) && { retryAfterMs: retryAfterOf(retryAfterMs) }),
      ...(error instanceof OutputLimitError && { reason: "OUTPUT_LIMIT" as const }),
    });
  } catch {
    return undefined;
  }
}

interface Verdict {
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
  readonly reason?: EndReason;
}

/** Makes the outcome of a failed Run. @param message cut to the server's limit */
export function failed(message: string, { retryable, retryAfterMs = 0, reason }: Verdict = {}): Failed {
  const error = clip(message, limits.errorMessageBytes).toWellFormed();
  return { status: "FAILED", error, retryable, retryAfterMs, reason };
}
