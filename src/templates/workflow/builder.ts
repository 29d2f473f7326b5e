import type { JsonObject } from "#domain/json/json";
import type { FailureStrategy, TemplateStep } from "#domain/template/template";
import { type Place, place } from "../read/place.js";
import type { MemberPlaces } from "./mapping.js";
import { checkNames } from "./option-names.js";
import type {
  BatchHandle,
  BatchOptions,
  ChildOptions,
  CompensationHandle,
  CompensationOptions,
  Earlier,
  MapOptions,
  NamedChildOptions,
  ResultIn,
  Schema,
  SignalOptions,
  StepHandle,
  StepOptions,
  TimerOptions,
  ValueOf,
} from "./options.js";
import {
  type AnyChildOptions,
  childInput,
  including,
  type Loose,
  nameOf,
  ordered,
  pathOf,
  resultSchema,
  schemaOf,
  worked,
} from "./write-step.js";

/** One entry of a map's result: null for a member whose failure was tolerated. */
type MemberOf<Result, Failure> = Failure extends "fail_fast" ? Result : Result | null;

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
  step<Result extends Schema = JsonObject, Given = unknown, Made = unknown>(
    name: string,
    options: StepOptions<Result, Given, Made>,
  ): StepHandle<ResultIn<Result, Made>> {
    checkNames(options, "step", `step ${name}`);
    return this.#add({ name, ...worked(name, options) });
  }

  /** Adds a step whose agent chooses which of its dependants are created; see `createSteps` of the Worker SDK. */
  decision<Given = unknown, Made = unknown>(
    name: string,
    options: StepOptions<undefined, Given, Made>,
  ): StepHandle<unknown> {
    checkNames(options, "step", `step ${name}`);
    return this.#add({ name, type: "decision", ...worked(name, options) });
  }

  /** Adds a step that runs after those of its predecessors that decisions and batches have created. */
  converge<Result extends Schema = JsonObject, Given = unknown, Made = unknown>(
    name: string,
    options: StepOptions<Result, Given, Made>,
  ): StepHandle<ResultIn<Result, Made>> {
    checkNames(options, "step", `step ${name}`);
    return this.#add({ name, type: "deferred_convergence", ...worked(name, options) });
  }

  /** Adds a step that runs its agent once for each item of a list. Its result is the list of their results. */
  map<
    Result extends Schema = JsonObject,
    const Failure extends FailureStrategy = "fail_fast",
    Given = unknown,
    Made = unknown,
    Item = unknown,
  >(
    name: string,
    options: MapOptions<Result, Failure, Given, Made, Item>,
  ): StepHandle<MemberOf<ResultIn<Result, Made>, Failure>[]> {
    checkNames(options, "map", `step ${name}`);
    const { concurrency, onFailure: failure_strategy, after } = options;
    const over = pathOf(options.over) ?? "";
    const input = typeof options.input === "function" ? options.input(memberPlaces()) : options.input;
    const step = worked(name, { ...options, input, after: including(after, [over]) });
    const map: Loose<TemplateStep["map"]> = { over, concurrency, failure_strategy };
    return this.#add({ name, type: "map", ...step, map: map as TemplateStep["map"] });
  }

  /** Adds a step whose agent splits the work into batches, and the step `options.worker` that runs once for each batch. */
  batch(name: string, options: BatchOptions): BatchHandle {
    checkNames(options, "batch", `step ${name}`);
    checkNames(options.worker, "worker", `step ${name}: worker`);
    const { worker, batchSize: batch_size, parallelism, cursorField: cursor_field } = options;
    const parts = { batch_size, parallelism, cursor_field, worker_template: worker.name };
    const batch: Loose<TemplateStep["batch_config"]> = { ...parts, failure_strategy: options.onFailure };
    const handle = this.#add({
      name,
      type: "batchable",
      ...worked(name, options),
      batch_config: batch as TemplateStep["batch_config"],
    });
    const after: readonly Earlier[] = [handle, ...(worker.after ?? [])];
    this.#add({ name: worker.name, type: "batch_worker", ...worked(worker.name, { ...worker, after }) });
    return { ...handle, workers: { kind: "workers", name: worker.name } };
  }

  /** Adds a step that creates a child Task and takes over its result. Name either a template or an agent. */
  child<ChildInput, Result>(name: string, options: ChildOptions<ChildInput, Result>): StepHandle<Result>;
  child<Result extends Schema = JsonObject>(
    name: string,
    options: NamedChildOptions<Result>,
  ): StepHandle<ValueOf<Result>>;
  child(name: string, options: AnyChildOptions): StepHandle<unknown> {
    checkNames(options, "child", `step ${name}`);
    const { agent, template, after, result } = options;
    const { input, path, paths } = childInput(options.input, name);
    const named = template && {
      namespace: template.namespace,
      name: template.name,
      version: template.version,
    };
    const child: Loose<TemplateStep["child"]> = {
      agent: agent === undefined ? undefined : nameOf(agent),
      template: named as NonNullable<TemplateStep["child"]>["template"],
      input: path,
    };
    return this.#add({
      name,
      type: "child_task",
      ...ordered({ ...options, after: including(after, paths) }),
      input,
      result_schema: resultSchema(name, result, agent),
      child: child as TemplateStep["child"],
    });
  }

  /** Adds a step that completes `delayMs` milliseconds after its dependencies are done. */
  timer(name: string, options: TimerOptions): StepHandle<unknown> {
    checkNames(options, "timer", `step ${name}`);
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
    checkNames(options, "signal", `step ${name}`);
    const { signal: called, timeoutMs: timeout_ms, otherwise, result } = options;
    const signal: Loose<TemplateStep["signal"]> = { name: called, timeout_ms, default: otherwise };
    return this.#add({
      name,
      type: "signal",
      ...ordered(options),
      result_schema: schemaOf(result, `step ${name}: result`),
      signal: signal as TemplateStep["signal"],
    });
  }

  /** Adds a step that runs only to compensate another: pass the handle as that step's `compensate`. */
  compensation<Given = unknown>(name: string, options: CompensationOptions<Given>): CompensationHandle {
    checkNames(options, "compensation", `step ${name}`);
    this.#add({ name, ...worked(name, options) });
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

function memberPlaces<Item>(): MemberPlaces<Item> {
  return { item: place("item"), index: place("index") };
}
