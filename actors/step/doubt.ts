import { isOver } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { Instant } from "#domain/time/time";
import type { Command } from "../commands.js";
import { keyOf } from "../make-command.js";
import { releasedBy } from "../task/quiescence.js";
import type { MessageView } from "../view.js";
import { inDoubt } from "./journal.js";

/**
 * Notes that a Run of the Step may have done its work: it was lost, stopped or broken off, it saved a checkpoint, or its
 * result was not accepted. An agent that reports a failure has done nothing that lasts, and one that declines has not
 * begun. Only of Steps that may have to be compensated: by themselves, or with the Task that is a Step of another one.
 */
export function noteDoubt(task: TaskRow, step: StepRow): Command[] {
  const matters = step.spec.compensation !== undefined || task.spec.parent !== null;
  return matters && !step.inDoubt ? [{ type: "noteInDoubt", params: keyOf(step) }] : [];
}

/**
 * Until when the Step must not begin again, because a worker may still be at what the Step's agent must do once: its Run has ended by the
 * plane's word, e.g. by a timeout, and it has not let go of it. What the next Run finds out of it before may be wrong the moment after.
 * Undefined if it may begin now.
 */
export function heldInDoubt(step: StepRow, view: MessageView, at: Instant): Instant | undefined {
  const run = step.runId === "" ? undefined : view.run(step.runId);
  if (!run || run.heldBy === "" || !isOver(run.status) || inDoubt(step).length === 0) return undefined;
  const until = releasedBy(run, at);
  return until > at ? until : undefined;
}
