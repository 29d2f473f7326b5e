import { Fault } from "#domain/fault";
import { ancestorsOf } from "#domain/graph/graph";
import { stepName } from "../fields.js";
import { RESULT_READ_BYTES, stepResult } from "../step-result.js";
import { useCase } from "../use-case.js";
import { checkTries, findRun, reader } from "./find-run.js";

/** GetStepResult for workers: a Run reads results of Steps before its own, while it is its Step's current Run. */
export const getRunStepResult = useCase({
  action: "run.read_result",
  input: reader.extend({ stepName }),
  answerBytes: RESULT_READ_BYTES,
  find: findRun,
  perform: async ({ stepName, ...asked }, { services: { plane } }, { run }) => {
    checkTries(run, asked);
    const { taskId } = run;
    const steps = (await plane.reads.task(taskId))?.steps ?? [];
    const before = ancestorsOf(steps, run.stepName);
    if (!before.has(stepName)) {
      const message = `Step "${stepName}" is none that must be done before Step "${run.stepName}" of Task ${taskId}.`;
      throw new Fault("not_found", message, { field: "step_name", reason: "STEP_NOT_FOUND" });
    }
    const output = await plane.reads.output({ taskId, stepName });
    if (output === undefined || output === "") {
      const message = `Step "${stepName}" of Task ${taskId} has no result.`;
      throw new Fault("not_found", message, { field: "step_name", reason: "NO_RESULT" });
    }
    return stepResult(output);
  },
});
