import { z } from "zod";
import { limits } from "#limits/index";
import { taskId } from "../fields.js";
import { useCase } from "../use-case.js";
import { optionalName } from "../validate.js";
import { submit } from "./create-task.js";
import { draftAgain } from "./draft.js";
import { findTask } from "./find-task.js";

/** RetryTask: creates a new Task for the same work as an ended one. */
export const retryTask = useCase({
  action: "task.retry",
  input: z.object({ id: taskId, idempotencyKey: optionalName }),
  answerBytes: limits.messageBytes,
  find: findTask,
  perform: async ({ idempotencyKey }, request, { detail }) =>
    submit(await draftAgain(detail, idempotencyKey, request), request, true),
});
