import { advanceRun, advanceTask } from "../make-command.js";
import { failForGood } from "../step/outcomes.js";
import { liveRunsOf, liveTask } from "../view.js";
import type { FinalizerHandler } from "./handler.js";

/**
 * Ends what could not be decided about, as narrowly as it can be done: the Run if it is alive, else the Step if it is
 * in progress, else the whole Task. Nothing is tried again: the same message would meet the same fault.
 */
export const abort: FinalizerHandler<"abort"> = {
  needs: ({ taskId }) => ({ wholeTasks: [taskId] }),

  decide({ taskId, stepName, runId, message }, view, { at }) {
    const task = liveTask(view, taskId);
    if (!task) return [];
    const step = view.step({ taskId, stepName });
    const run = liveRunsOf(view, taskId).find(({ id }) => id === runId || id === step?.runId);
    if (run) return [advanceRun(run, { type: "broken", at, reason: "INTERNAL", message })];
    if (step?.state === "in_progress") return failForGood(step, message, at);
    return [advanceTask(task, { type: "abort", at, message })];
  },
};
