import { limits } from "#limits/index";
import { jsonSchemaIfAny } from "#standard-schema/json-schema";
import type { OutputOfSchema, StandardSchema } from "#standard-schema/types";
import { validated } from "#standard-schema/validate";
import type { AgentContext } from "../agent/context.js";
import type { Effect } from "../agent/durable.js";
import { AgentError } from "../agent/error.js";
import { inWords } from "../agent/in-words.js";
import type { KeptSteps } from "../models/kept-steps.js";
import type { ToolCall } from "./answer.js";
import { modelSchema } from "./strict-schema.js";

/**
 * A function that a model may call.
 *
 * @example
 * ```ts
 * import { type ModelTool, openaiAgent } from "taskrun/worker";
 *
 * const now: ModelTool = { name: "now", description: "The present time", effect: "read", run: () => new Date() };
 * const clock = openaiAgent({ name: "clock", model: "gpt-5-mini", tools: [now] });
 * ```
 */
export interface ModelTool<Input extends StandardSchema = StandardSchema> {
  /** 1 to 64 letters, digits, `_` and `-`. */
  readonly name: string;
  /** What the model is told of it. */
  readonly description?: string;
  /** Schema of its arguments, an object. Arguments that do not fit are told the model, and the tool does not run. */
  readonly input?: Input;
  /** What it does to the world: nothing, the same however often, or something that must happen once. Default `idempotent`. */
  readonly effect?: Effect;
  /**
   * Asked before the tool runs, for example a person. Anything but true refuses the call; a text tells the model why.
   */
  approve?(args: OutputOfSchema<Input>, ctx: AgentContext): boolean | string | Promise<boolean | string>;
  /**
   * Does it. What it returns is told the model, as text or as JSON. An error is told too, so that the model can do something
   * else; an {@link AgentError} fails the Run.
   */
  run(args: OutputOfSchema<Input>, ctx: AgentContext): unknown;
}

/**
 * Makes a tool, of whose schema the compiler knows the arguments.
 *
 * @example
 * ```ts
 * import { modelTool, openaiAgent } from "taskrun/worker";
 * import { z } from "zod";
 *
 * const weather = modelTool({
 *   name: "weather",
 *   description: "The weather in a city, now",
 *   input: z.object({ city: z.string() }),
 *   effect: "read",
 *   run: async ({ city }, { signal }) => (await fetch(`https://weather.example/${city}`, { signal })).text(),
 * });
 * const agent = openaiAgent({ name: "forecast", model: "gpt-5-mini", tools: [weather] });
 * ```
 */
export function modelTool<Input extends StandardSchema>(tool: ModelTool<Input>): ModelTool {
  return tool as unknown as ModelTool;
}

/** The tool as the API has it. */
export function toolSpec({ name, description, input }: ModelTool): Readonly<Record<string, unknown>> {
  const given = (input && jsonSchemaIfAny(input, "input")) ?? { type: "object", properties: {} };
  const { schema, strict } = modelSchema(given);
  return {
    type: "function",
    function: {
      name,
      ...(description !== undefined && { description }),
      parameters: strict ? schema : given,
      ...(strict && { strict }),
    },
  };
}

/**
 * Does what the model has called for, and returns what it is told of it.
 *
 * @throws {AgentError} that the tool has thrown
 * @throws {RunStopped} if the Run has been stopped
 */
export async function callTool(
  tools: readonly ModelTool[],
  call: ToolCall,
  steps: KeptSteps,
  ctx: AgentContext,
): Promise<string> {
  const tool = tools.find(({ name }) => name === call.name);
  if (!tool) return refusal(`there is no tool ${call.name}`);
  const read = await argumentsOf(tool, call.arguments);
  if ("problem" in read) return refusal(read.problem);
  try {
    const answer = (await tool.approve?.(read.args, ctx)) ?? true;
    if (answer !== true) return refusal(typeof answer === "string" ? answer : "it was not allowed");
    const { name, effect = "idempotent" } = tool;
    const called = { name, args: read.given, callId: call.id, effect };
    return told(await steps.tool(called, () => run(tool, read.args, ctx)));
  } catch (error) {
    ctx.signal.throwIfAborted();
    if ((error as Error | undefined)?.name !== TOOL_FAILED) throw error;
    return refusal((error as Error).message);
  }
}

/** The name of an error of a tool that the model is told, by which it is known in later Runs too. */
const TOOL_FAILED = "ToolFailed";

async function run(tool: ModelTool, args: unknown, ctx: AgentContext): Promise<unknown> {
  try {
    return await tool.run(args, ctx);
  } catch (error) {
    if (error instanceof AgentError || ctx.signal.aborted) throw error;
    throw Object.assign(new Error(inWords(error), { cause: error }), { name: TOOL_FAILED });
  }
}

interface Arguments {
  /** As the model has sent them. */
  readonly given: unknown;
  /** What the tool's schema makes of them. */
  readonly args: unknown;
}

async function argumentsOf(tool: ModelTool, json: string): Promise<Arguments | { readonly problem: string }> {
  let given: unknown;
  try {
    given = json.trim() === "" ? {} : JSON.parse(json);
  } catch (error) {
    return { problem: `the arguments are no JSON: ${(error as Error).message}` };
  }
  if (!tool.input) return { given, args: given };
  const checked = await validated(tool.input, given, "arguments");
  return checked.fits
    ? { given, args: checked.value }
    : { problem: `the arguments do not fit: ${checked.problem}` };
}

function refusal(why: string): string {
  return told({ error: why });
}

function told(value: unknown): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "null");
  if (text.length <= limits.toolResultChars) return text;
  return `${text.slice(0, limits.toolResultChars)} … (cut: it has ${text.length} characters)`;
}
