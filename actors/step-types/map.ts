import { advanceStep, keyOf, tellFinalizer } from "../make-command.js";
import type { StepBehavior } from "./behavior.js";

/** A Step that makes one member of each item of a list, and whose result is the list of theirs. */
export const mapStep: StepBehavior = {
  dispatch: (_task, step, at) => [
    advanceStep(step, { type: "begin", at, childId: "" }),
    tellFinalizer({ type: "map.open", ...keyOf(step) }),
  ],

  resultRefused: "makes steps of its result",
};
