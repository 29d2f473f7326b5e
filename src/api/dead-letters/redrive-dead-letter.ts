import { z } from "zod";
import { Fault } from "#domain/fault";
import { deadLetterNotFound } from "#domain/refusals";
import { isTerminal, type TaskRow, taskStatus } from "#domain/task/task";
import { limits } from "#limits/index";
import { taskId } from "../fields.js";
import { submit } from "../tasks/create-task.js";
import { draftAgain } from "../tasks/draft.js";
import { identityOfRetry } from "../tasks/identity.js";
import { readsOf, useCase } from "../use-case.js";
import { findDeadLetter } from "./find-dead-letter.js";

/** RedriveDeadLetter: creates a new Task for the work of a failed one, once, and closes its dead letter. */
export const redriveDeadLetter = useCase({
  action: "dead_letter.redrive",
  input: z.object({ taskId }),
  answerBytes: limits.messageBytes,
  find: findDeadLetter,
  perform: async ({ taskId: id }, request) => {
    const detail = await readsOf(request).task(id);
    if (!detail) throw deadLetterNotFound(id);
    checkFailed(detail.task);
    return submit(
      { ...(await draftAgain(detail, identityOfRetry(id, ""), request)), isRedrive: true },
      request,
      true,
    );
  },
});

function checkFailed(task: TaskRow): void {
  const { id, state } = task;
  if (!isTerminal(state)) {
    const way =
      state === "blocked_by_failures"
        ? `put its step right (taskrun task resolve ${id} STEP --retry)`
        : `see what it waits for (taskrun task explain ${id})`;
    const message = `task ${id} is ${state}, and goes on as it is: ${way}, or cancel it first`;
    throw new Fault("wrong_state", message, { reason: "TASK_NOT_ENDED", metadata: { state } });
  }
  const status = taskStatus(task);
  if (status === "FAILED") return;
  const message = `task ${id} is ${status}: only the work of a failed task is done again so; run it again with RetryTask`;
  throw new Fault("wrong_state", message, { reason: "NOT_FAILED", metadata: { status } });
}
