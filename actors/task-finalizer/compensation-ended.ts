import { tellFinalizer } from "../make-command.js";
import { taskAlone, waiterNeeds, wakeWaiter } from "../task/quiescence.js";
import { liveTask } from "../view.js";
import type { FinalizerHandler } from "./handler.js";

/**
 * The Task that compensates another one has ended. What waits for that goes on: the Step whose child was compensated makes
 * it anew, or, if that Task has ended too, its own compensation.
 */
export const compensationEnded: FinalizerHandler<"compensation.ended"> = {
  needs({ taskId }, view) {
    const task = view.task(taskId);
    const parent = task?.spec.parent;
    return { steps: [taskAlone(taskId), ...(parent ? [parent] : []), ...waiterNeeds(task, view)] };
  },

  decide({ taskId }, view) {
    const task = view.task(taskId);
    const parent = task?.spec.parent;
    if (!parent) return [];
    if (!liveTask(view, parent.taskId)) return wakeWaiter(task, view);
    const step = view.step(parent);
    const waits = step?.state === "pending" && step.childId === taskId;
    return waits ? [tellFinalizer({ type: "child.start", ...parent })] : [];
  },
};
