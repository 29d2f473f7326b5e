import { WHOLE_TASK } from "#domain/task/deadline";
import { isTerminal } from "#domain/task/task";
import { noteDoubt } from "../step/doubt.js";
import { isHeld, waiterNeeds, wakeWaiter } from "../task/quiescence.js";
import { startTask } from "../task/start.js";
import type { FinalizerHandler } from "./handler.js";

/**
 * A worker has released an ended Run, which may have done its work unless it was declined. If it was the last one held of
 * an ended Task, what compensates the Task starts, or what waits for it goes on.
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
    if (!isTerminal(task.state) || isHeld(task.id, view)) return doubt;
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
