import { batchWorkersOf, namedWorkerOf } from "#domain/graph/batch-workers";
import type { TemplateBody, TemplateStep } from "#domain/template/template";
import { type FindingCode, type Findings, shown } from "../read/finding.js";
import type { Reader } from "../read/reader.js";
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

function checkNamed(step: TemplateStep, worker: string, makers: Map<string, string>, subject: Subject): void {
  const { name, batch_config } = step;
  const key = batch_config?.worker_template === undefined ? "handler" : "batch_config";
  const problem = problemOf(name, worker, makers, subject);
  if (problem) subject.say(problem.code, problem.message, step, key);
  makers.set(worker, name);
}

/** Checks the workers that environments name instead: those in `initialization`, which a `batch_config` takes precedence over. */
export function checkBatchOverrides(
  body: TemplateBody,
  subject: Subject,
  reader: Reader,
  findings: Findings,
): void {
  const batches = subject.steps.filter(
    (step) => step.type === "batchable" && !step.batch_config?.worker_template,
  );
  for (const [environment, { steps: overrides = [] }] of Object.entries(body.environments ?? {})) {
    for (const override of overrides) {
      const worker = override.handler?.initialization?.worker_template_name;
      if (typeof worker !== "string" || worker === "") continue;
      for (const { name } of batches.filter(
        (step) => override.name === "ALL" || override.name === step.name,
      )) {
        const others = subject.steps.filter((step) => step.type === "batchable" && step.name !== name);
        const makers = new Map(others.map((step) => [namedWorkerOf(step) ?? "", step.name]));
        const problem = problemOf(`in ${environment} ${name}`, worker, makers, subject);
        if (problem) findings.add(problem.code, problem.message, reader.offsetOf(override, "handler"), name);
      }
    }
  }
}

/** Why a step cannot be the worker of a batch; undefined if it can. */
function problemOf(
  batch: string,
  worker: string,
  makers: ReadonlyMap<string, string>,
  { byName }: Subject,
): { code: FindingCode; message: string } | undefined {
  const found = byName.get(worker);
  if (!found) {
    const near = nearMiss(worker, byName.keys());
    const message = `${batch} has batches done by ${shown(worker)}, which is not there${near}`;
    return { code: "MISSING_WORKER_REF", message };
  }
  if (found.type !== "batch_worker") {
    const message = `${batch} has batches done by ${worker}, which is ${found.type ?? "standard"}: make it a batch_worker`;
    return { code: "NOT_A_BATCH_WORKER", message };
  }
  if (!makers.has(worker)) return undefined;
  const message = `${worker} works for ${makers.get(worker)} already: give ${batch} a worker of its own`;
  return { code: "BATCH_WORKER_SHARED", message };
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
