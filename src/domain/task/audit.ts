import { hasEnded, type StepRow, type StepState, satisfies, stepStates } from "./step.js";
import type { TaskRow } from "./task.js";

/**
 * Checks the graphs of some Tasks. Returns one sentence for each inconsistency, sorted; empty if there is none. Give
 * all Steps of each Task, and those Tasks whose counts are to be compared.
 *
 * Call it between cascades only: within one, a Step may have completed while its dependants have not counted it yet.
 * The counter of a Step that has ended is not checked, because it is no longer updated.
 */
export function auditGraph(steps: readonly StepRow[], tasks: readonly TaskRow[] = []): string[] {
  const families = new Map<string, StepRow[]>();
  for (const step of steps) {
    const family = families.get(step.taskId);
    if (family) family.push(step);
    else families.set(step.taskId, [step]);
  }
  const findings = [...families.values()].flatMap(auditFamily);
  const counts = tasks.flatMap((task) => auditCounts(task, families.get(task.id) ?? []));
  return [...findings, ...counts].sort();
}

function auditFamily(family: readonly StepRow[]): string[] {
  const byName = new Map(family.map((step) => [step.name, step]));
  return family.flatMap(({ taskId, name, state, unsatisfied, dependsOn, dependants }) => {
    const step = `${taskId}/${name}`;
    const missing = dependsOn.filter((before) => {
      const row = byName.get(before);
      return !row || !satisfies(row);
    });
    return [
      ...(hasEnded(state) || unsatisfied === missing.length
        ? []
        : [`${step} waits for ${unsatisfied}, but ${missing.length} it depends on are not done`]),
      ...repeated(dependsOn).map((before) => `${step} depends on ${before} more than once`),
      ...repeated(dependants).map((after) => `${step} names ${after} as a dependant more than once`),
      ...dependsOn
        .filter((before) => !byName.get(before)?.dependants.includes(name))
        .map((before) => `${step} depends on ${before}, which does not name it`),
      ...dependants
        .filter((after) => !byName.get(after)?.dependsOn.includes(name))
        .map((after) => `${step} names ${after} as a dependant, which does not depend on it`),
    ];
  });
}

function auditCounts({ id, counts, holds = 0 }: TaskRow, family: readonly StepRow[]): string[] {
  const found: Partial<Record<StepState, number>> = {};
  for (const { state } of family) found[state] = (found[state] ?? 0) + 1;
  const held = family.filter(({ heldFor }) => heldFor !== undefined).length;
  return [
    ...stepStates
      .filter((state) => (counts[state] ?? 0) !== (found[state] ?? 0))
      .map((state) => `${id} counts ${counts[state] ?? 0} ${state}, but has ${found[state] ?? 0}`),
    ...(holds === held ? [] : [`${id} counts ${holds} that hold it, but has ${held}`]),
  ];
}

/** The duplicate names, each once. */
function repeated(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, i) => names.indexOf(name) !== i))];
}
