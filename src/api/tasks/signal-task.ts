import { z } from "zod";
import { reason, taskId } from "../fields.js";
import { useCase } from "../use-case.js";
import { jsonText, requiredName } from "../validate.js";
import { changedTask } from "./changed-task.js";

/** SignalTask: gives a Step that waits for a signal its payload. */
export const signalTask = useCase({
  action: "task.signal",
  input: z.object({
    id: taskId,
    signal: requiredName("what the Task's template calls the signal"),
    payloadJson: jsonText("null"),
    reason,
  }),
  find: ({ id }) => ({ resource: { kind: "task" as const, id } }),
  perform: async ({ id, signal, payloadJson, reason }, request) => {
    const { caller, services } = request;
    return changedTask(await services.plane.signal(caller, id, signal, payloadJson, reason), request);
  },
});
