import { z } from "zod";
import { limits } from "#limits/index";
import { reason, taskId } from "../fields.js";
import { useCase } from "../use-case.js";
import { optionalName } from "../validate.js";
import { submit } from "./create-task.js";
import { draftAgain } from "./draft.js";
import { findTask } from "./find-task.js";
import { identityOfRetry } from "./identity.js";

/** RetryTask: creates a new Task for the same work as an ended one. */
export const retryTask = useCase({
  action: "task.retry",
  input: z.object({ id: taskId, idempotencyKey: optionalName, reason }),
  answerBytes: limits.messageBytes,
  find: findTask,
  perform: async ({ id, idempotencyKey, reason }, request, { detail }) => {
    const draft = await draftAgain(detail, identityOfRetry(id, idempotencyKey), request);
    return submit({ ...draft, reason }, request, true);
  },
});
