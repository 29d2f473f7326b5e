import { z } from "zod";

/*
 * The messages of Claude Code's `stream-json`, as far as they are read here: one JSON object a line. Their shapes are those of
 * the types `SDKMessage` of its SDK. What a message has beside is dropped, and a message of another type is none.
 */

const text = z.string().catch("");
const count = z.int().min(0).catch(0);
const amount = z.number().min(0).catch(0);

/** Tokens by kind, in the words of the Messages API: the first three exclude each other. */
const usage = z.object({
  input_tokens: count,
  cache_read_input_tokens: count,
  cache_creation_input_tokens: count,
  output_tokens: count,
});
export type ApiUsage = z.output<typeof usage>;

const block = z.union([
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({ type: z.literal("tool_use"), id: z.string(), name: z.string(), input: z.unknown() }),
  z.object({ type: z.literal("tool_result"), tool_use_id: z.string(), is_error: z.boolean().catch(false) }),
  z.object({ type: z.string() }),
]);
export type Block = z.output<typeof block>;

/** Plain text stands for a block of it. */
const content = z
  .union([z.string().transform((said): Block[] => [{ type: "text", text: said }]), z.array(block)])
  .catch([]);

const init = z.object({
  type: z.literal("system"),
  subtype: z.literal("init"),
  session_id: text,
  model: text,
  claude_code_version: text,
  permissionMode: text,
});

const apiRetry = z.object({
  type: z.literal("system"),
  subtype: z.literal("api_retry"),
  attempt: count,
  max_retries: count,
  retry_delay_ms: amount,
  error: text,
});

/** Of the model; `error` says that it is the program's word for a failure of the API. */
const assistant = z.object({
  type: z.literal("assistant"),
  parent_tool_use_id: z.string().nullish().catch(null),
  message: z.object({ id: text, model: text, content, usage: usage.optional().catch(undefined) }),
  error: text,
});

/** Results of tools. */
const user = z.object({
  type: z.literal("user"),
  parent_tool_use_id: z.string().nullish().catch(null),
  message: z.object({ content }),
});

/** A part of a message that is being written; sent only if it is asked for. */
const streamEvent = z.object({
  type: z.literal("stream_event"),
  parent_tool_use_id: z.string().nullish().catch(null),
  event: z.union([
    z.object({ type: z.literal("message_start"), message: z.object({ id: text }) }),
    z.object({
      type: z.literal("content_block_delta"),
      delta: z.object({ type: z.literal("text_delta"), text: z.string() }),
    }),
    z.object({ type: z.literal("content_block_stop") }),
    z.object({ type: z.string() }),
  ]),
});

const rateLimit = z.object({
  type: z.literal("rate_limit_event"),
  /** `resetsAt` is in Unix seconds. */
  rate_limit_info: z.object({ status: text, resetsAt: amount }),
});

const modelUsage = z.object({
  inputTokens: count,
  outputTokens: count,
  cacheReadInputTokens: count,
  cacheCreationInputTokens: count,
  costUSD: amount,
  canonicalModel: text,
});

const result = z.object({
  type: z.literal("result"),
  subtype: text,
  is_error: z.boolean().catch(false),
  result: text,
  errors: z.array(z.string()).catch([]),
  api_error_status: z.number().nullish().catch(null),
  stop_reason: z.string().nullish().catch(null),
  session_id: text,
  num_turns: count,
  duration_ms: amount,
  total_cost_usd: amount,
  usage: usage.optional().catch(undefined),
  modelUsage: z.record(z.string(), modelUsage).catch({}),
  permission_denials: z.array(z.object({ tool_name: text })).catch([]),
});
export type ResultMessage = z.output<typeof result>;
export type ModelUsage = z.output<typeof modelUsage>;
export type AssistantMessage = z.output<typeof assistant>;
export type StreamEvent = z.output<typeof streamEvent>["event"];

const message = z.union([assistant, user, streamEvent, result, init, apiRetry, rateLimit]);
export type ClaudeMessage = z.output<typeof message>;

/** A line that is read: `noise` is no JSON object with a type, `other` a message that nothing here depends on. */
export type ReadLine = ClaudeMessage | { readonly type: "other" } | { readonly type: "noise" };

/** Reads one line of the program's stdout. Never throws. */
export function readLine(line: string): ReadLine {
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return { type: "noise" };
  }
  const known = message.safeParse(parsed);
  if (known.success) return known.data;
  return z.object({ type: z.string() }).safeParse(parsed).success ? { type: "other" } : { type: "noise" };
}
