import { mayUse } from "#domain/caller";
import { alreadyEnded, taskNotFound } from "#domain/refusals";
import { isTerminal } from "#domain/task/task";
import { advanceTask, refuse, replyTask } from "../make-command.js";
import { noteAction } from "../step/by-hand.js";
import type { FinalizerHandler } from "./handler.js";

/** A client ends a Task for good. */
export const cancel: FinalizerHandler<"cancel"> = {
  needs: ({ taskId }) => ({ wholeTasks: [taskId] }),

  decide({ caller, taskId, message }, view, { at }) {
    const task = view.task(taskId);
    if (!task || !mayUse(caller, task.namespace)) return [refuse(taskNotFound(taskId))];
    if (isTerminal(task.state)) return [refuse(alreadyEnded(task))];
    const noted = noteAction({ taskId, stepName: "" }, { caller, type: "cancel", reason: message }, view, at);
    return [advanceTask(task, { type: "cancel", at, message }), noted, replyTask(taskId)];
  },
};
