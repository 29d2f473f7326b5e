import { WHOLE_TASK } from "#domain/task/deadline";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { Instant } from "#domain/time/time";
import type { Command } from "../commands.js";
import { advanceStep } from "../make-command.js";
import { complete, succeed } from "../step/outcomes.js";
import { placeOf } from "../step/place.js";
import { compensationOf } from "../task/compensation.js";
import { childrenNeeds } from "../task/compensation-steps.js";
import { isQuiescent, mayHaveActed, quiescenceNeeds, releaseDeadlines } from "../task/quiescence.js";
import { createTask } from "../task/start.js";
import { liveTask, type MessageView } from "../view.js";
import type { FinalizerHandler } from "./handler.js";

/**
 * A Step of a compensating Task may begin, which has to see first what there is to compensate: the Step that it
 * compensates was in a worker's hands, or is a Task of its own. It waits until nothing goes on there any more; then its
 * agent runs, or the child is compensated by a Task, or there is nothing to do.
 */
export const compensateStep: FinalizerHandler<"compensate.step"> = {
  needs(message, view) {
    const compensates = view.step(message)?.spec.compensates;
    const childId = compensates && view.step(compensates)?.childId;
    const needs = { steps: [message, ...(compensates ? [compensates] : [])], wholeTasks: [], graphs: [] };
    if (!childId) return needs;
    const below = quiescenceNeeds(childId, view, needs);
    if (view.task(childId)?.state !== "complete") return below;
    return { ...below, steps: [...below.steps, ...childrenNeeds(childId, view)], inputs: [childId] };
  },

  decide(message, view, { at }) {
    const task = liveTask(view, message.taskId);
    const step = view.step(message);
    if (!task || task.state === "pending" || step?.state !== "pending" || step.unsatisfied > 0) return [];
    const compensated = step.spec.compensates && view.step(step.spec.compensates);
    const child = compensated?.childId ? view.task(compensated.childId) : undefined;
    if (child && !isQuiescent(child, view)) return releaseDeadlines(child, view, at);
    if (step.agentName === "") return compensateChild(task, step, child, view, at);
    const isOwed = !compensated || isToBeCompensated(compensated, child, view);
    return isOwed ? enqueue(task, step, at) : skip(task, step, at);
  },
};

/** True if a Step did something that lasts, or may have, and no other Task has compensated it. */
function isToBeCompensated(step: StepRow, child: TaskRow | undefined, view: MessageView): boolean {
  if (step.inDoubt || step.state === "complete") return true;
  return child !== undefined && (child.state === "complete" || mayHaveActed(child, view));
}

function enqueue(task: TaskRow, step: StepRow, at: Instant): Command[] {
  return [advanceStep(step, { type: "enqueue", at, ...placeOf(task, step, at) })];
}

/** Nothing was done: the Step is complete without a Run. */
function skip(task: TaskRow, step: StepRow, at: Instant): Command[] {
  return [
    advanceStep(step, { type: "begin", at, childId: "" }),
    ...succeed(step, "", at),
    ...complete(task, step, at),
  ];
}

/** A child that completed is compensated by a Task of its own; one that did not has been compensated already. */
function compensateChild(
  task: TaskRow,
  step: StepRow,
  child: TaskRow | undefined,
  view: MessageView,
  at: Instant,
): Command[] {
  if (child?.state !== "complete" || child.compensatedBy !== "") return skip(task, step, at);
  const parent = { taskId: task.id, stepName: step.name, depth: task.spec.depth + 1 };
  const made = compensationOf(child, step.spec.compensates?.error ?? "", view, at, parent);
  if (!made) return skip(task, step, at);
  // In a turn of its own, as any child.
  const start = { taskId: made.task.id, stepName: WHOLE_TASK, kind: "start", at } as const;
  return [
    advanceStep(step, { type: "begin", at, childId: made.task.id }),
    ...made.commands,
    ...createTask(made.task, made.steps, made.input, at, false),
    { type: "setDeadline", params: start },
  ];
}
