import { stepKey, type TaskId } from "#domain/id";
import { isOver } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import { isTerminal } from "#domain/task/task";
import { audit } from "./audit.js";
import type { Event } from "./story.js";
import { type Came, keyOf, type Rows } from "./world.js";

/** Everything that is wrong after an event, or with what it did; nothing, if all is well. */
export function wrongAfter(event: Event, before: Rows, came: Came): string[] {
  return [...audit(came.rows), ...changed(before, came, event), ...lostResult(before, came.rows, event)];
}

/** What no event may do. */
function changed(before: Rows, { rows: after, assigned, set }: Came, event: Event): string[] {
  const wrong: string[] = [];
  const ended = new Set(
    [...before.tasks.values()].filter(({ state }) => isTerminal(state)).map(({ id }) => id),
  );
  const isEnded = (taskId: TaskId) => ended.has(taskId);

  for (const step of before.steps.values()) {
    const now = after.steps.get(keyOf(step));
    if (
      step.state === "complete" &&
      (now?.state !== "complete" || outputOf(before, step) !== outputOf(after, step))
    )
      wrong.push(`the result of ${keyOf(step)} is lost`);
    if (isEnded(step.taskId) && now !== step && !isNewDoubt(step, now))
      wrong.push(`${keyOf(step)} moves after the end`);
  }
  for (const runId of assigned) {
    const run = after.runs.get(runId);
    if (run && isEnded(run.taskId)) wrong.push(`${runId} is handed out after the end`);
  }
  for (const { taskId, kind } of set)
    if (isEnded(taskId) && kind !== "release") wrong.push(`deadline ${kind} is set after the end`);
  for (const task of ended) {
    if (before.tasks.get(task) !== after.tasks.get(task)) wrong.push(`task ${task} changes after its end`);
    if (before.log.get(task)?.length !== after.log.get(task)?.length)
      wrong.push(`the log of ${task} goes on after its end`);
  }
  if (event.repeated && before !== after) wrong.push("a repeated word changes something");
  return wrong;
}

/** What a worker may have done is known when it releases the Run, which may be after the end. */
function isNewDoubt(before: StepRow, now: StepRow | undefined): boolean {
  const { inDoubt, revision } = before;
  return !inDoubt && JSON.stringify({ ...now, inDoubt, revision }) === JSON.stringify(before);
}

/** A result that is delivered while the Task is alive and the Run is the Step's own is kept. */
function lostResult(before: Rows, after: Rows, { brings }: Event): string[] {
  const run = brings && before.runs.get(brings.runId);
  const step = run && before.steps.get(stepKey(run));
  const task = run && before.tasks.get(run.taskId);
  if (!step || !task || isTerminal(task.state) || step.runId !== run.id || isOver(run.status)) return [];

  const now = after.steps.get(keyOf(step));
  const kept = now?.state === "complete" && outputOf(after, now) === brings?.output;
  return kept ? [] : [`the result of ${run.id} is not kept: ${keyOf(step)} is ${now?.state}`];
}

function outputOf({ outputs }: Rows, step: StepRow): string {
  return outputs.get(keyOf(step)) ?? "";
}
