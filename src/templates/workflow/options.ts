import type { Json, JsonObject } from "#domain/json/json";
import type { Backoff } from "#domain/task/retry";
import type { FailureStrategy, IdentityStrategy } from "#domain/template/template";
import type { Typed } from "#domain/typed";
import type { InputOfSchema, StandardSchema } from "#standard-schema/types";
import type { Place } from "../read/place.js";
import type { Mapping, MemberPlaces } from "./mapping.js";
import type { Workflow } from "./type.js";

/** A schema of zod 4, valibot or arktype, which also gives the compiler the type, or a JSON Schema 2020-12. */
export type Schema = StandardSchema | JsonObject;

/** The type of a value before the schema's defaults and transforms: values are sent as they are. */
export type ValueOf<Described> = Described extends StandardSchema ? InputOfSchema<Described> : unknown;

/** An agent's name, or an object that has it, such as the agent itself, whose types are then known. */
export type AgentRef<Input = unknown, Result = unknown> =
  | string
  | (Typed<Input, Result> & { readonly name: string; readonly output?: StandardSchema });

/** The type of a step's result: as its schema says, or else as its agent does. */
export type ResultIn<Result, Made> = Result extends StandardSchema ? InputOfSchema<Result> : Made;

/**
 * Refuses a declared result that contradicts the agent's: each value that the agent may give must fit the schema. A type
 * that no schema has, since then the compiler names both.
 */
export type FitsAgent<Result, Made> = unknown extends Made
  ? unknown
  : Result extends StandardSchema
    ? [Made] extends [InputOfSchema<Result>]
      ? unknown
      : { readonly "the result of the agent is": Made }
    : unknown;

/** A step that others can depend on. */
export interface StepRef {
  readonly kind: "step";
  readonly name: string;
}

/**
 * A step that others can depend on, and the place of its result.
 *
 * @example
 * ```ts
 * import { type StepHandle, workflow } from "taskrun/templates";
 * import { z } from "zod";
 *
 * const found = z.object({ urls: z.array(z.string()) });
 * const crawl = workflow("crawl", (w) => {
 *   const search: StepHandle<{ urls: string[] }> = w.step("search", { agent: "search", result: found });
 *   return w.map("fetch", { agent: "fetch", over: search.at("urls") });
 * });
 * ```
 */
export interface StepHandle<Result> extends StepRef, Place<Result> {}

/**
 * All workers of a batch together, to be named in `after`.
 *
 * @example
 * ```ts
 * import { workflow, type WorkersHandle } from "taskrun/templates";
 *
 * const load = workflow("load", (w) => {
 *   const { workers } = w.batch("split", { agent: "split", worker: { name: "row", agent: "import_rows" } });
 *   const all: WorkersHandle = workers;
 *   return w.converge("join", { agent: "join", after: [all] });
 * });
 * ```
 */
export interface WorkersHandle {
  readonly kind: "workers";
  readonly name: string;
}

/**
 * The handle of a batchable step.
 *
 * @example
 * ```ts
 * import { type BatchHandle, workflow } from "taskrun/templates";
 *
 * const load = workflow("load", (w) => {
 *   const worker = { name: "row", agent: "import_rows" };
 *   const split: BatchHandle = w.batch("split", { agent: "split", worker, batchSize: 200, parallelism: 4 });
 *   return w.converge("join", { agent: "join", after: [split.workers] });
 * });
 * ```
 */
export interface BatchHandle extends StepHandle<unknown> {
  readonly workers: WorkersHandle;
}

/**
 * A step that runs only to compensate another; made by `compensation` and passed as `compensate`.
 *
 * @example
 * ```ts
 * import { type CompensationHandle, workflow } from "taskrun/templates";
 *
 * const trip = workflow("trip", (w) => {
 *   const cancel: CompensationHandle = w.compensation("cancel_flight", { agent: "cancel" });
 *   return w.step("flight", { agent: "book", compensate: cancel });
 * });
 * ```
 */
export interface CompensationHandle {
  readonly kind: "compensation";
  readonly name: string;
}

/** @deprecated Use {@link CompensationHandle}. */
export type UndoHandle = CompensationHandle;

/** What a step can depend on. */
export type Earlier = StepRef | WorkersHandle;

/** When a failed step is tried again. `docs/templates.md` has the defaults and ranges. */
export interface RetryOptions {
  /** False: a single attempt. */
  readonly retryable?: boolean;
  /** Attempts, the first included. */
  readonly maxAttempts?: number;
  /** Runs that may be lost with their Worker, which costs no attempt. Default 3, or 0 if `retryable` is false. */
  readonly maxLosses?: number;
  readonly backoff?: Backoff;
  /** Delay after the first failure, in milliseconds. */
  readonly baseMs?: number;
  /** Longest delay, in milliseconds. */
  readonly maxMs?: number;
  /** Random share of each delay, 0 to 1. */
  readonly jitter?: number;
}

/** Options of every step. */
interface Ordered {
  readonly description?: string;
  /** The steps that this one depends on. */
  readonly after?: readonly Earlier[];
  /** The step that compensates this one if the Task fails or is cancelled. */
  readonly compensate?: CompensationHandle;
  /** @deprecated Use `compensate`. */
  readonly undo?: CompensationHandle;
}

