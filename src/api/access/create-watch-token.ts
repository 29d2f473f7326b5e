import { z } from "zod";
import { taskId } from "../fields.js";
import { findTask } from "../tasks/find-task.js";
import { useCase } from "../use-case.js";
import { watchTokensOf } from "./fields.js";
import type { WatchToken } from "./watch-tokens.js";

/** CreateWatchToken: a token for the events of one Task. */
export const createWatchToken = useCase({
  action: "task.create_watch_token",
  input: z.object({ id: taskId }),
  find: findTask,
  perform: ({ id }, request, { detail: { task } }): WatchToken =>
    watchTokensOf(request).make(request.caller, id, task.namespace),
});
