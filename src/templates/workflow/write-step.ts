import type { JsonObject } from "#domain/json/json";
import type { TemplateRetry, TemplateStep } from "#domain/template/template";
import { isStandardSchema, isZod3, schemaProblem } from "#standard-schema/check";
import { jsonSchemaOf, type Side } from "#standard-schema/json-schema";
import type { StandardSchema } from "#standard-schema/types";
import { stepAt } from "../read/place.js";
import { isPlace, writeMapping } from "./mapping.js";
import { checkNames } from "./option-names.js";
import type {
  AgentRef,
  Earlier,
  NamedChildOptions,
  OverrideOptions,
  RetryOptions,
  Schema,
  StepOptions,
} from "./options.js";

/* Options of steps as the format of templates has them. */

/** Like `Part`, with undefined allowed everywhere: undefined keys vanish when the body is written as JSON. */
export type Loose<Part> = { readonly [Key in keyof Part]: Part[Key] | undefined };

type Common = Pick<StepOptions<Schema>, "description" | "after" | "compensate" | "undo">;

/** The options of a child, of a workflow in code or not. */
export interface AnyChildOptions extends Omit<NamedChildOptions<Schema>, "template"> {
  readonly template?: { readonly namespace?: string; readonly name: string; readonly version?: string };
}

/** The options of a step with an agent, of whatever types. */
interface Worked extends Common, OverrideOptions {
  readonly agent: AgentRef;
  readonly result?: Schema | undefined;
  readonly input?: object | undefined;
}

export function ordered({
  description,
  after,
  undo,
  compensate = undo,
}: Partial<Loose<Common>>): Loose<Omit<TemplateStep, "name">> {
  const names = new Set(after?.map(({ name }) => name));
  const dependencies = names.size === 0 ? undefined : [...names];
  return { description, dependencies, compensate: compensate?.name };
}

export function worked(name: string, options: Loose<Worked>): Loose<Omit<TemplateStep, "name">> {
  const { agent, config, result, after } = options;
  const handler = {
    callable: agent === undefined ? "" : nameOf(agent),
    ...(config && { initialization: config }),
  };
  const { input, paths } = options.input
    ? writeMapping(options.input, name)
    : { input: undefined, paths: [] };
  return {
    handler,
    ...ordered({ ...options, after: including(after, paths) }),
    input,
    ...triedAs(options, `step ${name}`),
    result_schema: resultSchema(name, result, agent),
  };
}

/** A child's input: a place of its whole, or a mapping of its parts. */
export function childInput(
  input: object | string | undefined,
  name: string,
): { input?: JsonObject; path?: string; paths: readonly string[] } {
  if (input === undefined) return { paths: [] };
  const path = typeof input === "string" || isPlace(input) ? pathOf(input) : loosePath(input);
  return path === undefined ? writeMapping(input as object, name) : { path, paths: [path] };
}

/** Of an object that has nothing but the path of a place, as handles of other libraries may. */
function loosePath(input: object): string | undefined {
  const { path } = input as { readonly path?: unknown };
  return typeof path === "string" && Object.keys(input).length === 1 ? path : undefined;
}

/** The schema that is given, or that of the agent's own `output`. */
export function resultSchema(
  name: string,
  result: Schema | undefined,
  agent: AgentRef | undefined,
): JsonObject | undefined {
  if (result !== undefined) return schemaOf(result, `step ${name}: result`);
  const output = typeof agent === "object" ? agent.output : undefined;
  return schemaOf(output, `step ${name}: the output of agent ${agent && nameOf(agent)}`, "output");
}

export function triedAs(
  { retry, timeoutSeconds }: Loose<OverrideOptions>,
  owner: string,
): Loose<Omit<TemplateStep, "name">> {
  if (retry !== undefined) checkNames(retry, "retry", owner);
  return { retry: retry && retryOf(retry), timeout_seconds: timeoutSeconds };
}

function retryOf(options: RetryOptions): TemplateRetry {
  const { retryable, maxAttempts, maxLosses, backoff, baseMs, maxMs, jitter } = options;
  const retry: Loose<TemplateRetry> = {
    retryable,
    max_attempts: maxAttempts,
    max_losses: maxLosses,
    backoff,
    backoff_base_ms: baseMs,
    max_backoff_ms: maxMs,
    jitter,
  };
  return retry as TemplateRetry;
}

export function nameOf(agent: AgentRef): string {
  return typeof agent === "string" ? agent : agent.name;
}

export function pathOf(value: { readonly path: string } | string | undefined): string | undefined {
  return typeof value === "object" ? value.path : value;
}

/** Adds the steps that paths read to the dependencies. */
export function including(after: readonly Earlier[] = [], paths: readonly string[]): readonly Earlier[] {
  const names = paths.flatMap((path) => stepAt(path) ?? []);
  return [...after, ...names.map((name): Earlier => ({ kind: "workers", name }))];
}

/**
 * The JSON Schema of a schema.
 *
 * @param what begins the message of the error
 * @throws {TypeError} if it gives none, with the way out
 */
export function schemaOf(
  schema: Schema | undefined,
  what: string,
  side: Side = "input",
): JsonObject | undefined {
  if (schema === undefined || isJsonSchema(schema)) return schema as JsonObject | undefined;
  const problem = schemaProblem(schema);
  if (problem !== undefined) throw new TypeError(`${what} ${problem}`);
  try {
    // A date, for example, is a text in the result, whatever its schema says of it.
    return jsonSchemaOf(schema as StandardSchema, side, side === "output" ? "open" : "refuse");
  } catch (error) {
    throw new TypeError(`${what} ${(error as Error).message}`, { cause: error });
  }
}

/** A plain object without the marks of a library: the reader judges what is in it. */
function isJsonSchema(schema: Schema): boolean {
  return typeof schema === "object" && !isStandardSchema(schema) && !isZod3(schema);
}
