import { z } from "zod";
import { reason, taskId } from "../fields.js";
import { useCase } from "../use-case.js";
import { jsonText, optionalName, requiredName } from "../validate.js";
import { changedTask } from "./changed-task.js";

/** SignalTask: gives a Step, or an agent, that waits for a signal its payload. */
export const signalTask = useCase({
  action: "task.signal",
  input: z.object({
    id: taskId,
    signal: requiredName("what the Task's template calls the signal"),
    payloadJson: jsonText("null"),
    reason,
    requestId: optionalName,
  }),
  find: ({ id }) => ({ resource: { kind: "task" as const, id } }),
  perform: async ({ id, signal, payloadJson, reason, requestId }, request) => {
    const { caller, services } = request;
    const receipt = await services.plane.signal(caller, id, signal, payloadJson, reason, requestId);
    return changedTask(receipt, request);
  },
});
