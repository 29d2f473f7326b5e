import { openedLetter } from "#domain/task/dead-letter";
import { type Staleness, stalenessOf } from "#domain/task/staleness";
import type { TaskRow } from "#domain/task/task";
import type { Instant } from "#domain/time/time";
import type { Command } from "../commands.js";
import { snapshotOf } from "../task/dead-letter.js";
import { liveTask, type MessageView } from "../view.js";
import { keepDeadLetter } from "./dead-letter.js";
import type { FinalizerHandler } from "./handler.js";

/**
 * A Task is believed to be stale: the rows decide. It gets a dead letter, and its log says so; nothing of its state changes, since
 * whoever looks into it knows better than a clock what it is to do.
 */
export const taskStale: FinalizerHandler<"task.stale"> = {
  needs({ taskId }, view) {
    const runIds = view.stepsOf(taskId).flatMap(({ runId }) => (runId === "" ? [] : [runId]));
    return { graphs: [taskId], wholeTasks: [taskId], deadLetters: [taskId], runs: runIds };
  },

  decide({ taskId, terms, pausedSteps }, view, { at }) {
    const task = liveTask(view, taskId);
    if (!task) return [];
    const [steps, runs] = [view.stepsOf(taskId), view.runsOf(taskId)];
    const isPaused = (_: TaskRow, { name }: { readonly name: string }) => pausedSteps.includes(name);
    const found = stalenessOf({ task, steps, runs }, terms, at, isPaused);
    const known = view.deadLetter(taskId);
    // What somebody has dealt with since it moved last is not asked again.
    const isKnown = known && (known.status === "PENDING" || known.createdAt >= (found?.since ?? at));
    return found?.health === "STALE" && !isKnown ? stale(task, found, view, at) : [];
  },
};

function stale(task: TaskRow, found: Staleness, view: MessageView, at: Instant): readonly Command[] {
  const { id: taskId, namespace, state, hasRun, finishedAt, reason, errorMessage } = task;
  const step = view.step({ taskId, stepName: found.stepName });
  const message = `STALE: the task has been ${state} for ${Math.floor((at - found.since) / 60_000)} minutes`;
  const snapshot = { ...snapshotOf(task, step, view), message };
  const content = { taskId, namespace, reason: "STALE" as const, snapshot };
  const entry = { type: "task", at, state, hasRun, finishedAt, reason, errorMessage } as const;
  return [
    keepDeadLetter(openedLetter(content, view.deadLetter(taskId), at)),
    { type: "record", params: { taskId, entry: { ...entry, warning: message } } },
  ];
}
