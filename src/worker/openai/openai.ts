import { createHash } from "node:crypto";
import { limits } from "#limits/index";
import { jsonSchemaIfAny } from "#standard-schema/json-schema";
import type { OutputOfSchema, StandardSchema } from "#standard-schema/types";
import { type Agent, agent } from "../agent/agent.js";
import type { AgentContext } from "../agent/context.js";
import { AgentError, ToldError } from "../agent/error.js";
import { KeptSteps } from "../models/kept-steps.js";
import { reportUsage } from "../models/model-usage.js";
import { type PromptInput, promptInput, promptOf } from "../models/prompt.js";
import { type Answer, readAnswer } from "./answer.js";
import { type ChatClient, chatClientClass } from "./client.js";
import { type Asked, requestFailure } from "./failures.js";
import { checkOpenaiOptions, type OpenaiOptions } from "./options.js";
import { modelSchema } from "./strict-schema.js";
import { callTool, toolSpec } from "./tools.js";

/**
 * The result of {@link openaiAgent} without an `output`.
 *
 * @example
 * ```ts
 * import { createClient } from "taskrun/client";
 * import { type OpenaiResult, openaiAgent } from "taskrun/worker";
 *
 * const writer = openaiAgent({ name: "writer", model: "gpt-5-mini" });
 * const answer: OpenaiResult = await createClient().tasks.run(writer, { prompt: "Name a colour." });
 * console.log(answer.text);
 * ```
 */
export interface OpenaiResult {
  /** The model's last answer. */
  readonly text: string;
  /** The model that gave it, as the server names it. */
  readonly model: string;
  /** Answers of the model, those that called tools included. */
  readonly turns: number;
  readonly tool_calls: number;
  readonly finish_reason: string;
}

/** What an agent results in: what its schema makes of the answer, or the answer as it is. */
type ResultOf<Output extends StandardSchema> =
  unknown extends OutputOfSchema<Output> ? OpenaiResult : OutputOfSchema<Output>;

const DEFAULT_URL = "https://api.openai.com/v1";

/**
 * Makes an agent of a model that a server offers by the Chat Completions API of OpenAI, theirs or any other. Its text is output as
 * it comes, its tool calls are run, and its tokens are reported as usage. With an `output` the model answers by that schema. The
 * package `openai` has to be installed beside this one.
 *
 * @throws {RangeError | TypeError} naming the option that is wrong
 *
 * @example
 * ```ts
 * import { openaiAgent, serve } from "taskrun/worker";
 * import { z } from "zod";
 *
 * const sentiment = openaiAgent({
 *   name: "sentiment",
 *   model: "gpt-5-mini",
 *   instructions: "Judge the mood of the text.",
 *   output: z.object({ mood: z.enum(["good", "bad"]), why: z.string() }),
 * });
 * await serve({ agents: [sentiment] });
 * ```
 */
export function openaiAgent<
  const Name extends string = "openai",
  Output extends StandardSchema = StandardSchema,
