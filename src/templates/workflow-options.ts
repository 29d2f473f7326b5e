import type { z } from "zod";
import type { Json, JsonObject } from "#domain/json";
import type { Backoff } from "#domain/retry";
import type { FailureStrategy, IdentityStrategy } from "#domain/template";
import type { Place } from "./place.js";
import type { Workflow } from "./workflow-type.js";

/** What a value looks like: as zod says it, which also tells the compiler, or as JSON Schema 2020-12. */
export type Schema = z.ZodType | JsonObject;

/** The value as it is sent: nothing fills in defaults or transforms it on the way. */
export type ValueOf<Described> = Described extends z.ZodType ? z.input<Described> : unknown;

/** An agent's name, or anything that has it. */
export type AgentRef = string | { readonly name: string };

/** A step that another can come after. */
export interface StepRef {
  readonly kind: "step";
  readonly name: string;
}

/** The same, with a place for what will be its result. */
export interface StepHandle<Result> extends StepRef, Place<Result> {}

/** All workers of a batch together. */
export interface WorkersHandle {
  readonly kind: "workers";
  readonly name: string;
}

export interface BatchHandle extends StepHandle<unknown> {
  readonly workers: WorkersHandle;
}

/** A step that runs only to undo another. */
export interface UndoHandle {
  readonly kind: "undo";
  readonly name: string;
}

export type Earlier = StepRef | WorkersHandle;

/** How a step is tried. What is left out has the format's default. */
export interface RetryOptions {
  /** False: one try. */
  readonly retryable?: boolean;
  /** Total tries. */
  readonly maxAttempts?: number;
  readonly backoff?: Backoff;
  /** Delay after the first failure. */
  readonly baseMs?: number;
  /** What no delay exceeds. */
  readonly maxMs?: number;
  /** The share of the delay that chance decides, 0 to 1. */
  readonly jitter?: number;
}

/** What every step may have. */
interface Ordered {
  readonly description?: string;
  /** The steps it comes after. */
  readonly after?: readonly Earlier[];
  /** The step that undoes it if the Task fails or is cancelled. */
  readonly undo?: UndoHandle;
}

/** What an environment can change. */
export interface OverrideOptions {
  /** Given to the agent under `config` in its input. */
  readonly config?: JsonObject;
  readonly retry?: RetryOptions;
  /** Of one attempt. */
  readonly timeoutSeconds?: number;
}

export interface UndoOptions extends OverrideOptions {
  readonly description?: string;
  readonly agent: AgentRef;
}

export interface StepOptions<Result> extends Ordered, OverrideOptions {
  readonly agent: AgentRef;
  /** What its result looks like; checked when it ends. */
  readonly result?: Result;
}

export interface MapOptions<Result, Failure> extends StepOptions<Result> {
  /** The list. A step it is the result of need not be named in `after`. */
  readonly over: Place<readonly unknown[]> | string;
  /** Members at a time. */
  readonly concurrency?: number;
  readonly onFailure?: Failure;
}

export interface BatchOptions extends StepOptions<undefined> {
  readonly worker: StepOptions<Schema> & { readonly name: string };
  /** The most items of one batch. */
  readonly batchSize?: number;
  /** Workers at a time. */
  readonly parallelism?: number;
  readonly cursorField?: string;
  readonly onFailure?: FailureStrategy;
}

/** A Task of a workflow written in code, whose input and result the compiler knows. */
export interface ChildOptions<Input, Result> extends Ordered {
  readonly template: Workflow<Input, Result>;
  /** The Task's whole input if left out. */
  readonly input?: Place<NoInfer<Input>> | string;
}

/** A Task of an agent, or of a template that is known by name only. */
export interface NamedChildOptions<Result> extends Ordered {
  readonly agent?: AgentRef;
  readonly template?: { readonly namespace?: string; readonly name: string; readonly version?: string };
  readonly input?: { readonly path: string } | string;
  readonly result?: Result;
}

export interface TimerOptions extends Ordered {
  readonly delayMs: number;
}

export interface SignalOptions<Result> extends Ordered {
  /** What SignalTask calls it; the step's name if left out. */
  readonly signal?: string;
  readonly timeoutMs?: number;
  /** Its result if no signal comes in time; without one the step fails. */
  readonly otherwise?: Json;
  /** What the payload looks like. */
  readonly result?: Result;
}

export interface WorkflowOptions<Input> {
  /** "default" if left out. */
  readonly namespace?: string;
  /** "1.0.0" if left out. */
  readonly version?: string;
  readonly description?: string;
  readonly metadata?: JsonObject;
  /** What a Task's input looks like; checked before the Task is created. */
  readonly input?: Input;
  readonly identity?: IdentityStrategy;
  readonly identityWindowSeconds?: number;
  /** Of a whole Task. */
  readonly maxDurationMinutes?: number;
  /** A step that fails for good holds the Task for an operator. */
  readonly holdOnFailure?: boolean;
  /** By environment, then by the step's name or ALL. */
  readonly environments?: Readonly<Record<string, Readonly<Record<string, OverrideOptions>>>>;
}
