import type { TemplateStep } from "../template/template.js";

/** By the name of each batchable step: the batch workers that may do its batches, the one that it names first. */
export type WorkersOfBatches = ReadonlyMap<string, readonly string[]>;

/**
 * The worker that a batchable step names: in its `batch_config`, or, as another system has it, in its agent's
 * `worker_template_name`.
 */
export function namedWorkerOf({ batch_config, handler }: TemplateStep): string | undefined {
  const { worker_template } = batch_config ?? {};
  if (worker_template !== undefined) return worker_template;
  const name = handler?.initialization?.worker_template_name;
  return typeof name === "string" && name !== "" ? name : undefined;
}

/**
 * The batch workers that each batch of a template may have. One that is not named in its `batch_config` may be named by
 * the batch's result: then it is one of those that depend on the batch, or else of those that no batch names.
 */
export function batchWorkersOf(steps: readonly TemplateStep[]): WorkersOfBatches {
  const batches = steps.filter(({ type }) => type === "batchable");
  if (batches.length === 0) return NONE;

  const named = new Map(batches.map((step) => [step.name, namedWorkerOf(step)]));
  const taken = new Set(named.values());
  const free = steps.filter(({ type, name }) => type === "batch_worker" && !taken.has(name));
  const found = batches.map((batch): [string, string[]] => {
    const { name, batch_config } = batch;
    const worker = named.get(name);
    if (batch_config?.worker_template !== undefined) return [name, [batch_config.worker_template]];

    const after = free.filter(({ dependencies = [] }) => dependencies.includes(name));
    const others = after.length > 0 || worker !== undefined ? after : free;
    return [name, [...(worker === undefined ? [] : [worker]), ...others.map((step) => step.name)]];
  });
  return new Map(found);
}

const NONE: WorkersOfBatches = new Map();
