import type { z } from "zod";
import { limits } from "#domain/limits";
import type { Labels } from "#domain/task";
import { utf8Bytes } from "#domain/text";
import type { AgentContext, Backend } from "./agent-context.js";
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

/** How an agent says that it failed, and whether trying again can help. */
export class AgentError extends Error {
  override readonly name = "AgentError";
  /** Undefined leaves it to the plane. */
  readonly retryable: boolean | undefined;
  /** Try again no sooner than this; 0 leaves it to the plane. */
  readonly retryAfterMs: number;

  constructor(
    message: string,
    options: { readonly retryable?: boolean; readonly retryAfterMs?: number; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.retryable = options.retryable;
    this.retryAfterMs = options.retryAfterMs ?? 0;
  }
}

/** Why a run was stopped from outside. */
export type StopCause = "cancelled" | "deadline" | "lease lost" | "shutdown";

/** The reason a run's signal aborts with. */
export class RunStopped extends Error {
  override readonly name = "RunStopped";
  readonly why: StopCause;

  constructor(why: StopCause, detail: string) {
    super(detail === "" ? why : `${why}: ${detail}`);
    this.why = why;
  }
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

async function follow(
  running: AsyncGenerator<unknown, unknown, undefined> | Promise<unknown>,
  ctx: AgentContext,
): Promise<unknown> {
  if (!("next" in running)) return running;

  try {
    for (;;) {
      const step = await running.next();
      if (step.done) return step.value;
      if (step.value instanceof Yielded)
        throw new TypeError("return what ctx.yield gives instead of yielding it");
      await ctx.output(typeof step.value === "string" ? step.value : `${JSON.stringify(step.value)}\n`);
    }
  } finally {
    // Lets the agent's own `finally` run if it was left between two yields.
    await running.return(undefined);
  }
}
