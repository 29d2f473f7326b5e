import { z } from "zod";
import { Fault } from "#domain/fault";
import { stepNotFound } from "#domain/refusals";
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
      throw stepNotFound(
        taskId,
        stepName,
        steps.map(({ name }) => name),
      );
    }
    const output = step.outputBytes === 0 ? "" : await readsOf(request).output(step);
    if (output === undefined || output === "") {
      const message = `Step "${stepName}" of Task ${taskId} has no result: it is ${step.state}.`;
      throw new Fault("wrong_state", message, { reason: "NO_RESULT", metadata: { state: step.state } });
    }
    return stepResult(output);
  },
});
