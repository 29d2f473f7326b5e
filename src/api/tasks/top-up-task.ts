import { z } from "zod";
import { NO_BUDGET } from "#domain/task/budget";
import { reason, taskId } from "../fields.js";
import { useCase } from "../use-case.js";
import { optionalName } from "../validate.js";
import { someBudget } from "./budget-input.js";
import { changedTask } from "./changed-task.js";

/** TopUpTask: raises a Task's budget, so that what was stopped for want of it goes on. */
export const topUpTask = useCase({
  action: "task.top_up",
  input: z.object({
    id: taskId,
    add: someBudget.prefault(NO_BUDGET),
    reason,
    requestId: optionalName,
  }),
  find: ({ id }) => ({ resource: { kind: "task" as const, id } }),
  perform: async ({ id, add, reason, requestId }, request) => {
    const { caller, services } = request;
    return changedTask(await services.plane.topUp(caller, id, add, reason, requestId), request);
  },
});
