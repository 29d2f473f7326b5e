import { unknownName } from "#domain/option-names";
import type { Labels } from "#domain/task/task";
import { limits } from "#limits/index";
import { schemaProblem } from "#standard-schema/check";
import type { StandardSchema } from "#standard-schema/types";
import { kindOf } from "../agent/kind-of.js";
import type { AgentPolicies } from "../agent/policies.js";
import type { ModelTool } from "./tools.js";

/**
 * Options of {@link openaiAgent}. Only `model` is required.
 *
 * @example
 * ```ts
 * import type { OpenaiOptions } from "taskrun/worker";
 *
 * const local: OpenaiOptions = {
 *   name: "summarize",
 *   model: "qwen3:8b",
 *   baseUrl: "http://localhost:11434/v1",
 *   instructions: "Sum up what you are given in three sentences.",
 *   maxOutputTokens: 500,
 * };
 * ```
 */
export interface OpenaiOptions<Output extends StandardSchema = StandardSchema> extends AgentPolicies {
  /** Default `openai`. */
  readonly name?: string;
  readonly description?: string;
  readonly labels?: Labels;
  /** The model's name, as the server knows it. */
  readonly model: string;
  /** The server, up to the version in its path. Default: the variable `OPENAI_BASE_URL`, else `https://api.openai.com/v1`. */
  readonly baseUrl?: string;
  /** Default: the variable `OPENAI_API_KEY`. A server of your own may need none. */
  readonly apiKey?: string;
  /** Whose model it is, for those who look at workers. Default `openai`. */
  readonly provider?: string;
  /** The system message. */
  readonly instructions?: string;
  /** What the model may call; see {@link modelTool}. */
  readonly tools?: readonly ModelTool[];
  /** Schema of the answer: the model is told it, and the result is what the schema makes of the answer. */
  readonly output?: Output;
  /** Answers of the model in one Run, those that call tools included. Default 20. */
  readonly maxTurns?: number;
  /** Tokens of one answer. */
  readonly maxOutputTokens?: number;
  /** Milliseconds until an answer has to begin. Default 10 minutes. */
  readonly requestTimeoutMs?: number;
  /** Further headers of every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of every request, such as `temperature`. They go before what is made of the other options. */
  readonly parameters?: Readonly<Record<string, unknown>>;
}

const names = Object.keys({
  name: true,
  description: true,
  labels: true,
  model: true,
  baseUrl: true,
  apiKey: true,
  provider: true,
  instructions: true,
  tools: true,
  output: true,
  maxTurns: true,
  maxOutputTokens: true,
  requestTimeoutMs: true,
  headers: true,
  parameters: true,
  retry: true,
  timeoutMs: true,
  concurrency: true,
} satisfies Record<keyof OpenaiOptions, true>);

/**
 * Checks the options that the definition of an agent does not check.
 *
 * @throws {RangeError | TypeError} naming the option that is wrong
 */
export function checkOpenaiOptions(options: OpenaiOptions): void {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw new TypeError(`openaiAgent() takes an object, not ${kindOf(options)}`);
  const unknown = unknownName(options, names);
  if (unknown !== undefined) throw new TypeError(`openaiAgent(): options ${unknown}`);
  if (options.model === undefined) throw new TypeError("openaiAgent() needs model, the name of one");
  for (const name of ["model", "baseUrl", "apiKey", "provider", "instructions"] as const)
    checkText(options[name], name);
  if (options.baseUrl !== undefined && !/^https?:\/\//.test(options.baseUrl))
    throw new RangeError(`baseUrl is no URL of a server: write for example "http://localhost:11434/v1"`);
  checkWhole(options.maxTurns, "maxTurns", limits.modelTurnsMost);
  checkWhole(options.maxOutputTokens, "maxOutputTokens", limits.modelOutputTokensMost);
  checkWhole(options.requestTimeoutMs, "requestTimeoutMs", limits.modelRequestMost);
  for (const name of ["headers", "parameters"] as const) checkObject(options[name], name);
  checkTools(options.tools);
  const problem = options.output === undefined ? undefined : schemaProblem(options.output);
  if (problem !== undefined) throw new TypeError(`openaiAgent(): output ${problem}`);
}

function checkText(value: unknown, name: string): void {
  if (value !== undefined && typeof value !== "string")
    throw new TypeError(`${name} is ${kindOf(value)}, not text`);
  if (value === "") throw new RangeError(`${name} is empty: leave it out, or write something`);
}

function checkWhole(value: unknown, name: string, most: number): void {
  if (value === undefined || (Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most)) return;
  const given = typeof value === "number" ? value : kindOf(value);
  throw new RangeError(`${name} is ${given}, not a whole number from 1 to ${most}`);
}

function checkObject(value: unknown, name: string): void {
  if (value === undefined || (typeof value === "object" && value !== null && !Array.isArray(value))) return;
  throw new TypeError(`${name} is ${kindOf(value)}, not an object`);
}

/** Names of functions, as the API takes them. */
const TOOL_NAME = /^[A-Za-z0-9_-]{1,64}$/;

function checkTools(tools: unknown): void {
  if (tools === undefined) return;
  if (!Array.isArray(tools)) throw new TypeError(`tools is ${kindOf(tools)}, not a list of tools`);
  if (tools.length > limits.modelTools)
    throw new RangeError(
      `tools has ${tools.length} entries; a model is offered ${limits.modelTools} at most`,
    );
  const seen = new Set<unknown>();
  for (const [i, tool] of (tools as readonly Partial<ModelTool>[]).entries()) {
    if (typeof tool !== "object" || tool === null || typeof tool.run !== "function")
      throw new TypeError(`tools[${i}] is no tool: make it with modelTool({ name, input, run })`);
    const { name } = tool;
    if (typeof name !== "string" || !TOOL_NAME.test(name))
      throw new RangeError(`tools[${i}].name is not 1 to 64 letters, digits, _ and -`);
    if (seen.has(name)) throw new RangeError(`there are two tools called ${name}`);
    seen.add(name);
    const problem = tool.input === undefined ? undefined : schemaProblem(tool.input);
    if (problem !== undefined) throw new TypeError(`tool ${name}: input ${problem}`);
  }
}
