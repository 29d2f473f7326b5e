import { heldSince, usedAsWritten } from "#domain/task/budget";
import { isTerminal, type TaskRow } from "#domain/task/task";
import type { Instant } from "#domain/time/time";
import type { Command } from "../commands.js";
import { budgetMoved, timeBudget } from "../task/budget.js";
import { taskAlone } from "../task/quiescence.js";
import type { FinalizerHandler } from "./handler.js";

/** One more Run is held, or one less, whose time counts against the budgets of these Tasks. */
export const runHeld: FinalizerHandler<"run.held"> = {
  needs: ({ taskIds }) => ({ steps: taskIds.map(taskAlone) }),

  decide: ({ taskIds, by }, view, { at }) =>
    taskIds.flatMap((id) => {
      const task = view.task(id);
      return task ? countHeldTime(task, by, at) : [];
    }),
};

/** Writes down how long Runs were held until now, and what follows from it. @param by how many more are held from now on */
export function countHeldTime(task: TaskRow, by: number, at: Instant): Command[] {
  const heldTime = heldSince(task.heldTime, by, at);
  const after = { ...task, heldTime };
  return [
    { type: "noteBudget", params: { taskId: task.id, heldTime } },
    ...budgetMoved(task, usedAsWritten(task), usedAsWritten(after), at),
    ...(isTerminal(task.state) ? [] : [timeBudget(after, at)]),
  ];
}
