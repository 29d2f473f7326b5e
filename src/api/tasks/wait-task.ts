import { z } from "zod";
import { taskId } from "../fields.js";
import { useCase } from "../use-case.js";
import { waitTime } from "../validate.js";
import { awaitEnd, hasEnded } from "./await-end.js";
import { findTask } from "./find-task.js";

/** WaitTask: the whole Task when it has ended, or as it stands when the time is over. */
export const waitTask = useCase({
  action: "task.wait",
  input: z.object({ id: taskId, waitMs: waitTime }),
  find: async ({ id }, request) => ({ resource: (await findTask({ id }, request)).resource }),
  perform: async ({ id, waitMs }, request) => {
    const wait = request.services.plane.wait(request.caller, id);
    // Read again: one that has ended since it was found, before the wait began, is not told of.
    const ended = await hasEnded(id, request).catch((error: unknown) => {
      wait.close();
      throw error;
    });
    return awaitEnd(wait, { id, ended }, waitMs, request);
  },
});
