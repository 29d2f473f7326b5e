import { exactJsonText } from "#domain/json/exact";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import { type Instant, later, millis } from "#domain/time/time";
import type { Command } from "../commands.js";
import { advanceStep, keyOf, tellFinalizer } from "../make-command.js";
import { complete, failForGood, succeed } from "../step/outcomes.js";
import type { StepBehavior } from "./behavior.js";

/** A Step that waits for a client's payload, which may have come before the Step begins. */
export const signalStep: StepBehavior = {
  dispatch(_task, step, at) {
    const begin = advanceStep(step, { type: "begin", at, childId: "" });
    const timeout = step.spec.signal?.timeoutMs ?? millis(0);
    if (step.signalled) return [begin, tellFinalizer({ type: "signal.taken", ...keyOf(step) })];
    if (timeout === 0) return [begin];
    const deadline = { ...keyOf(step), kind: "signal", at: later(at, timeout) } as const;
    return [begin, { type: "setDeadline", params: deadline }];
  },

  deadline: { kind: "signal", passed: giveUp },

  signal: {
    name: ({ spec }) => spec.signal?.name ?? "",
    received: (task, step, payload, at) => [
      { type: "clearDeadline", params: { ...keyOf(step), kind: "signal" } },
      ...succeed(step, payload, at),
      ...complete(task, step, at),
    ],
  },
};

/** Nobody has signalled in time: the template's default is the result, or the Step fails. */
function giveUp(task: TaskRow, step: StepRow, at: Instant): Command[] {
  const plan = step.spec.signal;
  if (plan?.otherwise !== undefined) {
    return [...succeed(step, exactJsonText(plan.otherwise), at), ...complete(task, step, at)];
  }
  const text = `nobody sent signal "${plan?.name}" within ${plan?.timeoutMs} ms`;
  return failForGood(step, text, at);
}