>(options: OpenaiOptions<Output> & { readonly name?: Name }): Agent<Name, PromptInput, ResultOf<Output>> {
  checkOpenaiOptions(options);
  const { name = "openai", description, labels, model, output, retry, timeoutMs, concurrency } = options;
  const made = agent({
    name: name as Name,
    description: description ?? `Asks the model ${model}`,
    ...(labels !== undefined && { labels }),
    backends: [backendOf(options, model)],
    ...(retry !== undefined && { retry }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(concurrency !== undefined && { concurrency }),
    ...(output !== undefined && { output: output as StandardSchema }),
    input: promptInput,
    run: (given, ctx) => new Conversation(options, ctx).run(given as PromptInput),
  });
  return made as unknown as Agent<Name, PromptInput, ResultOf<Output>>;
}

/**
 * Checks what an agent of these options needs where it runs.
 *
 * @throws {ToldError} if the package `openai` or a key is missing
 */
export function checkOpenaiReady(options: Pick<OpenaiOptions, "apiKey" | "baseUrl">): void {
  keyFor(options, urlOf(options));
  chatClientClass();
}

function urlOf({ baseUrl }: Pick<OpenaiOptions, "baseUrl">): string {
  return baseUrl || process.env.OPENAI_BASE_URL || DEFAULT_URL;
}

function backendOf({ provider = "openai", tools = [] }: OpenaiOptions, modelName: string) {
  const names = tools.map(({ name }) => name);
  return { provider, modelName, supportsStreaming: true, modalities: ["text"], tools: names };
}

/** A message of the conversation, as the API has it. */
type Message = Readonly<Record<string, unknown>>;

/** One Run: asks the model, does what it calls for, and asks again, until it has answered. */
class Conversation {
  readonly #options: OpenaiOptions;
  readonly #ctx: AgentContext;
  readonly #steps: KeptSteps;
  readonly #asked: Asked;
  readonly #client: ChatClient;
  readonly #fixed: Readonly<Record<string, unknown>>;

  constructor(options: OpenaiOptions, ctx: AgentContext) {
    const { model, headers = {}, requestTimeoutMs = limits.modelRequest } = options;
    const baseUrl = urlOf(options);
    const apiKey = keyFor(options, baseUrl);
    this.#options = options;
    this.#ctx = ctx;
    this.#steps = new KeptSteps(ctx);
    this.#asked = { baseUrl, model, apiKey };
    const Client = chatClientClass();
    // Attempts are the plane's business, which knows what else waits.
    const terms = {
      maxRetries: 0,
      timeout: requestTimeoutMs,
      defaultHeaders: headers,
      logLevel: "off",
    } as const;
    this.#client = new Client({ ...terms, apiKey: apiKey || "none", baseURL: baseUrl });
    this.#fixed = fixedPart(options);
  }

  async run(input: PromptInput): Promise<unknown> {
    const { instructions, maxTurns = limits.modelTurns, tools = [] } = this.#options;
    const messages: Message[] = [
      ...(instructions === undefined ? [] : [{ role: "system", content: instructions }]),
      { role: "user", content: promptOf(input) },
    ];
    let toolCalls = 0;
    for (let turn = 1; turn <= maxTurns; turn += 1) {
      const answer = await this.#answer(messages);
      this.#ctx.backendUsed(backendOf(this.#options, answer.model));
      if (answer.calls.length === 0) return this.#result(answer, turn, toolCalls);
      messages.push(asMessage(answer));
      for (const call of answer.calls) {
        toolCalls += 1;
        const content = await callTool(tools, call, this.#steps, this.#ctx);
        messages.push({ role: "tool", tool_call_id: call.id, content });
      }
    }
    const message = `the model was not done after ${maxTurns} answers, its limit: allow more with maxTurns`;
    throw new ToldError(message, { retryable: false });
  }

  /** Asks, or takes the answer that an earlier Run of this Step has had. */
  #answer(messages: readonly Message[]): Promise<Answer> {
    const request = JSON.stringify({ ...this.#fixed, messages });
    const digest = createHash("sha256").update(request).digest("hex");
    return this.#steps.read("model", digest, (signal, isKept) => this.#ask(messages, signal, isKept));
  }

  /** @param countsTools whether the calls of tools are counted where they are made */
  async #ask(messages: readonly Message[], signal: AbortSignal, countsTools: boolean): Promise<Answer> {
    try {
      const { completions } = this.#client.chat;
      const chunks = await completions.create({ ...this.#fixed, messages }, { signal });
      const answer = await readAnswer(chunks, this.#asked.model, (text) => this.#ctx.output(text));
      if (answer.text !== "" && !answer.text.endsWith("\n")) await this.#ctx.output("\n");
      const { model, inputTokens, cachedTokens, outputTokens, calls } = answer;
      const toolCalls = countsTools ? 0 : calls.length;
      const counts = { inputTokens, cachedTokens, outputTokens, toolCalls };
      reportUsage(this.#ctx, { model, ...counts });
      return answer;
    } catch (error) {
      signal.throwIfAborted(); // the client ends its stream without a word
      throw requestFailure(error, this.#asked, Date.now());
    }
  }

  #result({ text, refusal, model, finishReason }: Answer, turns: number, toolCalls: number): unknown {
    if (finishReason === "length") {
      const way = "allow more tokens with maxOutputTokens, or ask for less";
      throw new ToldError(`the model's answer was cut off at its limit of tokens: ${way}`, {
        retryable: false,
      });
    }
    if (finishReason === "content_filter")
      throw new ToldError("the model's answer was withheld by the server's filter", { retryable: false });
    if (refusal !== "") throw new ToldError(`the model has refused: ${refusal}`, { retryable: false });
    if (this.#options.output) return structured(text);
    return { text, model, turns, tool_calls: toolCalls, finish_reason: finishReason } satisfies OpenaiResult;
  }
}

/** What all requests of a Run have in common. */
function fixedPart({ model, tools = [], output, maxOutputTokens, parameters = {} }: OpenaiOptions) {
  const schema = output && jsonSchemaIfAny(output, "input");
  return {
    ...(maxOutputTokens !== undefined && { max_completion_tokens: maxOutputTokens }),
    stream_options: { include_usage: true },
    ...(schema && {
      response_format: { type: "json_schema", json_schema: { name: "result", ...modelSchema(schema) } },
    }),
    ...parameters,
    model,
    stream: true,
    ...(tools.length > 0 && { tools: tools.map(toolSpec) }),
  };
}

/** A server of one's own may ask for no key. */
function keyFor({ apiKey, baseUrl }: Pick<OpenaiOptions, "apiKey" | "baseUrl">, url: string): string {
  const key = apiKey || process.env.OPENAI_API_KEY || "";
  if (key !== "" || baseUrl !== undefined || url !== DEFAULT_URL) return key;
  const message =
    "there is no key for the model's server: set OPENAI_API_KEY for the worker, or the option apiKey";
  throw new ToldError(message, { retryable: false });
}

function asMessage({ text, calls }: Answer): Message {
  return {
    role: "assistant",
    content: text === "" ? null : text,
    tool_calls: calls.map(({ id, name, arguments: json }) => {
      return { id, type: "function", function: { name, arguments: json } };
    }),
  };
}

/** Another attempt may keep to the schema. */
function structured(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AgentError(
      `the model's answer is no JSON, though a schema was asked for: ${(error as Error).message}`,
    );
  }
}
