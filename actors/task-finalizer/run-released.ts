import { startTask } from "../task/start.js";
import type { FinalizerHandler } from "./handler.js";

/** A worker has let go of an ended Run: if it was the Task's last, the Task that compensates this one may begin. */
export const runReleased: FinalizerHandler<"run.released"> = {
  needs({ taskId }, view) {
    const compensatedBy = view.task(taskId)?.compensatedBy;
    return { wholeTasks: compensatedBy ? [taskId, compensatedBy] : [taskId] };
  },

  decide({ taskId }, view, { at }) {
    const compensatedBy = view.task(taskId)?.compensatedBy;
    const compensation = compensatedBy ? view.task(compensatedBy) : undefined;
    if (compensation?.state !== "pending") return [];
    if (view.runsOf(taskId).some(({ heldBy }) => heldBy !== "")) return [];
    return startTask(compensation, view.stepsOf(compensation.id), at);
  },
};
