import type { RunId, TaskId } from "#domain/id";
import { type RunRow, runSummary } from "#domain/task/run";
import { isTakenOver, type StepRow } from "#domain/task/step";
import { isTerminal, type TaskRow } from "#domain/task/task";
import type { Instant } from "#domain/time/time";
import { recordEnd, recordStep, type StateHistory } from "../machines/state-history.js";
import type { Journal } from "../memory/journal.js";
import type { TurnContext } from "./context.js";

/** The rows that a cascade has changed, as they were before it; undefined if it has created them. */
export interface ChangedRows {
  readonly tasks: Map<TaskId, TaskRow | undefined>;
  readonly steps: Map<
    string,
    { readonly before: StepRow | undefined; readonly taskId: TaskId; readonly stepName: string }
  >;
  readonly runs: Map<RunId, RunRow | undefined>;
}

/**
 * Updates memory, the list of changes, and the log from the rows that a cascade has changed. Log entries of a Task's own
 * state come last in the cascade, except the first entry of a new Task, which comes first.
 */
export function applyChanges(
  changed: ChangedRows,
  states: StateHistory,
  {
    context,
    journal,
    at,
  }: { readonly context: TurnContext; readonly journal: Journal; readonly at: Instant },
): void {
  const { work, memory } = context;
  for (const [id, before] of changed.tasks) if (!before) states.recordTask(id, before, work, at);
  for (const [id, before] of changed.runs) {
    const after = work.run(id) as RunRow;
    memory.followRun(before, after, journal);
    journal.push(work.changes.runs, { before, after });
    if (before?.status !== after.status)
      work.record(after.taskId, { type: "run", at, run: runSummary(after) });
  }
  for (const { before, taskId, stepName } of changed.steps.values()) {
    const task = work.task(taskId) as TaskRow;
    const after = work.step({ taskId, stepName }) as StepRow;
    const lane = memory.followStep(before, after, task, journal);
    if (lane) work.lanes.add(lane);
    journal.push(work.changes.steps, { before, after });
    if (!before && (after.state === "pending" || isTakenOver(after, task))) {
      recordStep(after, work, at);
    }
  }
  states.recordSteps(work, at);
  for (const [id, before] of changed.tasks) {
    const after = work.task(id) as TaskRow;
    memory.followTask(before, after, journal);
    journal.push(work.changes.tasks, { before, after });
    if (before) states.recordTask(id, before, work, at);
    else if (isTerminal(after.state)) recordEnd(after, work, at);
  }
}
