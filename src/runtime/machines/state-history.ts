import type { TaskId } from "#domain/id";
import { type StepRow, stepSummary } from "#domain/task/step";
import { isTerminal, type TaskRow, type TaskState } from "#domain/task/task";
import { type Instant, NEVER } from "#domain/time/time";
import type { Workspace } from "../memory/workspace.js";

/** Collects the states that Tasks and Steps of a cascade pass through, and records them in the log at its end. */
export class StateHistory {
  /** The rows of Steps after each change of state, in order. */
  readonly #steps: StepRow[] = [];
  /** The states of each Task, beginning with the one before the cascade. */
  readonly #paths = new Map<TaskId, TaskState[]>();

  noteStep(row: StepRow): void {
    this.#steps.push(row);
  }

  /** Records the net path: states that were entered and left again within one cascade are dropped. */
  noteTask(id: TaskId, state: TaskState): void {
    const path = this.#paths.get(id) ?? [];
    this.#paths.set(id, path);
    const seen = path.indexOf(state);
    if (seen >= 0) path.length = seen + 1;
    else path.push(state);
  }

  recordSteps(work: Workspace, at: Instant): void {
    for (const row of this.#steps) recordStep(row, work, at);
  }

  /** Records the Task's states. The terminal state of a Task that the cascade created is left to {@link recordEnd}. */
  recordTask(id: TaskId, before: TaskRow | undefined, work: Workspace, at: Instant): void {
    const after = work.task(id) as TaskRow;
    const path = this.#paths.get(id) ?? [];
    const states = before ? path.slice(1) : path.filter((state) => !isTerminal(state));
    for (const state of states) work.record(id, taskLine(after, state, at));
    if (states.length === 0 && before?.hasRun !== after.hasRun)
      work.record(id, taskLine(after, after.state, at));
  }
}

export function recordStep(row: StepRow, work: Workspace, at: Instant): void {
  work.record(row.taskId, { type: "step", at, step: stepSummary(row) });
}

export function recordEnd(row: TaskRow, work: Workspace, at: Instant): void {
  work.record(row.id, taskLine(row, row.state, at));
}

function taskLine({ hasRun, finishedAt, reason, errorMessage }: TaskRow, state: TaskState, at: Instant) {
  const ended = isTerminal(state) ? finishedAt : NEVER;
  return { type: "task", at, state, hasRun, finishedAt: ended, reason, errorMessage } as const;
}
