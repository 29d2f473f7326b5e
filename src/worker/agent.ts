import type { z } from "zod";
import { limits } from "#domain/limits";
import type { Labels } from "#domain/task";
import { utf8Bytes } from "#domain/text";
import type { AgentContext, Backend } from "./agent-context.js";
import { AgentError } from "./agent-error.js";
import { Yielded } from "./yielded.js";

/** What `serve` runs. Made by {@link agent}, or by `execAgent`. */
export interface Agent {
  readonly name: string;
  readonly description: string;
  readonly labels: Labels;
  readonly backends: readonly Backend[];
  /**
   * Carries out one run.
   *
   * @param inputJson the task's input, as JSON text
   * @returns the result: whatever JSON can say, or undefined for none; or what `ctx.yield` gave
   */
  perform(inputJson: string, ctx: AgentContext): Promise<unknown>;
}

export interface AgentDefinition<Input extends z.ZodType> {
  /** What tasks ask for; compared exactly. */
  readonly name: string;
  /** One sentence for people. */
  readonly description?: string;
  readonly labels?: Labels;
  /** Models it may use, the preferred one first. */
  readonly backends?: readonly Backend[];
  /** What the task's input must look like. */
  readonly input: Input;
  /**
   * The work. As an `async *` function, each string it yields is a chunk of output, and anything else it
   * yields is a chunk of one line of JSON. What it returns is the result, unless it is what `ctx.yield` gave.
   */
  run(
    input: z.output<Input>,
    ctx: AgentContext,
  ): AsyncGenerator<unknown, unknown, undefined> | Promise<unknown>;
}

/**
 * Describes an agent. Input that does not fit the schema fails the run for good, naming each path.
 *
 * @throws {RangeError} if the name is empty or over 256 bytes
 */
export function agent<Input extends z.ZodType>(definition: AgentDefinition<Input>): Agent {
  const { name, description = "", labels = {}, backends = [], input: schema } = definition;
  checkName(name);

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

/** @throws {RangeError} if tasks could not ask for an agent of this name */
export function checkName(name: string): void {
  if (name === "") throw new RangeError("an agent needs a name");
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

/** What `run` has begun may be anything where no types are checked: what is no generator is the result. */
async function follow(running: unknown, ctx: AgentContext): Promise<unknown> {
  if (!isGenerator(running)) return running;

  try {
    for (;;) {
      const step = await running.next();
      if (step.done) return step.value;
      await say(step.value, ctx);
    }
  } finally {
    // Lets the agent's own `finally` run if it was left between two yields.
    await running.return?.(undefined);
  }
}

type Running = Pick<AsyncGenerator<unknown, unknown, undefined>, "next"> &
  Partial<Pick<AsyncGenerator<unknown, unknown, undefined>, "return">>;

function isGenerator(running: unknown): running is Running {
  return typeof (running as Partial<Running> | null | undefined)?.next === "function";
}

/** A bare `yield` says nothing. */
async function say(value: unknown, ctx: AgentContext): Promise<void> {
  if (value === undefined) return;
  if (value instanceof Yielded) throw new TypeError("return what ctx.yield gives instead of yielding it");
  if (typeof value === "string") return ctx.output(value);
  const json = JSON.stringify(value) as string | undefined;
  if (json === undefined)
    throw new TypeError(`a ${typeof value} was yielded: yield text, or what JSON can say`);
  return ctx.output(`${json}\n`);
}
