import { nearest } from "#domain/nearest";
import type { Labels } from "#domain/task/task";
import { utf8Bytes } from "#domain/text/text";
import { limits } from "#limits/index";
import { schemaProblem } from "#standard-schema/check";
import type { InputOfSchema, OutputOfSchema, StandardSchema } from "#standard-schema/types";
import { backendOf, labelsOf, textOf } from "./checks.js";
import type { AgentContext, Backend } from "./context.js";
import { kindOf } from "./kind-of.js";
import { type AgentPolicies, policiesOf } from "./policies.js";
import type { Yielded } from "./yielded.js";

/**
 * The definition of an agent; see `agent`.
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
 *   timeoutMs: 30_000,
 *   run: async ({ text }) => ({ words: text.split(/\s+/).length }),
 * };
 * const countWords = agent(definition);
 * ```
 */
export interface AgentDefinition<
  Input extends StandardSchema = StandardSchema,
  Output extends StandardSchema = StandardSchema,
  Name extends string = string,
  Returned extends InputOfSchema<Output> = InputOfSchema<Output>,
> extends AgentPolicies {
  /** The name that Tasks and templates use; compared exactly. At most 256 bytes. */
  readonly name: Name;
  /** One sentence for people. */
  readonly description?: string;
  readonly labels?: Labels;
  /** Models it may use, the preferred one first. */
  readonly backends?: readonly Backend[];
  /**
   * Schema of the input, of zod 4, valibot, arktype or any other library of Standard Schema. Input that does not fit fails
   * the Run for good. Without one the agent takes any JSON value.
   */
  readonly input?: Input;
  /** Schema of the result. What `run` returns is checked and replaced by what the schema makes of it. */
  readonly output?: Output;
  /**
   * Performs one Run. Either an async function, or an async generator: each string that it yields is sent as output, any
   * other value as one line of JSON. The returned value is the result, any JSON value or undefined for none, or the
   * value of `ctx.yield` to stop at a checkpoint. To fail, throw; see `AgentError`.
   */
  run(
    input: OutputOfSchema<Input>,
    ctx: AgentContext,
  ): AsyncGenerator<unknown, Returned | Yielded, undefined> | Promise<Returned | Yielded>;
}

const keys = [
  "name",
  "description",
  "labels",
  "backends",
  "input",
  "output",
  "retry",
  "timeoutMs",
  "concurrency",
  "run",
] as const satisfies (keyof AgentDefinition)[];

/**
 * Checks the whole definition of an agent, which may be untyped.
 *
 * @throws {RangeError | TypeError} naming the agent, the part that is wrong, and the way out
 */
export function checkDefinition(definition: unknown): void {
  if (typeof definition !== "object" || definition === null || Array.isArray(definition)) {
    throw new TypeError(`agent() takes an object with a name and run, not ${kindOf(definition)}`);
  }
  const {
    name,
    description = "",
    labels = {},
    backends = [],
    run,
    ...rest
  } = definition as Partial<AgentDefinition>;
  checkName(name);
  const of = `agent ${name}: `;
  checkKeys(definition, name);
  if (typeof run !== "function") throw new TypeError(`agent ${name} needs run, a function`);
  textOf(description, `${of}description`);
  labelsOf(labels, `${of}labels`);
  checkBackends(backends, of);
  for (const side of ["input", "output"] as const) {
    const problem = rest[side] === undefined ? undefined : schemaProblem(rest[side]);
    if (problem !== undefined) throw new TypeError(`agent ${name}: ${side} ${problem}`);
  }
  policiesOf(rest, of);
}

/** @throws {RangeError} if an agent cannot have this name */
export function checkName(name: unknown): asserts name is string {
  if (typeof name !== "string" || name === "") throw new RangeError("an agent needs a name");
  if (utf8Bytes(name) > limits.idBytes) {
    throw new RangeError(`agent name ${name.slice(0, 40)}… is over ${limits.idBytes} bytes`);
  }
}

/** @param of begins the messages, for example `agent greet: ` */
export function checkBackends(backends: unknown, of: string): void {
  if (!Array.isArray(backends)) throw new TypeError(`${of}backends is ${kindOf(backends)}, not an array`);
  if (backends.length > limits.backendsPerAgent) {
    const most = `an agent may have ${limits.backendsPerAgent}`;
    throw new RangeError(`${of}backends has ${backends.length} entries; ${most}: name fewer`);
  }
  for (const [i, backend] of backends.entries()) backendOf(backend, `${of}backends[${i}]`);
}

/** A key that is not known would have no effect, although its author expects one. */
function checkKeys(definition: object, name: string): void {
  for (const key of Object.keys(definition)) {
    if ((keys as readonly string[]).includes(key)) continue;
    const near = nearest(key, keys);
    const meant = near === undefined ? `it has ${keys.join(", ")}` : `did you mean ${near}?`;
    throw new TypeError(
      `agent ${name} has the key ${JSON.stringify(key.slice(0, 64))}, which is not known: ${meant}`,
    );
  }
}
