import { WHOLE_TASK } from "#domain/task/deadline";
import type { StepRow } from "#domain/task/step";
import { isTerminal, type TaskRow } from "#domain/task/task";
import type { Instant } from "#domain/time/time";
import type { Command } from "../commands.js";
import { keyOf } from "../make-command.js";
import { retryNow } from "../step/attempts.js";
import { heldInDoubt, noteDoubt } from "../step/doubt.js";
import { inDoubt } from "../step/journal.js";
import { isHeld, waiterNeeds, wakeWaiter } from "../task/quiescence.js";
import { startTask } from "../task/start.js";
import type { MessageView } from "../view.js";
import type { FinalizerHandler } from "./handler.js";

/**
 * A worker has released an ended Run, which may have done its work unless it was declined. If its Step has waited for that, it begins
 * again. If it was the last one held of an ended Task, what compensates the Task starts, or what waits for it goes on.
 */
export const runReleased: FinalizerHandler<"run.released"> = {
  needs(message, view) {
    const { taskId } = message;
    const task = view.task(taskId);
    const compensatedBy = task?.compensatedBy;
    return {
      wholeTasks: compensatedBy ? [taskId, compensatedBy] : [taskId],
      steps: [message, ...waiterNeeds(task, view)],
    };
  },

  decide(message, view, { at }) {
    const task = view.task(message.taskId);
    const step = view.step(message);
    if (!task) return [];
    const doubt = step && message.inDoubt ? noteDoubt(task, step) : [];
    if (!isTerminal(task.state)) return [...doubt, ...(step ? goOn(task, step, view, at) : [])];
    if (isHeld(task.id, view)) return doubt;
    const { id: taskId, compensatedBy, spec } = task;
    if (compensatedBy === "" && !spec.parent) return doubt;
    const compensation = compensatedBy === "" ? undefined : view.task(compensatedBy);
    return [
      ...doubt,
      { type: "clearDeadline", params: { taskId, stepName: WHOLE_TASK, kind: "release" } },
      ...(compensation?.state === "pending"
        ? startTask(compensation, view.stepsOf(compensation.id), at)
        : []),
      ...wakeWaiter(task, view),
    ];
  },
};

/** Begins again a Step of which nobody could know whether what must be done once was: what holds it up is the worker alone. */
function goOn(task: TaskRow, step: StepRow, view: MessageView, at: Instant): Command[] {
  const { state, nextAttemptAt } = step;
  const isDue = state === "waiting_for_retry" && nextAttemptAt <= at;
  if (!isDue || inDoubt(step).length === 0 || heldInDoubt(step, view, at) !== undefined) return [];
  const clear: Command = { type: "clearDeadline", params: { ...keyOf(step), kind: "retry" } };
  return [clear, ...retryNow(task, step, at)];
}
