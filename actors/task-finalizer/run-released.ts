import { startTask } from "../task/start.js";
import type { FinalizerHandler } from "./handler.js";

/** A worker has released an ended Run. If it was the last one held of its Task, the compensating Task starts. */
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
