import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { Instant } from "#domain/time/time";
import type { Command } from "../commands.js";
import { advanceStep, keyOf } from "../make-command.js";
import { dispatchStep } from "../step-types/index.js";
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
 * plane's word, e.g. by a timeout, or ends now, and the worker has not let go of it. What the next Run finds out of it before may be wrong
 * the moment after. Undefined if it may begin now.
 *
 * Only the newest Run counts: it has not begun before the one before it was let go, or waited for long enough.
 */
export function heldInDoubt(step: StepRow, view: MessageView, at: Instant): Instant | undefined {
  const run = step.runId === "" ? undefined : view.run(step.runId);
  if (!run || run.heldBy === "" || inDoubt(step).length === 0) return undefined;
  const until = releasedBy(run, at);
  return until > at ? until : undefined;
}

/**
 * Begins a Step anew that is pending once more, whoever wants it: a person, or a larger budget. If a worker may still be at what must be done
 * once, the Step waits for it as for a retry: it begins when the worker lets go, and by its deadline at the latest.
 */
export function beginAgain(task: TaskRow, step: StepRow, view: MessageView, at: Instant): Command[] {
  const held = heldInDoubt(step, view, at);
  if (held === undefined) return dispatchStep(task, step, at);
  return [
    advanceStep(step, { type: "waitForRetry", at, until: at }),
    { type: "setDeadline", params: { ...keyOf(step), kind: "retry", at: held } },
  ];
}
