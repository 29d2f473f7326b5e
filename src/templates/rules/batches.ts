import { batchWorkersOf, namedWorkerOf } from "#domain/graph/batch-workers";
import type { TemplateStep } from "#domain/template/template";
import { shown } from "../read/finding.js";
import { nearMiss } from "./near.js";
import type { Subject } from "./subject.js";

/** Checks that each batch has a worker, of the right type and of its own, and each worker a batch. */
export function checkBatches(subject: Subject): void {
  const { steps, say, has } = subject;
  const workers = batchWorkersOf(steps);
  const makers = new Map<string, string>();
  for (const step of steps) {
    if (step.type !== "batchable") continue;
    const named = namedWorkerOf(step);
    if (named !== undefined) checkNamed(step, named, makers, subject);
    // A name that could not be read is reported already.
    else if ((workers.get(step.name) ?? []).length === 0 && !unreadable(step, has)) {
      const message = `${step.name} is of type batchable, and no step of type batch_worker does its batches: name one in batch_config.worker_template`;
      say("MISSING_PART", message, step);
    }
  }
  const used = new Set([...workers.values()].flat());
  for (const step of steps) {
    if (step.type === "batch_worker") checkWorker(step, used, subject);
  }
}

function unreadable(step: TemplateStep, has: Subject["has"]): boolean {
  const { batch_config: batch } = step;
  return batch ? has(batch, "worker_template") : has(step, "batch_config");
}

function checkNamed(
  step: TemplateStep,
  worker: string,
  makers: Map<string, string>,
  { byName, say }: Subject,
): void {
  const { name, batch_config } = step;
  const key = batch_config?.worker_template === undefined ? "handler" : "batch_config";
  const found = byName.get(worker);
  if (!found) {
    const near = nearMiss(worker, byName.keys());
    say(
      "MISSING_WORKER_REF",
      `${name} has batches done by ${shown(worker)}, which is not there${near}`,
      step,
      key,
    );
  } else if (found.type !== "batch_worker") {
    const message = `${name} has batches done by ${worker}, which is ${found.type ?? "standard"}: make it a batch_worker`;
    say("NOT_A_BATCH_WORKER", message, step, key);
  } else if (makers.has(worker)) {
    const message = `${worker} works for ${makers.get(worker)} already: give ${name} a worker of its own`;
    say("BATCH_WORKER_SHARED", message, step, key);
  }
  makers.set(worker, name);
}

function checkWorker(step: TemplateStep, used: ReadonlySet<string>, { say }: Subject): void {
  const { name, batch_config: batch } = step;
  if (!used.has(name)) {
    say("BATCH_WORKER_UNUSED", `no step has ${name} as its worker_template, so it would never run`, step);
  }
  const worker = batch?.worker_template;
  if (worker === undefined || worker === name) return;
  const message = `steps.${name}.batch_config.worker_template has no effect on a batch_worker, which does the work itself: take it out`;
  say("NO_EFFECT", message, step, "batch_config");
}
