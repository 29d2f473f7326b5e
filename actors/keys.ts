import type { StepKey, TaskId } from "#domain/id";

/** The keys of a Task's Steps with these names. */
export function keysOf(taskId: TaskId, names: readonly string[]): StepKey[] {
  return names.map((stepName) => ({ taskId, stepName }));
}
