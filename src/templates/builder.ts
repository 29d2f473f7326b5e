import { z } from "zod";
import type { JsonObject } from "#domain/json";
import type { FailureStrategy, TemplateRetry, TemplateStep } from "#domain/template";
import { type Place, place, stepAt } from "./place.js";
import type {
  AgentRef,
  BatchHandle,
  BatchOptions,
  ChildOptions,
  Earlier,
  MapOptions,
  NamedChildOptions,
  OverrideOptions,
  RetryOptions,
  Schema,
  SignalOptions,
  StepHandle,
  StepOptions,
  TimerOptions,
  UndoHandle,
  UndoOptions,
  ValueOf,
} from "./workflow-options.js";

/** Parts that are undefined are left out when the body becomes text. */
export type Loose<Part> = { readonly [Key in keyof Part]: Part[Key] | undefined };

/** What one of a map's results is: null for a member that failed and was passed over. */
type MemberOf<Result, Failure> = Failure extends "fail_fast" ? ValueOf<Result> : ValueOf<Result> | null;

/** What a workflow is built with. Each method adds one step and returns a handle for later ones to come after. */
export class Builder<Input> {
  /** The Task's input. */
  readonly input: Place<Input> = place("input");
  readonly #steps: Loose<TemplateStep>[] = [];

  /** A step that one agent does. */
  step<Result extends Schema = JsonObject>(
    name: string,
    options: StepOptions<Result>,
  ): StepHandle<ValueOf<Result>> {
    return this.#add({ name, ...worked(options) });
  }

  /** A step whose agent chooses which of the steps after it are made. */
  decision(name: string, options: StepOptions<undefined>): StepHandle<unknown> {
    return this.#add({ name, type: "decision", ...worked(options) });
  }

  /** Joins what decisions and batches have made of the steps it comes after. */
  converge<Result extends Schema = JsonObject>(
    name: string,
    options: StepOptions<Result>,
  ): StepHandle<ValueOf<Result>> {
    return this.#add({ name, type: "deferred_convergence", ...worked(options) });
  }

  /** One member for each item of a list; its result is the list of theirs. */
  map<Result extends Schema = JsonObject, const Failure extends FailureStrategy = "fail_fast">(
    name: string,
    options: MapOptions<Result, Failure>,
  ): StepHandle<MemberOf<Result, Failure>[]> {
    const { concurrency, onFailure: failure_strategy, after } = options;
    const over = pathOf(options.over) ?? "";
    const step = worked({ ...options, after: including(after, over) });
    const map: Loose<TemplateStep["map"]> = { over, concurrency, failure_strategy };
    return this.#add({ name, type: "map", ...step, map: map as TemplateStep["map"] });
  }

