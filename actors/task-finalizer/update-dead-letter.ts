import { mayUse } from "#domain/caller";
import { Fault } from "#domain/fault";
import { deadLetterNotFound } from "#domain/refusals";
import { withStatus } from "#domain/task/dead-letter";
import { refuse, replyTask } from "../make-command.js";
import { keepDeadLetter } from "./dead-letter.js";
import type { FinalizerHandler } from "./handler.js";

/** An operator writes down what was found out about a dead letter, and what became of it. */
export const updateDeadLetter: FinalizerHandler<"update.dead.letter"> = {
  needs: ({ taskId }) => ({ wholeTasks: [taskId], deadLetters: [taskId] }),

  decide({ caller, taskId, status, notes }, view, { at }) {
    const task = view.task(taskId);
    const known = view.deadLetter(taskId);
    if (!task || !known || !mayUse(caller, task.namespace)) return [refuse(deadLetterNotFound(taskId))];
    if (known.redrivenAs !== "" && status === "PENDING") {
      const text = `the work of task ${taskId} is done again by task ${known.redrivenAs}: look at that one`;
      return [refuse(new Fault("wrong_state", text, { field: "status", reason: "REDRIVEN" }))];
    }
    const noted = notes === undefined ? known : { ...known, notes };
    const isNew = status !== undefined && status !== known.status;
    const row = isNew ? withStatus(noted, status, caller.principal, at) : noted;
    // The same again writes nothing.
    return [...(isNew || row.notes !== known.notes ? [keepDeadLetter(row)] : []), replyTask(taskId)];
  },
};
