import { limits } from "#domain/limits";
import { clip, utf8Bytes } from "#domain/text";
import { type Agent, AgentError, type RunStopped } from "./agent.js";
import type { AgentContext } from "./agent-context.js";
import type { Outcome } from "./frames.js";
import { Yielded } from "./yielded.js";

/** Lets the agent do its work, and puts the way it ended into the words of the wire. Never rejects. */
export async function outcomeOf(agent: Agent, inputJson: string, ctx: AgentContext): Promise<Outcome> {
  try {
    const result = await agent.perform(inputJson, ctx);
    if (!(result instanceof Yielded)) return { status: "COMPLETED", outputJson: jsonOf(result, "result") };
    const cursorJson = jsonOf(result.cursor ?? null, "cursor");
    return { status: "YIELDED", cursorJson, outputJson: jsonOf(result.output, "output at a checkpoint") };
  } catch (error) {
    return failure(error, ctx.signal);
  }
}

/** The same for a run whose input is read first: one that cannot be read is how it ends. */
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

function failure(error: unknown, signal: AbortSignal): Outcome {
  if (signal.aborted) return failed((signal.reason as RunStopped).message, false, 0);
  if (error instanceof AgentError) return failed(error.message, error.retryable, error.retryAfterMs);
  return failed(error instanceof Error ? `${error.name}: ${error.message}` : String(error), undefined, 0);
}

function failed(message: string, retryable: boolean | undefined, retryAfterMs: number): Outcome {
  return { status: "FAILED", error: clip(message, limits.errorMessageBytes), retryable, retryAfterMs };
}

/**
 * @param what the name of the value, for people
 * @throws {AgentError} if the value cannot be sent: trying again would not change that
 */
function jsonOf(value: unknown, what: string): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(value);
  } catch (cause) {
    const message = `the agent's ${what} cannot be written as JSON: ${(cause as Error).message}`;
    throw new AgentError(message, { retryable: false, cause });
  }
  const bytes = utf8Bytes(json ?? "");
  if (bytes > limits.resultBytes) {
    const message = `the agent's ${what} is ${bytes} bytes of JSON, at most ${limits.resultBytes} can be kept`;
    throw new AgentError(message, { retryable: false });
  }
  return json ?? "";
}
