import { mayUse } from "#domain/caller";
import { alreadyEnded, taskNotFound } from "#domain/refusals";
import { isTerminal } from "#domain/task/task";
import { advanceTask, refuse, replyTask } from "../make-command.js";
import type { FinalizerHandler } from "./handler.js";

/** A client ends a Task for good. */
export const cancel: FinalizerHandler<"cancel"> = {
  needs: ({ taskId }) => ({ wholeTasks: [taskId] }),

  decide({ caller, taskId, message }, view, { at }) {
    const task = view.task(taskId);
    if (!task || !mayUse(caller, task.namespace)) return [refuse(taskNotFound(taskId))];
    if (isTerminal(task.state)) return [refuse(alreadyEnded(task))];
    return [advanceTask(task, { type: "cancel", at, message }), replyTask(taskId)];
  },
};
