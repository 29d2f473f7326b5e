import { batchWorkersOf } from "#domain/graph/batch-workers";
import type { TemplateStep } from "#domain/template/template";
import { limits } from "#limits/index";
import { shown } from "../read/finding.js";
import { nearMiss } from "./near.js";
import type { Subject } from "./subject.js";

/** Checks that dependencies exist, are unique and form no cycle. Returns true if there is a cycle. */
export function checkGraph(subject: Subject): boolean {
  let selfish = false;
  for (const step of subject.steps) {
    checkDependencies(step, subject);
    if (step.dependencies?.includes(step.name)) selfish = true;
  }
  checkOrphans(subject);

  const cycles = findCycles(subject);
  for (const cycle of cycles) reportCycle(cycle, subject);
  return selfish || cycles.length > 0;
}

function checkDependencies(step: TemplateStep, { byName, say }: Subject): void {
  const { name, dependencies = [] } = step;
  const seen = new Set<string>();
  for (const before of dependencies) {
    const complain = (
      code: "SELF_DEPENDENCY" | "DUPLICATE_DEPENDENCY" | "MISSING_DEP_REF",
      message: string,
    ) => say(code, message, step, "dependencies", before);

    if (seen.has(before)) complain("DUPLICATE_DEPENDENCY", `${name} names ${shown(before)} twice`);
    else if (before === name) complain("SELF_DEPENDENCY", `${name} depends on itself and would never run`);
    else if (!byName.has(before)) {
      const near = nearMiss(before, byName.keys());
      complain("MISSING_DEP_REF", `${name} depends on ${shown(before)}, which is not there${near}`);
    }
    seen.add(before);
  }
}

function checkOrphans({ steps, compensating, dependants, say }: Subject): void {
  const running = steps.filter(({ name }) => !compensating.has(name));
  if (running.length < 2) return;

  for (const step of running) {
    const { name, dependencies = [], type } = step;
    if (dependencies.length > 0 || dependants.has(name)) continue;
    if (type === "batch_worker" || type === "batchable") continue;
    say("ORPHAN_STEP", `${name} depends on no step, and none on it`, step);
  }
}

/**
 * Finds one cycle for each back edge of a depth-first search. A batch's worker also depends on its batch.
 */
function findCycles({ steps, byName }: Subject): string[][] {
  const makers = makersOf(steps);
  const waitsFor = (name: string) =>
    [...(byName.get(name)?.dependencies ?? []), ...(makers.get(name) ?? [])].filter(
      (other) => other !== name && byName.has(other),
    );
  const cycles: string[][] = [];
  const done = new Set<string>();
  for (const { name: root } of steps) {
    const path = done.has(root) ? [] : [{ name: root, left: waitsFor(root) }];
    const onPath = new Set([root]);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const next = top.left.pop();
      if (next === undefined) {
        path.pop();
        onPath.delete(top.name);
        done.add(top.name);
      } else if (onPath.has(next)) {
        const names = path.map(({ name }) => name);
        cycles.push(names.slice(names.indexOf(next)));
        if (cycles.length === limits.cyclesReported) return cycles;
      } else if (!done.has(next)) {
        path.push({ name: next, left: waitsFor(next) });
        onPath.add(next);
      }
    }
  }
  return cycles;
}

/** Maps each batch worker to the batches whose work it may do. */
function makersOf(steps: readonly TemplateStep[]): ReadonlyMap<string, readonly string[]> {
  const makers = new Map<string, string[]>();
  for (const [batch, workers] of batchWorkersOf(steps)) {
    for (const worker of workers) makers.set(worker, [...(makers.get(worker) ?? []), batch]);
  }
  return makers;
}

/** @param cycle each step depends on the next one, and the last one on the first */
function reportCycle(cycle: readonly string[], { byName, say }: Subject): void {
  const [first] = cycle;
  const end = byName.get(cycle.at(-1) ?? "");
  if (first === undefined || end === undefined) return;

  const named =
    cycle.length <= limits.cycleStepsNamed ? cycle : [...cycle.slice(0, limits.cycleStepsNamed), "…"];
  const circle = [...named, first].join(" → ");
  const message = `each of these waits for the next: ${circle}; take one of the dependencies out`;
  say("CYCLE_DETECTED", message, end, "dependencies", first);
}
