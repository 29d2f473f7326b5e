import { later, millis } from "#domain/time/time";
import { advanceStep, keyOf } from "../make-command.js";
import { complete, succeed } from "../step/outcomes.js";
import type { StepBehavior } from "./behavior.js";

/** A Step that waits for a length of time. */
export const timerStep: StepBehavior = {
  dispatch: (_task, step, at) => [
    advanceStep(step, { type: "begin", at, childId: "" }),
    {
      type: "setDeadline",
      params: { ...keyOf(step), kind: "timer", at: later(at, step.spec.delayMs ?? millis(0)) },
    },
  ],

  deadline: {
    kind: "timer",
    passed: (task, step, at) => [...succeed(step, "", at), ...complete(task, step, at)],
  },
};
