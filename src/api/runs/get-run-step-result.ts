import { Fault } from "#domain/fault";
import { ancestorsOf } from "#domain/graph/graph";
import type { StepKey, TaskId } from "#domain/id";
import type { CallerReads } from "../caller-reads.js";
import { stepName } from "../fields.js";
import { RESULT_READ_BYTES, stepResult } from "../step-result.js";
import { readsOf, useCase } from "../use-case.js";
import { checkTries, findRun, reader } from "./find-run.js";

/** GetStepResult for workers: a Run reads results of Steps before its own, while it is its Step's current Run. */
export const getRunStepResult = useCase({
  action: "run.read_result",
  input: reader.extend({ stepName }),
  answerBytes: RESULT_READ_BYTES,
  find: findRun,
  perform: async ({ stepName, ...asked }, request, { run }) => {
    const reads = readsOf(request);
    checkTries(run, asked);
    const taskId = await taskWith(stepName, run, reads);
    if (taskId === undefined) {
      const message = `Step "${stepName}" is none that must be done before Step "${run.stepName}" of Task ${run.taskId}.`;
      throw new Fault("not_found", message, { field: "step_name", reason: "STEP_NOT_FOUND" });
    }
    const output = await reads.output({ taskId, name: stepName });
    if (output === undefined || output === "") {
      const message = `Step "${stepName}" of Task ${taskId} has no result.`;
      throw new Fault("not_found", message, { field: "step_name", reason: "NO_RESULT" });
    }
    return stepResult(output);
  },
});

/** The Task that has the Step, if that is before the other one: its own, or of a segment of a map the one above. */
async function taskWith(
  wanted: string,
  { taskId, stepName }: StepKey,
  reads: CallerReads,
): Promise<TaskId | undefined> {
  const found = await reads.task(taskId);
  if (!found) return undefined;
  if (ancestorsOf(found.steps, stepName).has(wanted)) return taskId;
  const isSegment = found.steps.some(({ spec }) => spec.segment && spec.type === "map");
  const { parent } = found.task.spec;
  return isSegment && parent ? taskWith(wanted, parent, reads) : undefined;
}
