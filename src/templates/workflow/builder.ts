import { z } from "zod";
import type { JsonObject } from "#domain/json/json";
import type { FailureStrategy, TemplateRetry, TemplateStep } from "#domain/template/template";
import { type Place, place, stepAt } from "../read/place.js";
import type {
  AgentRef,
  BatchHandle,
  BatchOptions,
  ChildOptions,
  CompensationHandle,
  CompensationOptions,
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
  ValueOf,
} from "./options.js";

/** Like `Part`, with undefined allowed everywhere: undefined keys vanish when the body is written as JSON. */
export type Loose<Part> = { readonly [Key in keyof Part]: Part[Key] | undefined };

/** One entry of a map's result: null for a member whose failure was tolerated. */
type MemberOf<Result, Failure> = Failure extends "fail_fast" ? ValueOf<Result> : ValueOf<Result> | null;

/**
 * Passed to the function given to `workflow`. Each method adds a step and returns a handle, to be named in the `after` of
 * later steps or used as a place of its result.
 *
 * @example
 * ```ts
 * import { workflow } from "taskrun/templates";
 * import { z } from "zod";
 *
 * const order = workflow("order", (w) => {
 *   const refund = w.compensation("refund", { agent: "refund" }); // runs only to compensate `charge`
 *   const charge = w.step("charge", { agent: "charge", compensate: refund, retry: { maxAttempts: 5 } });
 *   const approved = w.signal("approved", { after: [charge], result: z.object({ by: z.string() }) });
 *   return w.step("ship", { agent: "ship", after: [approved], timeoutSeconds: 600 });
 * });
 * ```
 *
 * @example Decisions, batches, maps and children
 * ```ts
 * import { workflow } from "taskrun/templates";
 *
 * const digest = workflow("digest", (w) => {
 *   const find = w.step("find", { agent: "find" });
 *   const each = w.map("each", { agent: "summarize", over: "results/find/items", onFailure: "isolate", after: [find] });
 *   const route = w.decision("route", { agent: "route", after: [each] });
 *   const review = w.child("review", { agent: "review", input: each, after: [route] });
 *   const pause = w.timer("pause", { delayMs: 60_000, after: [route] });
 *   return w.converge("publish", { agent: "publish", after: [review, pause] });
 * });
 * ```
 */
export class Builder<Input> {
  /** The Task's input, as a place to read from. */
  readonly input: Place<Input> = place("input");
  readonly #steps: Loose<TemplateStep>[] = [];

  /** Adds a step that one agent performs. */
  step<Result extends Schema = JsonObject>(
    name: string,
    options: StepOptions<Result>,
  ): StepHandle<ValueOf<Result>> {
    return this.#add({ name, ...worked(options) });
  }

  /** Adds a step whose agent chooses which of its dependants are created; see `createSteps` of the Worker SDK. */
  decision(name: string, options: StepOptions<undefined>): StepHandle<unknown> {
    return this.#add({ name, type: "decision", ...worked(options) });
  }

  /** Adds a step that runs after those of its predecessors that decisions and batches have created. */
  converge<Result extends Schema = JsonObject>(
    name: string,
    options: StepOptions<Result>,
  ): StepHandle<ValueOf<Result>> {
    return this.#add({ name, type: "deferred_convergence", ...worked(options) });
  }

  /** Adds a step that runs its agent once for each item of a list. Its result is the list of their results. */
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

  /** Adds a step whose agent splits the work into batches, and the step `options.worker` that runs once for each batch. */
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

  /** Adds a step that creates a child Task and takes over its result. Name either a template or an agent. */
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

  /** Adds a step that completes `delayMs` milliseconds after its dependencies are done. */
  timer(name: string, options: TimerOptions): StepHandle<unknown> {
    return this.#add({
      name,
      type: "timer",
      ...ordered(options),
      timer: { delay_ms: options.delayMs },
    });
  }

  /** Adds a step that waits for `SignalTask`. Its result is the payload. */
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

  /** Adds a step that runs only to compensate another: pass the handle as that step's `compensate`. */
  compensation(name: string, options: CompensationOptions): CompensationHandle {
    this.#add({ name, ...worked(options) });
    return { kind: "compensation", name };
  }

  /** @deprecated Use {@link compensation}. */
  undo(name: string, options: CompensationOptions): CompensationHandle {
    return this.compensation(name, options);
  }

  /** The steps added so far, in order. */
  get steps(): readonly Loose<TemplateStep>[] {
    return this.#steps;
  }

  #add<Result>(step: Loose<TemplateStep> & { readonly name: string }): StepHandle<Result> {
    this.#steps.push(step);
    return { kind: "step", name: step.name, ...place<Result>(`results/${step.name}`) };
  }
}

type Common = Pick<StepOptions<Schema>, "description" | "after" | "compensate" | "undo">;

function ordered({
  description,
  after,
  undo,
  compensate = undo,
}: Partial<Loose<Common>>): Loose<Omit<TemplateStep, "name">> {
  const names = new Set(after?.map(({ name }) => name));
  const dependencies = names.size === 0 ? undefined : [...names];
  return { description, dependencies, compensate: compensate?.name };
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

function nameOf(agent: AgentRef): string {
  return typeof agent === "string" ? agent : agent.name;
}

function pathOf(value: { readonly path: string } | string | undefined): string | undefined {
  return typeof value === "object" ? value.path : value;
}

/** Adds the step that a path reads to the dependencies. */
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
