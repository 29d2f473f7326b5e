import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { Command } from "../commands.js";
import { keyOf } from "../make-command.js";

/**
 * Notes that a Run of the Step may have done its work: it was lost, stopped or broken off, it saved a checkpoint, or its
 * result was not accepted. An agent that reports a failure has done nothing that lasts, and one that declines has not
 * begun. Only of Steps that may have to be compensated: by themselves, or with the Task that is a Step of another one.
 */
export function noteDoubt(task: TaskRow, step: StepRow): Command[] {
  const matters = step.spec.compensation !== undefined || task.spec.parent !== null;
  return matters && !step.inDoubt ? [{ type: "noteInDoubt", params: keyOf(step) }] : [];
}
