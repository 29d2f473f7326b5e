import type { DeadlineKind } from "#domain/task/deadline";
import type { StepRow } from "#domain/task/step";
import { canBeCompensated } from "#domain/task/task";
import type { Instant } from "#domain/time/time";
import type { Command } from "../commands.js";
import { advanceRun, advanceStep, keyOf } from "../make-command.js";
import { endSpawned } from "../step/children.js";
import { clearAttemptDeadline } from "../step/outcomes.js";
import { clearWake } from "../step/waits.js";
import { behaviorOf } from "../step-types/index.js";
import { compensate } from "../task/compensation.js";
import { childrenNeeds } from "../task/compensation-steps.js";
import { liveRunsOf, liveStepsOf } from "../view.js";
import type { FinalizerHandler } from "./handler.js";

/**
 * Whatever ends a Task ends its Steps and Runs in the same commit, and makes the Task that compensates what it did.
 * Runs in a worker's hands are told to stop by their machine; Tasks that are Steps of it end in turns of their own.
 */
export const taskEnded: FinalizerHandler<"task.ended"> = {
  needs({ taskId }, view) {
    const task = view.task(taskId);
    if (!task || !canBeCompensated(task)) return { wholeTasks: [taskId] };
    const steps = childrenNeeds(taskId, view);
    return { wholeTasks: [taskId], graphs: [taskId], inputs: [taskId], steps };
  },

  decide({ taskId, reason }, view, { at }) {
    const task = view.task(taskId);
    const message = task?.errorMessage || "the task has ended";
    return [
      ...liveStepsOf(view, taskId).flatMap((step) => endStep(step, at)),
      ...liveRunsOf(view, taskId).map((run) => advanceRun(run, { type: "end", at, reason, message })),
      ...(task ? compensate(task, view, at) : []),
    ];
  },
};

function endStep(step: StepRow, at: Instant): Command[] {
  const { deadline, taskEnded } = behaviorOf(step);
  const cancelled = [advanceStep(step, { type: "cancel", at }), ...endSpawned(step, at)];
  if (step.state === "waiting_for_retry") return [...cancelled, clearDeadline(step, "retry")];
  if (step.state !== "in_progress") return cancelled;
  return [
    ...cancelled,
    ...(step.waits ? [clearWake(step)] : []),
    ...(deadline ? [clearDeadline(step, deadline.kind)] : []),
    ...(taskEnded?.(step, at) ?? []),
    ...clearAttemptDeadline(step),
  ];
}

function clearDeadline(step: StepRow, kind: DeadlineKind): Command {
  return { type: "clearDeadline", params: { ...keyOf(step), kind } };
}
