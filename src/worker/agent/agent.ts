import type { JsonObject } from "#domain/json/json";
import type { JsonOf } from "#domain/json/json-of";
import type { Labels } from "#domain/task/task";
import type { Typed } from "#domain/typed";
import { jsonSchemaIfAny } from "#standard-schema/json-schema";
import type { InputOfSchema, OutputOfSchema, StandardSchema } from "#standard-schema/types";
import { validated } from "#standard-schema/validate";
import type { AgentContext, Backend } from "./context.js";
import { type AgentDefinition, checkDefinition } from "./definition.js";
import { ToldError } from "./error.js";
import { type AgentPolicies, policiesOf } from "./policies.js";
import { Yielded } from "./yielded.js";

/**
 * An agent that {@link serve} can run. Usually made by {@link agent} or {@link execAgent}. `Input` and `Result` are the
 * types of its input and of its result as JSON, by which `client.tasks.run(agent, input)` and `workflow` are checked.
 *
 * @example An agent without a schema
 * ```ts
 * import { type Agent, serve } from "taskrun/worker";
 *
 * const echo: Agent = {
 *   name: "echo",
 *   description: "Returns its input",
 *   labels: {},
 *   backends: [],
 *   perform: async (inputJson) => JSON.parse(inputJson),
 * };
 * await serve({ agents: [echo] });
 * ```
 */
export interface Agent<Name extends string = string, Input = unknown, Result = unknown>
  extends Typed<Input, Result>,
    AgentPolicies {
  readonly name: Name;
  readonly description: string;
  readonly labels: Labels;
  readonly backends: readonly Backend[];
  /** JSON Schema of the input; absent if its schema gives none. */
  readonly inputSchema?: JsonObject;
  /** Schema of the result, from which a step of `workflow` that names this agent has its `result_schema`. */
  readonly output?: StandardSchema;
  /**
   * Performs one Run. A rejection fails it; see {@link AgentError}.
   *
   * @param inputJson the Step's input as JSON text
   * @returns the result: any JSON value, undefined for none, or the value of `ctx.yield`
   */
  perform(inputJson: string, ctx: AgentContext): Promise<unknown>;
}

/** The type of an agent's result as JSON: what its `output` gives, or what its `run` returns if it has none. */
type ResultAs<Output extends StandardSchema, Returned> =
  unknown extends OutputOfSchema<Output> ? JsonOf<Returned> : JsonOf<OutputOfSchema<Output>>;

/**
 * Makes an agent for {@link serve}. Input that does not fit its schema fails the Run for good, with a message that names
 * each path; a result that does not fit fails it too, and may be tried again.
 *
 * @throws {RangeError | TypeError} naming the part of the definition that is missing, unknown, of the wrong kind or beyond
 *   a limit; also for a schema of zod 3
 *
 * @example
 * ```ts
 * import { agent, serve } from "taskrun/worker";
 * import { z } from "zod";
 *
 * const greet = agent({
 *   name: "greet",
 *   input: z.object({ name: z.string() }),
 *   async *run({ name }) {
 *     yield `Hello, ${name}!`; // output
 *     return { greeted: name }; // the result
 *   },
 * });
 * await serve({ agents: [greet] });
 * ```
 */
export function agent<
  const Name extends string,
  Returned extends InputOfSchema<Output>,
  Input extends StandardSchema = StandardSchema,
  Output extends StandardSchema = StandardSchema,
>(
  definition: AgentDefinition<Input, Output, Name, Returned>,
): Agent<Name, InputOfSchema<Input>, ResultAs<Output, Returned>> {
  checkDefinition(definition);
  const { name, description = "", labels = {}, backends = [], input: schema, output } = definition;
  const inputSchema = schema && jsonSchemaIfAny(schema, "input");

  return {
    name,
    description,
    labels,
    backends,
    ...policiesOf(definition, `agent ${name}: `),
    ...(inputSchema && { inputSchema }),
    ...(output && { output }),
    async perform(inputJson, ctx) {
      const input = await readInput(schema, inputJson);
      const result = await follow(definition.run(input as OutputOfSchema<Input>, ctx), ctx);
      return output && !(result instanceof Yielded) ? checkResult(output, result) : result;
    },
  };
}

async function readInput(schema: StandardSchema | undefined, json: string): Promise<unknown> {
  const value = parseJson(json);
  if (!schema) return value;
  const checked = await validated(schema, value, "input");
  if (checked.fits) return checked.value;
  throw new ToldError(`input_json does not fit the agent: ${checked.problem}`, { retryable: false });
}

/** Another attempt may return something else, so a result that does not fit is tried again like any failure. */
async function checkResult(schema: StandardSchema, result: unknown): Promise<unknown> {
  const checked = await validated(schema, result, "result");
  if (checked.fits) return checked.value;
  throw new ToldError(`the agent's result does not fit its output: ${checked.problem}`);
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json === "" ? "{}" : json);
  } catch (cause) {
    throw new ToldError(`input_json is not JSON: ${(cause as Error).message}`, { retryable: false, cause });
  }
}

/**
 * Drives a generator to its end and returns its result, also if an async function has returned the generator; anything
 * else is the result itself, as `run` may be untyped.
 */
async function follow(returned: unknown, ctx: AgentContext): Promise<unknown> {
  const running = isGenerator(returned) ? returned : await returned;
  if (!isGenerator(running)) return running;

  try {
    for (;;) {
      const step = await running.next();
      if (step.done) return step.value;
      await say(step.value, ctx);
    }
  } finally {
    // Runs the agent's own `finally` blocks if sending output failed between two yields.
    await running.return?.(undefined);
  }
}

type Running = Pick<AsyncGenerator<unknown, unknown, undefined>, "next"> &
  Partial<Pick<AsyncGenerator<unknown, unknown, undefined>, "return">>;

function isGenerator(running: unknown): running is Running {
  if (typeof running !== "object" || running === null) return false;
  return (
    typeof (running as Partial<Running>).next === "function" &&
    (Symbol.asyncIterator in running || Symbol.iterator in running)
  );
}

/** Sends a yielded value as output; undefined is skipped. */
async function say(value: unknown, ctx: AgentContext): Promise<void> {
  if (value === undefined) return;
  if (value instanceof Yielded) throw new TypeError("return what ctx.yield gives instead of yielding it");
  if (typeof value === "string") return ctx.output(value);
  const json = JSON.stringify(value) as string | undefined;
  if (json === undefined)
    throw new TypeError(`a ${typeof value} was yielded: yield text, or what JSON can say`);
  return ctx.output(`${json}\n`);
}
