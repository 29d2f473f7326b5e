import type { TemplateStep } from "../template/template.js";
import { batchWorkersOf } from "./batch-workers.js";

/**
 * The steps in topological order, the members of a batch after it; otherwise in the order written. Steps of a cycle,
 * which validation refuses, are left out.
 */
export function inOrder(steps: readonly TemplateStep[], workers = batchWorkersOf(steps)): TemplateStep[] {
  const before = new Map(steps.map(({ name, dependencies }) => [name, new Set(dependencies)]));
  for (const [batch, names] of workers) for (const name of names) before.get(name)?.add(batch);
  const missing = new Map([...before].map(([name, names]) => [name, names.size]));
  const dependants = new Map<string, TemplateStep[]>();
  for (const step of steps) {
    for (const name of before.get(step.name) ?? []) {
      const list = dependants.get(name) ?? [];
      dependants.set(name, list);
      list.push(step);
    }
  }
  const ordered = steps.filter(({ name }) => missing.get(name) === 0);
  for (const { name } of ordered) {
    for (const step of dependants.get(name) ?? []) {
      const left = (missing.get(step.name) ?? 0) - 1;
      missing.set(step.name, left);
      if (left === 0) ordered.push(step);
    }
  }
  return ordered;
}
