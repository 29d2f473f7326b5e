import { holdReasonOf, isTolerated, type StepRow } from "#domain/task/step";
import { countOf, type Reason, type TaskRow } from "#domain/task/task";
import { utf8Bytes } from "#domain/text/text";
import type { Instant } from "#domain/time/time";
import type { Command } from "../commands.js";
import { advanceStep, keyOf, tellFinalizer } from "../make-command.js";
import { endSpawned } from "./children.js";

/** The ways in which a Step that is in progress ends, as commands. */

/** The Step has a result, which is kept. Whether it is accepted is said next: `complete` or `fail`. */
export function succeed(step: StepRow, output: string, at: Instant): Command[] {
  return [
    ...keepOutput(step, output),
    advanceStep(step, { type: "succeeded", at, outputBytes: utf8Bytes(output) }),
  ];
}

export function keepOutput(step: StepRow, json: string): Command[] {
  return json === "" ? [] : [{ type: "keepOutput", params: { ...keyOf(step), json } }];
}

/** The result is accepted: the Step is complete, and the Steps that depend on it are told. */
export function complete(task: TaskRow, step: StepRow, at: Instant): Command[] {
  return [accept(task, step, at), ...endSpawned(step, at), ...notifyDependants(step)];
}

/** The same for a Step whose result has just made others that depend on it: its row does not name them yet. */
export function completeExpanded(task: TaskRow, step: StepRow, at: Instant): Command[] {
  return [
    accept(task, step, at),
    ...endSpawned(step, at),
    tellFinalizer({ type: "step.satisfied", ...keyOf(step) }),
  ];
}

function accept(task: TaskRow, step: StepRow, at: Instant): Command {
  return advanceStep(step, { type: "complete", at, order: nextOrder(task) });
}

/** The place of the next Step to complete among all of the Task that have. */
export function nextOrder({ counts }: TaskRow): number {
  return countOf(counts, "complete", "resolved_manually") + 1;
}

/**
 * The Step has failed for good: it is not tried again. If its Task tolerates that, the Steps that depend on it go on.
 *
 * @param reason what the Task's reason becomes if it fails with the Step; one that holds the Task is never tolerated
 */
export function fail(step: StepRow, errorMessage: string, at: Instant, reason?: Reason): Command[] {
  const failed = advanceStep(step, { type: "fail", at, errorMessage, ...(reason && { reason }) });
  const ended = [failed, ...endSpawned(step, at)];
  const isPassedOver = isTolerated({ ...step, heldFor: holdReasonOf(reason) });
  return isPassedOver ? [...ended, ...notifyDependants(step)] : ended;
}

/**
 * Fails for good a Step that is in progress, whatever attempts remain.
 *
 * @param reason what the Task's reason becomes if it fails with the Step; its error message begins with it
 */
export function failForGood(step: StepRow, text: string, at: Instant, reason?: Reason): Command[] {
  const errorMessage = reason ? `${reason}: ${text}` : text;
  return [advanceStep(step, { type: "failed", at, errorMessage }), ...fail(step, errorMessage, at, reason)];
}

/** Tells the Steps that depend on this one, and the batch or map whose member it is; nobody if there are none. */
export function notifyDependants(step: StepRow): Command[] {
  const isAwaited = step.dependants.length > 0 || step.spec.member !== undefined;
  return isAwaited ? [tellFinalizer({ type: "step.satisfied", ...keyOf(step) })] : [];
}

/** Removes the deadline of the attempt, if it had one. */
export function clearAttemptDeadline(step: StepRow): Command[] {
  if (step.spec.timeoutMs === 0) return [];
  return [{ type: "clearDeadline", params: { ...keyOf(step), kind: "attempt" } }];
}
