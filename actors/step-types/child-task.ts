import { keyOf, tellFinalizer } from "../make-command.js";
import { orphan } from "../step/children.js";
import type { StepBehavior } from "./behavior.js";

/** A Step that is a Task of its own. */
export const childTaskStep: StepBehavior = {
  dispatch: (_task, step) => [
    tellFinalizer({ type: step.spec.compensates ? "compensate.step" : "child.start", ...keyOf(step) }),
  ],

  taskEnded: ({ childId }, at) => (childId === "" ? [] : [orphan(childId, at)]),
};