  /** A step whose agent cuts the work into batches, and the workers that do them. */
  batch(name: string, options: BatchOptions): BatchHandle {
    const { worker, batchSize: batch_size, parallelism, cursorField: cursor_field } = options;
    const parts = { batch_size, parallelism, cursor_field, worker_template: worker.name };
    const batch: Loose<TemplateStep["batch_config"]> = { ...parts, failure_strategy: options.onFailure };
    const handle = this.#add({
      name,
      type: "batchable",
      ...worked(options),
      batch_config: batch as TemplateStep["batch_config"],
    });
    const after: readonly Earlier[] = [handle, ...(worker.after ?? [])];
    this.#add({ name: worker.name, type: "batch_worker", ...worked({ ...worker, after }) });
    return { ...handle, workers: { kind: "workers", name: worker.name } };
  }

  /** A Task of its own. */
  child<ChildInput, Result>(name: string, options: ChildOptions<ChildInput, Result>): StepHandle<Result>;
  child<Result extends Schema = JsonObject>(
    name: string,
    options: NamedChildOptions<Result>,
  ): StepHandle<ValueOf<Result>>;
  child(name: string, options: NamedChildOptions<Schema>): StepHandle<unknown> {
    const { agent, template, after, result } = options;
    const input = pathOf(options.input);
    const named = template && {
      namespace: template.namespace,
      name: template.name,
      version: template.version,
    };
    const child: Loose<TemplateStep["child"]> = {
      agent: agent === undefined ? undefined : nameOf(agent),
      template: named as NonNullable<TemplateStep["child"]>["template"],
      input,
    };
    return this.#add({
      name,
      type: "child_task",
      ...ordered({ ...options, after: including(after, input) }),
      result_schema: schemaOf(result),
      child: child as TemplateStep["child"],
    });
  }

  /** Waits once the steps before it are done. */
  timer(name: string, options: TimerOptions): StepHandle<unknown> {
    return this.#add({
      name,
      type: "timer",
      ...ordered(options),
      timer: { delay_ms: options.delayMs },
    });
  }

  /** Waits for SignalTask; its result is the payload. */
  signal<Result extends Schema = JsonObject>(
    name: string,
    options: SignalOptions<Result> = {},
  ): StepHandle<ValueOf<Result>> {
    const { signal: called, timeoutMs: timeout_ms, otherwise, result } = options;
    const signal: Loose<TemplateStep["signal"]> = { name: called, timeout_ms, default: otherwise };
    return this.#add({
      name,
      type: "signal",
      ...ordered(options),
      result_schema: schemaOf(result),
      signal: signal as TemplateStep["signal"],
    });
  }

  /** A step that runs only to undo another: give it to that one as `undo`. */
  undo(name: string, options: UndoOptions): UndoHandle {
    this.#add({ name, ...worked(options) });
    return { kind: "undo", name };
  }

  /** What has been added, in order. */
  get steps(): readonly Loose<TemplateStep>[] {
    return this.#steps;
  }

  #add<Result>(step: Loose<TemplateStep> & { readonly name: string }): StepHandle<Result> {
    this.#steps.push(step);
    return { kind: "step", name: step.name, ...place<Result>(`results/${step.name}`) };
  }
}

type Common = Pick<StepOptions<Schema>, "description" | "after" | "undo">;

function ordered({ description, after, undo }: Loose<Common>): Loose<Omit<TemplateStep, "name">> {
  const names = new Set(after?.map(({ name }) => name));
  const dependencies = names.size === 0 ? undefined : [...names];
  return { description, dependencies, compensate: undo?.name };
}

function worked(options: Loose<StepOptions<Schema | undefined>>): Loose<Omit<TemplateStep, "name">> {
  const { agent, config, result } = options;
  const handler = {
    callable: agent === undefined ? "" : nameOf(agent),
    ...(config && { initialization: config }),
  };
  return { handler, ...ordered(options), ...triedAs(options), result_schema: schemaOf(result) };
}

export function triedAs({
  retry,
  timeoutSeconds,
}: Loose<OverrideOptions>): Loose<Omit<TemplateStep, "name">> {
  return { retry: retry && retryOf(retry), timeout_seconds: timeoutSeconds };
}

function retryOf({ retryable, maxAttempts, backoff, baseMs, maxMs, jitter }: RetryOptions): TemplateRetry {
  const retry: Loose<TemplateRetry> = {
    retryable,
    max_attempts: maxAttempts,
    backoff,
    backoff_base_ms: baseMs,
    max_backoff_ms: maxMs,
    jitter,
  };
  return retry as TemplateRetry;
}

function nameOf(agent: AgentRef): string {
  return typeof agent === "string" ? agent : agent.name;
}

function pathOf(value: { readonly path: string } | string | undefined): string | undefined {
  return typeof value === "object" ? value.path : value;
}

/** What a step reads it comes after, said or not. */
function including(after: readonly Earlier[] = [], path: string | undefined): readonly Earlier[] {
  const name = stepAt(path);
  if (name === undefined) return after;
  return [...after, { kind: "workers", name }];
}

export function schemaOf(schema: Schema | undefined): JsonObject | undefined {
  if (!(schema instanceof z.ZodType)) return schema;
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: "draft-2020-12", io: "input" });
  return JSON.parse(JSON.stringify(rest)) as JsonObject;
}
