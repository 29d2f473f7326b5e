import type { z } from "zod";
import type { Labels } from "#domain/task/task";
import { utf8Bytes } from "#domain/text/text";
import { limits } from "#limits/index";
import type { AgentContext, Backend } from "./context.js";
import { AgentError } from "./error.js";
import { Yielded } from "./yielded.js";

/**
 * An agent that {@link serve} can run. Usually made by {@link agent} or {@link execAgent}.
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
export interface Agent {
  readonly name: string;
  readonly description: string;
  readonly labels: Labels;
  readonly backends: readonly Backend[];
  /**
   * Performs one Run. A rejection fails it; see {@link AgentError}.
   *
   * @param inputJson the Step's input as JSON text
   * @returns the result: any JSON value, undefined for none, or the value of `ctx.yield`
   */
  perform(inputJson: string, ctx: AgentContext): Promise<unknown>;
}

/**
 * The definition of an agent; see {@link agent}.
 *
 * @example
 * ```ts
 * import { agent, type AgentDefinition } from "taskrun/worker";
 * import { z } from "zod";
 *
 * const input = z.object({ text: z.string() });
 * const definition: AgentDefinition<typeof input> = {
 *   name: "count_words",
 *   description: "Counts the words of a text",
 *   backends: [{ provider: "builtin", modelName: "count_words" }],
 *   input,
 *   run: async ({ text }) => ({ words: text.split(/\s+/).length }),
 * };
 * const countWords = agent(definition);
 * ```
 */
export interface AgentDefinition<Input extends z.ZodType> {
  /** The name that Tasks and templates use; compared exactly. At most 256 bytes. */
  readonly name: string;
  /** One sentence for people. */
  readonly description?: string;
  readonly labels?: Labels;
  /** Models it may use, the preferred one first. */
  readonly backends?: readonly Backend[];
  /** Schema of the input. Input that does not fit fails the Run for good. */
  readonly input: Input;
  /**
   * Performs one Run. Either an async function, or an async generator: each string that it yields is sent as output, any
   * other value as one line of JSON. The returned value is the result, any JSON value or undefined for none, or the
   * value of `ctx.yield` to stop at a checkpoint. To fail, throw; see {@link AgentError}.
   */
  run(
    input: z.output<Input>,
    ctx: AgentContext,
  ): AsyncGenerator<unknown, unknown, undefined> | Promise<unknown>;
}

/**
 * Makes an agent for {@link serve}. Input that does not fit the schema fails the Run for good, with a message that names
 * each path.
 *
 * @throws {RangeError} if the name is empty or over 256 bytes
 * @throws {TypeError} if the definition lacks its schema or its function, naming which
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
export function agent<Input extends z.ZodType>(definition: AgentDefinition<Input>): Agent {
  const { name, description = "", labels = {}, backends = [], input: schema } = definition;
  checkName(name);
  if (typeof (schema as Partial<Input> | undefined)?.safeParseAsync !== "function")
    throw new TypeError(
      `agent ${name} needs input, the zod schema of what it takes: z.unknown() takes anything`,
    );
  if (typeof definition.run !== "function") throw new TypeError(`agent ${name} needs run, a function`);

  return {
    name,
    description,
    labels,
    backends,
    async perform(inputJson, ctx) {
      const input = await readInput(schema, inputJson);
      return follow(definition.run(input, ctx), ctx);
    },
  };
}

/** @throws {RangeError} if an agent cannot have this name */
export function checkName(name: string): void {
  if (typeof name !== "string" || name === "") throw new RangeError("an agent needs a name");
  if (utf8Bytes(name) > limits.idBytes) {
    throw new RangeError(`agent name ${name.slice(0, 40)}… is over ${limits.idBytes} bytes`);
  }
}

async function readInput<Input extends z.ZodType>(schema: Input, json: string): Promise<z.output<Input>> {
  const parsed = await schema.safeParseAsync(parseJson(json));
  if (parsed.success) return parsed.data;

  const faults = parsed.error.issues.map(({ path, message }) => `${path.join(".") || "input"}: ${message}`);
  throw new AgentError(`input_json does not fit the agent: ${faults.join("; ")}`, { retryable: false });
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json === "" ? "{}" : json);
  } catch (cause) {
    throw new AgentError(`input_json is not JSON: ${(cause as Error).message}`, { retryable: false, cause });
  }
}

/** Drives a generator to its end and returns its result; anything else is the result itself, as `run` may be untyped. */
async function follow(running: unknown, ctx: AgentContext): Promise<unknown> {
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
  return typeof (running as Partial<Running> | null | undefined)?.next === "function";
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
