import type { StepKey, TaskId } from "#domain/id";
import type { StepRow } from "#domain/task/step";
import { limits } from "#limits/index";
import type { MessageView } from "../view.js";

/** Results of several Steps, of which one result is made. */

export function keysOf(taskId: TaskId, names: readonly string[]): StepKey[] {
  return names.map((stepName) => ({ taskId, stepName }));
}

export function rowsAt(keys: readonly StepKey[], view: MessageView): StepRow[] {
  return keys.flatMap((key) => view.step(key) ?? []);
}

export function bytesOf(steps: readonly StepRow[]): number {
  return steps.reduce((sum, { outputBytes }) => sum + outputBytes, 0);
}

/** True if the results together can be one: otherwise they are not even loaded. */
export function fitsOneResult(steps: readonly StepRow[]): boolean {
  return bytesOf(steps) <= limits.resultBytes;
}
