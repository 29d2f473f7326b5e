import type { StepKey, TaskId } from "#domain/id";
import { WHOLE_TASK } from "#domain/task/deadline";
import { isOver, type RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import { isTerminal, type TaskRow } from "#domain/task/task";
import { type Instant, later } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Command } from "../commands.js";
import { tellFinalizer } from "../make-command.js";
import { spawnedBy } from "../step/journal.js";
import { liveTask, type MessageView } from "../view.js";

/** Whether anything goes on in a Task after its end, and who waits for that. Compensation begins behind it. */

/** Asks for the row of a Task alone: no Step has this name, and a Step comes with its Task. */
export function taskAlone(taskId: TaskId): StepKey {
  return { taskId, stepName: WHOLE_TASK };
}

/** True if workers hold Runs of the Task. */
export function isHeld(taskId: TaskId, view: MessageView): boolean {
  return view.runsOf(taskId).some(({ heldBy }) => heldBy !== "");
}

/**
 * True if nothing of the Task goes on any more: it has ended, no worker holds a Run of it, the Task that compensates it
 * has ended, and without one, the same is true of its children.
 */
export function isQuiescent(task: TaskRow, view: MessageView): boolean {
  if (!isTerminal(task.state) || isHeld(task.id, view)) return false;
  if (task.compensatedBy !== "") return liveTask(view, task.compensatedBy) === undefined;
  return unfinishedBelow(task, view).every((child) => isQuiescent(child, view));
}

/** The Task that the Step is, and those of its agent that may not have ended. */
function childrenOf(step: StepRow): TaskId[] {
  return [...(step.childId === "" ? [] : [step.childId]), ...spawnedBy(step)];
}

/** The children of a Task that did not complete: those of a completed one completed, or have been compensated. */
function unfinishedBelow({ id, state }: TaskRow, view: MessageView): TaskRow[] {
  if (state === "complete") return [];
  return view
    .stepsOf(id)
    .flatMap(childrenOf)
    .flatMap((childId) => view.task(childId) ?? []);
}

/**
 * True if a Task that did not complete may have done something that nothing has compensated. What is held of it may
 * still turn out to be declined; that is not waited for.
 */
export function mayHaveActed({ id, compensatedBy }: TaskRow, view: MessageView): boolean {
  const steps = view.stepsOf(id);
  const acted = ({ inDoubt, state, runId, childId }: StepRow) =>
    inDoubt || childId !== "" || (state === "complete" && runId !== "");
  return compensatedBy === "" && (steps.some(acted) || isHeld(id, view));
}

/** The rows to see whether a Task is quiescent, and to compensate it if it is. */
export interface QuiescenceNeeds {
  readonly steps: StepKey[];
  readonly wholeTasks: TaskId[];
  readonly graphs: TaskId[];
}

export function quiescenceNeeds(id: TaskId, view: MessageView, needs: QuiescenceNeeds): QuiescenceNeeds {
  const task = view.task(id);
  needs.steps.push(taskAlone(id));
  if (!task || !isTerminal(task.state)) return needs;
  needs.wholeTasks.push(id);
  if (task.compensatedBy !== "") {
    needs.steps.push(taskAlone(task.compensatedBy));
    return needs;
  }
  needs.graphs.push(id);
  for (const step of task.state === "complete" ? [] : view.stepsOf(id)) {
    for (const childId of childrenOf(step)) quiescenceNeeds(childId, view, needs);
  }
  return needs;
}

/** What wakes the Step of a compensating Task that waits for this Task to be quiescent; nothing if there is none. */
export function wakeWaiter(task: TaskRow, view: MessageView): Command[] {
  const { parent } = task.spec;
  const above = parent && view.task(parent.taskId);
  if (!above || !isTerminal(above.state)) return [];
  if (above.compensatedBy === "") return wakeWaiter(above, view);
  const { stepName } = parent;
  return [tellFinalizer({ type: "compensate.step", taskId: above.compensatedBy, stepName })];
}

/** The Tasks above one, as far as they are needed for that. */
export function waiterNeeds(task: TaskRow | undefined, view: MessageView): StepKey[] {
  const { parent } = task?.spec ?? {};
  if (!parent) return [];
  const above = view.task(parent.taskId);
  const isBetween = above && isTerminal(above.state) && above.compensatedBy === "";
  return [taskAlone(parent.taskId), ...(isBetween ? waiterNeeds(above, view) : [])];
}

/** Sets when these Runs of an ended Task are taken from workers that do not release them; nothing if none is held. */
export function releaseDeadline(taskId: TaskId, runs: readonly RunRow[], at: Instant): Command[] {
  const held = runs.filter(({ heldBy }) => heldBy !== "");
  if (held.length === 0) return [];
  const first = Math.min(...held.map((run) => releasedBy(run, at))) as Instant;
  return [{ type: "setDeadline", params: { taskId, stepName: WHOLE_TASK, kind: "release", at: first } }];
}

/** The same for all that is still held of a Task that is not quiescent, and of those below it. */
export function releaseDeadlines(task: TaskRow, view: MessageView, at: Instant): Command[] {
  if (!isTerminal(task.state)) return [];
  const below = task.compensatedBy === "" ? unfinishedBelow(task, view) : [];
  return [
    ...releaseDeadline(task.id, view.runsOf(task.id), at),
    ...below.flatMap((child) => releaseDeadlines(child, view, at)),
  ];
}

/** Until when a worker may hold a Run after its end; one that is live ends now, with its Task. */
export function releasedBy({ status, finishedAt }: RunRow, at: Instant): Instant {
  return later(isOver(status) ? finishedAt : at, limits.releaseWait);
}
