import type { StepKey } from "#domain/id";
import { followingTaskSpec } from "#domain/task/spec";
import type { StepRow } from "#domain/task/step";
import { canBeCompensated, type TaskRow, type TaskSpec } from "#domain/task/task";
import { type Instant, millis } from "#domain/time/time";
import type { Command } from "../commands.js";
import { inputOf } from "../data.js";
import type { MessageView } from "../view.js";
import { compensationSteps } from "./compensation-steps.js";
import { newTask } from "./make.js";
import { isHeld, releaseDeadline } from "./quiescence.js";
import { createTask } from "./start.js";

/**
 * Makes the Task that compensates what an ended one did: first what was in progress or may have been done, then its
 * completed Steps in reverse order of completion; Tasks that are Steps of it in their place. It begins once no worker
 * has a Run of the old one any more, for until then something may still be done that has to be compensated. Nothing if
 * the Task ended well.
 */
export function compensate(task: TaskRow, view: MessageView, at: Instant): Command[] {
  const failed = task.state === "error" || task.state === "cancelled";
  if (!failed || !canBeCompensated(task) || task.compensatedBy !== "") return [];
  const made = compensationOf(task, task.errorMessage, view, at);
  return made ? createCompensation(task, made, view, at) : [];
}

/** Creates it. It starts when no worker holds a Run of the Task any more; it does not wait for that without end. */
export function createCompensation(
  { id }: TaskRow,
  made: Compensation,
  view: MessageView,
  at: Instant,
): Command[] {
  return [
    ...made.commands,
    ...createTask(made.task, made.steps, made.input, at, !isHeld(id, view)),
    ...releaseDeadline(id, view.runsOf(id), at),
  ];
}

/** A compensating Task that is to be created, and what is to be noted before. */
export interface Compensation {
  readonly commands: readonly Command[];
  readonly task: TaskRow;
  readonly steps: readonly StepRow[];
  readonly input: string;
}

/**
 * The Task that compensates another one, however that ended; undefined if there is nothing to compensate.
 *
 * @param error why it is compensated
 * @param parent the Step of a compensating Task that it becomes the child of
 */
export function compensationOf(
  task: TaskRow,
  error: string,
  view: MessageView,
  at: Instant,
  parent?: StepKey & { readonly depth: number },
): Compensation | undefined {
  const id = view.newTaskId();
  const steps = compensationSteps(task, id, error, view);
  if (steps.length === 0) return undefined;
  const input = inputOf(task.id, view);
  const draft = { id, namespace: task.namespace, spec: specOf(task, parent), input };
  return {
    commands: [{ type: "noteCompensation", params: { taskId: task.id, compensatedBy: id } }],
    task: newTask(draft, steps.length, at),
    steps,
    input,
  };
}

/** For whom and where as the original; its deadline, parent and template are not taken over. */
function specOf({ id, spec }: TaskRow, parent: (StepKey & { readonly depth: number }) | undefined): TaskSpec {
  return followingTaskSpec(spec, {
    timeoutMs: millis(0),
    holdOnFailure: false,
    parent: parent ? { taskId: parent.taskId, stepName: parent.stepName } : null,
    depth: parent?.depth ?? 0,
    compensates: id,
    isCompensable: false,
  });
}