/** What an environment can override. */
export interface OverrideOptions {
  /** Passed to the agent as `ctx.config`, and as `config` in its input. */
  readonly config?: JsonObject;
  readonly retry?: RetryOptions;
  /** Limit of one attempt. */
  readonly timeoutSeconds?: number;
}

/** Options of a compensating step. */
export interface CompensationOptions<Input = unknown> extends OverrideOptions {
  readonly description?: string;
  readonly agent: AgentRef<Input>;
  /** What the agent is given in place of the Task's input: constants, and places in that input. */
  readonly input?: Mapping<NoInfer<Input>>;
}

/** Options of every step with an agent. */
interface WorkedOptions<Result, Input, Made> extends Ordered, OverrideOptions {
  readonly agent: AgentRef<Input, Made>;
  /** Schema of the result, checked when the step ends. Default: the `output` of the agent, if that is given itself. */
  readonly result?: Result & FitsAgent<Result, NoInfer<Made>>;
}

/** Options of a step with an agent. */
export interface StepOptions<Result, Input = unknown, Made = unknown>
  extends WorkedOptions<Result, Input, Made> {
  /**
   * What the agent is given in place of the Task's input: constants, and places in that input and in results. The steps
   * whose results are read become dependencies.
   */
  readonly input?: Mapping<NoInfer<Input>>;
}

/** Options of a map. */
export interface MapOptions<Result, Failure, Input = unknown, Made = unknown, Item = unknown>
  extends WorkedOptions<Result, Input, Made> {
  /** The list. The step whose result contains it becomes a dependency. */
  readonly over: Place<readonly Item[]> | string;
  /** As of any step; as a function it is also given the places of the member's `item` and `index`. */
  readonly input?:
    | Mapping<NoInfer<Input>>
    | ((member: MemberPlaces<NoInfer<Item>>) => Mapping<NoInfer<Input>>);
  /** Members that may run at the same time. */
  readonly concurrency?: number;
  readonly onFailure?: Failure;
}

/** Options of a batchable step and its workers. */
export interface BatchOptions extends StepOptions<undefined> {
  readonly worker: StepOptions<Schema> & { readonly name: string };
  /** Largest number of items in one batch. */
  readonly batchSize?: number;
  /** Workers that may run at the same time. */
  readonly parallelism?: number;
  readonly cursorField?: string;
  readonly onFailure?: FailureStrategy;
}

/** Options of a child Task of a workflow in code, whose input and result types the compiler knows. */
export interface ChildOptions<Input, Result> extends Ordered {
  readonly template: Workflow<Input, Result>;
  /** A place, its path, or a mapping as of any step. Default: the parent's whole input. */
  readonly input?: Place<NoInfer<Input>> | string | Mapping<NoInfer<Input>>;
}

/** Options of a child Task of an agent, or of a template by name. */
export interface NamedChildOptions<Result> extends Ordered {
  readonly agent?: AgentRef;
  /** Of a workflow in code the types are known: see {@link ChildOptions}. */
  readonly template?: {
    readonly namespace?: string;
    readonly name: string;
    readonly version?: string;
    readonly source?: never;
  };
  /** A place, its path, or a mapping as of any step. Default: the parent's whole input. */
  readonly input?: { readonly path: string } | string | Mapping<unknown>;
  readonly result?: Result;
}

/** Options of a timer. */
export interface TimerOptions extends Ordered {
  readonly delayMs: number;
}

/** Options of a signal. */
export interface SignalOptions<Result> extends Ordered {
  /** The signal's name in `SignalTask`. Default: the step's name. */
  readonly signal?: string;
  readonly timeoutMs?: number;
  /** The result if no signal comes in time. Without it the step then fails. */
  readonly otherwise?: Json;
  /** Schema of the payload. */
  readonly result?: Result;
}

/**
 * Options of `workflow`.
 *
 * @example
 * ```ts
 * import { workflow, type WorkflowOptions } from "taskrun/templates";
 * import { z } from "zod";
 *
 * const input = z.object({ orderId: z.string() });
 * const options: WorkflowOptions<typeof input> = {
 *   namespace: "shop",
 *   version: "2.1.0",
 *   input,
 *   maxDurationMinutes: 60,
 *   environments: { test: { ALL: { retry: { maxAttempts: 1 } } } },
 * };
 * const ship = workflow("ship", options, (w) => w.step("pack", { agent: "pack" }));
 * ```
 */
export interface WorkflowOptions<Input> {
  /** Default: `default`. */
  readonly namespace?: string;
  /** Default: `1.0.0`. */
  readonly version?: string;
  readonly description?: string;
  readonly metadata?: JsonObject;
  /** Schema of a Task's input, checked before the Task is created. */
  readonly input?: Input;
  /** When two requests mean the same Task. Default: `always_unique`. */
  readonly identity?: IdentityStrategy;
  readonly identityWindowSeconds?: number;
  /** Limit of a whole Task. */
  readonly maxDurationMinutes?: number;
  /** True: a step that fails for good blocks the Task until an operator resolves it, instead of ending it. */
  readonly holdOnFailure?: boolean;
  /** Overrides by environment, then by the step's name or `ALL`. */
  readonly environments?: Readonly<Record<string, Readonly<Record<string, OverrideOptions>>>>;
}
