import { WHOLE_TASK } from "#domain/task/deadline";
import { keyOf, tellFinalizer } from "../make-command.js";
import type { StepBehavior } from "./behavior.js";

/** A Step that is a Task of its own. */
export const childTaskStep: StepBehavior = {
  dispatch: (_task, step) => [
    tellFinalizer({ type: step.spec.compensates ? "compensate.step" : "child.start", ...keyOf(step) }),
  ],

  // In a turn of its own: children may have children, and one commit must not end them all.
  taskEnded({ childId }, at) {
    if (childId === "") return [];
    const params = { taskId: childId, stepName: WHOLE_TASK, kind: "orphan", at } as const;
    return [{ type: "setDeadline", params }];
  },
};
