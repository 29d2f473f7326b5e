import { limits } from "#domain/limits";
import { clip, utf8Bytes } from "#domain/text";
import { type Agent, type AgentContext, AgentError, type RunStopped } from "./agent.js";
import type { Outcome } from "./frames.js";

/** Lets the agent do its work, and puts the way it ended into the words of the wire. Never rejects. */
export async function outcomeOf(agent: Agent, inputJson: string, ctx: AgentContext): Promise<Outcome> {
  try {
    const result = await agent.perform(inputJson, ctx);
    return { status: "COMPLETED", outputJson: resultJson(result) };
  } catch (error) {
    return failure(error, ctx.signal);
  }
}

function failure(error: unknown, signal: AbortSignal): Outcome {
  if (signal.aborted) return failed((signal.reason as RunStopped).message, false, 0);
  if (error instanceof AgentError) return failed(error.message, error.retryable, error.retryAfterMs);
  return failed(error instanceof Error ? `${error.name}: ${error.message}` : String(error), undefined, 0);
}

function failed(message: string, retryable: boolean | undefined, retryAfterMs: number): Outcome {
  return { status: "FAILED", error: clip(message, limits.errorMessageBytes), retryable, retryAfterMs };
}

/** @throws {AgentError} if the result cannot be sent: trying again would not change that */
function resultJson(result: unknown): string {
  let json: string | undefined;
  try {
    json = JSON.stringify(result);
  } catch (cause) {
    const message = `the agent's result cannot be written as JSON: ${(cause as Error).message}`;
    throw new AgentError(message, { retryable: false, cause });
  }
  const bytes = utf8Bytes(json ?? "");
  if (bytes > limits.resultBytes) {
    const message = `the agent's result is ${bytes} bytes of JSON, at most ${limits.resultBytes} can be kept`;
    throw new AgentError(message, { retryable: false });
  }
  return json ?? "";
}
