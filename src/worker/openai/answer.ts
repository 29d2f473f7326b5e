import { z } from "zod";
import { limits } from "#limits/index";
import { AgentError, ToldError } from "../agent/error.js";

/*
 * Chunks of a streamed chat completion, as far as they are read here. Servers that are compatible leave members out, or send them
 * as null; what is not known is passed over.
 */

const count = z.int().min(0).catch(0);

const usage = z.object({
  prompt_tokens: count,
  completion_tokens: count,
  prompt_tokens_details: z.object({ cached_tokens: count }).catch({ cached_tokens: 0 }),
});

const callPart = z.object({
  index: z.int().min(0).optional().catch(undefined),
  id: z.string().nullish().catch(null),
  function: z
    .object({ name: z.string().nullish().catch(null), arguments: z.string().nullish().catch(null) })
    .catch({ name: null, arguments: null }),
});

const choice = z.object({
  delta: z
    .object({
      content: z.string().nullish().catch(null),
      refusal: z.string().nullish().catch(null),
      tool_calls: z.array(callPart).nullish().catch(null),
    })
    .catch({}),
  finish_reason: z.string().nullish().catch(null),
});

const chunk = z.object({
  model: z.string().catch(""),
  choices: z.array(choice).catch([]),
  usage: usage.nullish().catch(null),
});

/** A function that the model calls. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON text, if the model has kept to it. */
  readonly arguments: string;
}

/** What the model has answered. JSON, so that it can be kept. */
export interface Answer {
  readonly text: string;
  readonly refusal: string;
  readonly calls: readonly ToolCall[];
  /** As the server names it. */
  readonly model: string;
  readonly finishReason: string;
  readonly inputTokens: number;
  readonly cachedTokens: number;
  readonly outputTokens: number;
}

/**
 * Reads a streamed answer to its end, no faster than its text is accepted.
 *
 * @param say accepts text as it comes
 * @throws {ToldError} if the stream ends before the answer does, or the answer is beyond a limit
 */
export async function readAnswer(
  chunks: AsyncIterable<unknown>,
  requestedModel: string,
  say: (text: string) => Promise<void>,
): Promise<Answer> {
  const calls = new CallParts();
  let [text, refusal, model, finishReason] = ["", "", "", ""];
  let used = { inputTokens: 0, cachedTokens: 0, outputTokens: 0 };
  for await (const each of chunks) {
    const read = chunk.safeParse(each);
    if (!read.success) continue;
    model = read.data.model || model;
    if (read.data.usage) used = tokensOf(read.data.usage);
    const [first] = read.data.choices; // the others are of several answers, which are not asked for
    if (!first) continue;
    const { content, refusal: refused, tool_calls: parts } = first.delta;
    finishReason = first.finish_reason || finishReason;
    refusal += refused ?? "";
    for (const part of parts ?? []) calls.add(part);
    if (!content) continue;
    text += content;
    if (text.length > limits.modelAnswerChars) throw tooLong("text");
    await say(content);
  }
  if (finishReason === "") {
    throw new ToldError("the model's answer was cut off: its stream has ended before it was complete", {
      retryable: true,
    });
  }
  return { text, refusal, calls: calls.whole(), model: model || requestedModel, finishReason, ...used };
}

function tokensOf({ prompt_tokens, completion_tokens, prompt_tokens_details }: z.output<typeof usage>) {
  return {
    inputTokens: prompt_tokens,
    cachedTokens: prompt_tokens_details.cached_tokens,
    outputTokens: completion_tokens,
  };
}

function tooLong(what: string): AgentError {
  const message = `the model's ${what} is over ${limits.modelAnswerChars} characters: bound it with maxOutputTokens`;
  return new AgentError(message, { retryable: false });
}

/** Puts tool calls together: their arguments come in fragments, by index; servers without one send a call at a time. */
class CallParts {
  readonly #calls: { id: string; name: string; arguments: string }[] = [];
  #chars = 0;

  add({ index, id, function: { name, arguments: json } }: z.output<typeof callPart>): void {
    const isNext = id || this.#calls.length === 0;
    const at = index ?? (isNext ? this.#calls.length : this.#calls.length - 1);
    if (at > limits.modelTools) throw tooLong("list of tool calls");
    let call = this.#calls[at];
    if (!call) {
      call = { id: "", name: "", arguments: "" };
      this.#calls[at] = call;
    }
    call.id ||= id ?? "";
    call.name ||= name ?? "";
    call.arguments += json ?? "";
    this.#chars += json?.length ?? 0;
    if (this.#chars > limits.modelAnswerChars) throw tooLong("tool calls");
  }

  whole(): ToolCall[] {
    return this.#calls
      .filter(({ name }) => name !== "")
      .map((call, i) => ({ ...call, id: call.id || `call_${i}` }));
  }
}
