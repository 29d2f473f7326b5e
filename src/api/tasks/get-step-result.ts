import { z } from "zod";
import { Fault } from "#domain/fault";
import { stepName, taskId } from "../fields.js";
import { RESULT_READ_BYTES, stepResult } from "../step-result.js";
import { readsOf, useCase } from "../use-case.js";
import { findTask } from "./find-task.js";

/** GetStepResult for clients: the complete result of one Step. */
export const getStepResult = useCase({
  action: "task.read_result",
  input: z.object({ taskId, stepName }),
  answerBytes: RESULT_READ_BYTES,
  find: ({ taskId: id }, request) => findTask({ id }, request),
  perform: async ({ taskId, stepName }, request, { detail: { steps } }) => {
    const step = steps.find(({ name }) => name === stepName);
    if (!step) {
      const known = steps.map(({ name }) => `"${name}"`).join(", ");
      const message = `Step "${stepName}" not found in Task ${taskId}; its Steps are ${known}.`;
      throw new Fault("not_found", message, { reason: "STEP_NOT_FOUND" });
    }
    const output = step.outputBytes === 0 ? "" : await readsOf(request).output(step);
    if (output === undefined || output === "") {
      const message = `Step "${stepName}" of Task ${taskId} has no result: it is ${step.state}.`;
      throw new Fault("wrong_state", message, { reason: "NO_RESULT", metadata: { state: step.state } });
    }
    return stepResult(output);
  },
});
