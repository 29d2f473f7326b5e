import { advanceStep, keyOf, tellFinalizer } from "../make-command.js";
import { complete } from "../step/outcomes.js";
import { placeOf } from "../step/place.js";
import type { StepBehavior } from "./behavior.js";

/** A Step that an agent carries out. What sets deferred convergences and batch workers apart is how they are made. */
export const workerStep = {
  dispatch: (task, step, at) =>
    step.spec.compensates?.isUnsure
      ? [tellFinalizer({ type: "compensate.step", ...keyOf(step) })]
      : [advanceStep(step, { type: "enqueue", at, ...placeOf(task, step, at) })],

  accept: (task, step, _output, at) => complete(task, step, at),
} as const satisfies StepBehavior;
