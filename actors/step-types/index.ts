import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { StepType } from "#domain/template/template";
import type { Instant } from "#domain/time/time";
import type { Command } from "../commands.js";
import { batchStep } from "./batch.js";
import type { StepBehavior } from "./behavior.js";
import { childTaskStep } from "./child-task.js";
import { decisionStep } from "./decision.js";
import { mapStep } from "./map.js";
import { signalStep } from "./signal.js";
import { timerStep } from "./timer.js";
import { workerStep } from "./worker.js";

/** What Steps of each type do. A new type is a file here, a line in this record, and its fields in the template format. */
export const stepTypes: Readonly<Record<StepType, StepBehavior>> = {
  standard: workerStep,
  decision: decisionStep,
  deferred_convergence: workerStep,
  batchable: batchStep,
  batch_worker: workerStep,
  map: mapStep,
  child_task: childTaskStep,
  timer: timerStep,
  signal: signalStep,
};

export function behaviorOf({ spec }: Pick<StepRow, "spec">): StepBehavior {
  return stepTypes[spec.type];
}

/** Starts a Step that depends on nothing more: it is queued for a worker, or begins by itself. */
export function dispatchStep(task: TaskRow, step: StepRow, at: Instant): Command[] {
  return behaviorOf(step).dispatch(task, step, at);
}
