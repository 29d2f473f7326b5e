import { z } from "zod";
import { reason, taskId } from "../fields.js";
import { useCase } from "../use-case.js";
import { changedTask } from "./changed-task.js";

/** CancelTask: ends a Task that has not ended. */
export const cancelTask = useCase({
  action: "task.cancel",
  input: z.object({ id: taskId, reason }),
  find: ({ id }) => ({ resource: { kind: "task" as const, id } }),
  perform: async ({ id, reason }, request) => {
    const { caller, services } = request;
    return changedTask(await services.plane.cancel(caller, id, reason), request);
  },
});
