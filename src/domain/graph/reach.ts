import type { Plan, StepSpec } from "./plan.js";

/** True for the types of steps whose results add Steps. */
export function makesSteps(type: string): boolean {
  return type === "decision" || type === "batchable";
}

/** The steps that a decision may choose: those that depend on it directly. The workers of batches are never chosen. */
export function branchesOf({ steps }: Plan, decision: string): readonly string[] {
  const branches = steps.filter(
    ({ dependsOn, spec }) => dependsOn.includes(decision) && spec.type !== "batch_worker",
  );
  return branches.map(({ name }) => name);
}

/** By plan and step: plans are immutable, and each expansion asks for the same few steps of one. */
const known = new WeakMap<Plan, Map<string, ReadonlySet<string>>>();

/** All steps of the plan that can follow from a step, at any distance; the members of a batch follow from it. */
export function reachOf(plan: Plan, from: string): ReadonlySet<string> {
  const ofPlan = known.get(plan) ?? new Map<string, ReadonlySet<string>>();
  known.set(plan, ofPlan);
  const reach = ofPlan.get(from) ?? reachable(plan, from);
  ofPlan.set(from, reach);
  return reach;
}

function reachable({ steps }: Plan, from: string): ReadonlySet<string> {
  const found = new Set<string>();
  const workers = new Set<string>();
  const isFound = (name: string) => name === from || found.has(name);
  for (const { name, dependsOn, spec } of steps) {
    if (workers.has(name) || dependsOn.some(isFound)) found.add(name);
    if (isFound(name)) for (const worker of workersOf(spec)) workers.add(worker);
  }
  return found;
}

function workersOf({ batch }: StepSpec): readonly string[] {
  return batch ? [batch, ...(batch.others ?? [])].map(({ workerTemplate }) => workerTemplate) : [];
}
