import type { TemplateStep } from "#domain/template/template";
import { shown } from "../read/finding.js";
import { nearMiss } from "./near.js";
import type { Subject } from "./subject.js";

/** Checks what decisions, convergences, batches and child Tasks require of the steps around them. */
export function checkTypes(subject: Subject): void {
  checkWorkers(subject);
  for (const step of subject.steps) {
    switch (step.type ?? "standard") {
      case "decision":
        checkDecision(step, subject);
        break;
      case "deferred_convergence":
        checkConvergence(step, subject);
        break;
      case "child_task":
        checkChild(step, subject);
        break;
      default:
    }
    checkJoined(step, subject);
  }
}

function checkDecision(step: TemplateStep, { dependants, say }: Subject): void {
  const { name, dependencies = [] } = step;
  if (dependencies.length === 0) {
    say(
      "DECISION_WITHOUT_DEPENDENCY",
      `${name} decides, and depends on no step: name what it decides upon`,
      step,
    );
  }
  if (!dependants.has(name)) {
    const message = `${name} decides, and no step depends on it: let its branches depend on it`;
    say("DECISION_WITHOUT_BRANCHES", message, step);
  }
}

function checkConvergence(step: TemplateStep, { say }: Subject): void {
  const { name, dependencies = [] } = step;
  if (dependencies.length > 0) return;
  say("CONVERGENCE_WITHOUT_DEPENDENCY", `${name} converges: let it depend on the steps it joins`, step);
}

function checkChild(step: TemplateStep, { say, has }: Subject): void {
  const { name, child } = step;
  if (!child || has(child, "agent") !== has(child, "template")) return;
  const message = `${name} is a Task of its own: name either an agent or a template, not ${has(child, "agent") ? "both" : "neither"}`;
  say("BAD_CHILD", message, step, "child");
}

/** Warns of a step that depends on several branches of one decision: it runs only if all of them are chosen. */
function checkJoined(step: TemplateStep, { byName, say }: Subject): void {
  const { name, type, dependencies = [] } = step;
  if (type === "deferred_convergence") return;

  const branches = new Map<string, string>();
  for (const branch of new Set(dependencies)) {
    for (const source of byName.get(branch)?.dependencies ?? []) {
      if (byName.get(source)?.type !== "decision") continue;
      const other = branches.get(source);
      branches.set(source, branch);
      if (other === undefined || other === branch || dependencies.includes(source)) continue;
      const message = `${name} runs only if ${source} chooses both ${other} and ${branch}: make it a deferred_convergence if either will do`;
      say("BRANCHES_JOINED", message, step, "dependencies", branch);
      return;
    }
  }
}

function checkWorkers({ steps, byName, say, has }: Subject): void {
  const makers = new Map<string, string>();
  for (const step of steps) {
    const { name, type, batch_config: batch } = step;
    if (type !== "batchable" || !batch) continue;
    const worker = batch.worker_template;
    if (worker === undefined) {
      if (has(batch, "worker_template")) continue;
      say(
        "MISSING_PART",
        `${name} is of type batchable and needs batch_config.worker_template`,
        step,
        "batch_config",
      );
      continue;
    }
    const found = byName.get(worker);
    if (!found) {
      const near = nearMiss(worker, byName.keys());
      say(
        "MISSING_WORKER_REF",
        `${name} has batches done by ${shown(worker)}, which is not there${near}`,
        step,
        "batch_config",
      );
    } else if (found.type !== "batch_worker") {
      const message = `${name} has batches done by ${worker}, which is ${found.type ?? "standard"}: make it a batch_worker`;
      say("NOT_A_BATCH_WORKER", message, step, "batch_config");
    } else if (makers.has(worker)) {
      const message = `${worker} works for ${makers.get(worker)} already: give ${name} a worker of its own`;
      say("BATCH_WORKER_SHARED", message, step, "batch_config");
    }
    makers.set(worker, name);
  }
  for (const step of steps) {
    if (step.type !== "batch_worker" || makers.has(step.name)) continue;
    say(
      "BATCH_WORKER_UNUSED",
      `no step has ${step.name} as its worker_template, so it would never run`,
      step,
    );
  }
}
