import type { TaskId } from "#domain/id";
import { usedAsWritten } from "#domain/task/budget";
import type { TaskRow } from "#domain/task/task";
import { addUsage, NO_USAGE, type Usage } from "#domain/task/usage";
import type { Instant } from "#domain/time/time";
import type { Command } from "../commands.js";
import type { Stamped } from "../life.js";
import { budgetMoved, lookNow, usedUp } from "../task/budget.js";
import { taskAlone } from "../task/quiescence.js";
import { liveTask, type MessageView } from "../view.js";
import type { FinalizerHandler } from "./handler.js";

/** A Run of the Task has used something: it counts in the Task, and in every other one that the Task belongs to. */
export const usage: FinalizerHandler<"usage"> = {
  needs: ({ taskId }, view) => ({
    steps: belongsTo(taskId, view)
      .filter((id) => !view.task(id))
      .map(taskAlone),
  }),

  decide({ taskId, used, isLate, goesOn }, view, moment) {
    const tasks = belongsTo(taskId, view).flatMap((id) => view.task(id) ?? []);
    return [
      ...tasks.map(({ id }) => ({ type: "addUsage", params: { taskId: id, used, isLate } }) as const),
      ...tasks.flatMap((task) =>
        usageCounted(task, addUsage(task.usage ?? NO_USAGE, used), { view, ...moment }),
      ),
      ...(goesOn ? lookAtSpender(taskId, used, view, moment.at) : []),
    ];
  },
};

/**
 * A Run that still goes on when a budget above it is used up ends with what it reports then. Until its Task is looked at, some time may
 * pass: the node that was to do it may have been lost.
 */
function lookAtSpender(taskId: TaskId, used: Usage, view: MessageView, at: Instant): Command[] {
  const task = liveTask(view, taskId);
  return task && usedUp(task, view, at, used) !== undefined ? [lookNow(taskId, at)] : [];
}

/** Where a Task's new sums are looked at. */
interface Counting extends Stamped {
  readonly view: MessageView;
}

/** What follows from what a Task has used by now, all below it included. Its row in the view is as it was before. */
export function usageCounted(task: TaskRow, usage: Usage, { at }: Counting): readonly Command[] {
  return budgetMoved(task, usedAsWritten(task), usedAsWritten({ ...task, usage }), at);
}

/**
 * The Task, and every other that it belongs to, each once: the one that it is a Step of, the one that it compensates, and the ones that
 * these belong to. Of those that are not in the view only the id.
 */
export function belongsTo(taskId: TaskId, view: MessageView): readonly TaskId[] {
  const ids = new Set([taskId]);
  for (const id of ids) {
    const spec = view.task(id)?.spec;
    if (spec?.parent) ids.add(spec.parent.taskId);
    if (spec?.compensates) ids.add(spec.compensates);
  }
  return [...ids];
}
