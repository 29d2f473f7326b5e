import { z } from "zod";
import { limits } from "#limits/index";
import { taskId } from "../fields.js";
import { readsOf, useCase } from "../use-case.js";
import { findTask } from "./find-task.js";
import { wholeTask } from "./whole-task.js";

/** GetTask: one Task, with as much of it as fits into an answer. */
export const getTask = useCase({
  action: "task.read",
  input: z.object({ id: taskId }),
  answerBytes: limits.messageBytes,
  find: findTask,
  perform: (_, request, { detail }) => wholeTask(readsOf(request), detail),
});
