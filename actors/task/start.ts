import { WHOLE_TASK } from "#domain/task/deadline";
import type { StepRow } from "#domain/task/step";
import { deadlineOf, type TaskRow } from "#domain/task/task";
import { type Instant, NEVER } from "#domain/time/time";
import type { Command } from "../commands.js";
import { advanceTask } from "../make-command.js";
import { dispatchStep } from "../step-types/index.js";
import type { ForkRows } from "./fork.js";

/**
 * Creates a Task: its rows, its deadlines, and its start, unless that is later.
 *
 * @param mayStart false leaves it pending until somebody starts it
 * @param copies results of Steps of another Task that it begins with
 */
export function createTask(
  task: TaskRow,
  steps: readonly StepRow[],
  input: string,
  at: Instant,
  mayStart = true,
  copies: ForkRows["copies"] = [],
): Command[] {
  const { id: taskId, spec } = task;
  const commands: Command[] = [
    { type: "createTask", params: copies.length > 0 ? { task, input, copies } : { task, input } },
    ...steps.map((step): Command => ({ type: "createStep", params: { step } })),
  ];
  const deadline = deadlineOf(task);
  if (deadline !== NEVER) {
    commands.push({
      type: "setDeadline",
      params: { taskId, stepName: WHOLE_TASK, kind: "timeout", at: deadline },
    });
  }
  if (!mayStart) return commands;
  if (spec.startAt > at) {
    commands.push({
      type: "setDeadline",
      params: { taskId, stepName: WHOLE_TASK, kind: "start", at: spec.startAt },
    });
    return commands;
  }
  return [...commands, ...startTask(task, steps, at)];
}

/**
 * Creates a Task that begins with results of another one. It is started in a turn of its own: until the commit the results are
 * not its own, and a worker could not be given them.
 */
export function createFork({ task, steps, copies }: ForkRows, input: string, at: Instant): Command[] {
  const start = { taskId: task.id, stepName: WHOLE_TASK, kind: "start", at } as const;
  return [...createTask(task, steps, input, at, false, copies), { type: "setDeadline", params: start }];
}

/** Starts a Task: its Steps without dependencies are dispatched, and the Task is told whether there are any. */
export function startTask(task: TaskRow, steps: readonly StepRow[], at: Instant): Command[] {
  const ready = steps.filter(({ unsatisfied }) => unsatisfied === 0);
  const outcome =
    steps.length === 0 ? "noStepsFound" : ready.length === 0 ? "noDependenciesReady" : "readyStepsFound";

  return [
    advanceTask(task, { type: "start", at }),
    ...ready.flatMap((step) => dispatchStep(task, step, at)),
    advanceTask(task, { type: outcome, at }),
  ];
}
