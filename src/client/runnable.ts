import type { Typed } from "#domain/typed";
import { optionsOf, wrongArgument } from "./request.js";
import type { CreateTask, RunOptions } from "./task-requests.js";
import { runNames, taskNames } from "./task-requests.js";

/**
 * An agent whose types the compiler knows: what `agent()` of the Worker SDK makes. The agent itself does not run here; its
 * name is sent.
 *
 * @example
 * ```ts
 * import { createClient, type TypedAgent } from "taskrun/client";
 *
 * async function twice<Result>(agent: TypedAgent<{ text: string }, Result>, text: string): Promise<Result[]> {
 *   const { tasks } = createClient();
 *   return Promise.all([tasks.run(agent, { text }), tasks.run(agent, { text })]);
 * }
 * ```
 */
export interface TypedAgent<Input = unknown, Result = unknown> extends Typed<Input, Result> {
  readonly name: string;
  perform(...args: never): unknown;
}

/**
 * A workflow whose types the compiler knows: what `workflow()` of `taskrun/templates` makes, once its source is
 * registered.
 *
 * @example
 * ```ts
 * import { createClient, type TypedWorkflow } from "taskrun/client";
 *
 * async function first<Result>(made: TypedWorkflow<{ ids: number[] }, Result>, ids: number[]): Promise<Result> {
 *   return createClient().tasks.run(made, { ids }, { labels: { team: "travel" } });
 * }
 * ```
 */
export interface TypedWorkflow<Input = unknown, Result = unknown> extends Typed<Input, Result> {
  readonly namespace: string;
  readonly name: string;
  readonly version: string;
  readonly source: string;
}

/**
 * Options of `tasks.run` for an agent or workflow: those of the wait, and those of the Task.
 *
 * @example
 * ```ts
 * import type { TypedRunOptions } from "taskrun/client";
 *
 * const options: TypedRunOptions = { idempotencyKey: "order-4711", timeoutMs: 60_000, onEvent: console.log };
 * ```
 */
export interface TypedRunOptions
  extends RunOptions,
    Omit<CreateTask, "agent" | "template" | "input" | "inputJson"> {}

type Empty = Readonly<Record<never, never>>;

/** The input may be left out if `{}`, which is sent then, is one. */
export type TypedRunArguments<Input> = Empty extends Input
  ? [input?: Input, options?: TypedRunOptions]
  : [input: Input, options?: TypedRunOptions];

/** A request for a Task, and what its wait is told. */
export interface RunRequest {
  readonly request: CreateTask;
  readonly options: RunOptions;
}

/**
 * The arguments of `tasks.run` as a request: an agent or workflow with its input, or a request as it is.
 *
 * @throws {TaskRunError} `INVALID_ARGUMENT` if the first argument is none of these
 */
export function runRequestOf(
  first: CreateTask | TypedAgent | TypedWorkflow,
  second?: unknown,
  third?: TypedRunOptions,
): RunRequest {
  const named = nameIn(first);
  if (named === undefined) {
    const options = optionsOf(second as RunOptions | undefined, "options", runNames);
    return { request: first as CreateTask, options };
  }
  const { signal, onEvent, onLost, ...task } = optionsOf(third, "options", typedRunNames);
  const { agent, template, input, inputJson } = task as CreateTask;
  if (agent !== undefined || template !== undefined || input !== undefined || inputJson !== undefined) {
    throw wrongArgument(
      "options",
      "has agent, template, input or inputJson: run(agent, input, options) says them.",
    );
  }
  return {
    request: { ...task, ...named, ...(second !== undefined && { input: second }) },
    options: { ...(signal && { signal }), ...(onEvent && { onEvent }), ...(onLost && { onLost }) },
  };
}

/** Those that say agent or input a second time are refused by themselves. */
const typedRunNames = [...runNames, ...taskNames] as readonly (keyof TypedRunOptions & string)[];

/** What names the agent or workflow in a request; undefined for what is a request itself. */
function nameIn(first: unknown): Pick<CreateTask, "agent" | "template"> | undefined {
  if (typeof first !== "object" || first === null) return undefined;
  const { agent, template, name, namespace, version, source, perform } = first as Partial<
    CreateTask & TypedAgent & TypedWorkflow
  >;
  if (typeof name !== "string" || agent !== undefined || template !== undefined) return undefined;
  if (typeof perform === "function") return { agent: name };
  if (typeof source === "string" && typeof version === "string") {
    return { template: { namespace: namespace ?? "", name, version } };
  }
  throw wrongArgument(
    "request",
    "has a name and is no agent or workflow: send what agent() or workflow() gives, or { agent }.",
  );
}
