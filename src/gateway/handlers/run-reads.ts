import type { z } from "zod";
import { Fault } from "#domain/fault";
import { ancestorsOf } from "#domain/graph";
import { isOver, type RunRow } from "#domain/run";
import type { GetStepResultResponse } from "#wire/gen/taskrun/v1/common_pb";
import type { GetRunInputResponse } from "#wire/gen/taskrun/v1/run_service_pb";
import { findRun } from "../lookup.js";
import type { Call } from "../rpc.js";
import type { getRunInput, getRunStepResult } from "../schemas.js";

/** What a Run reads beside its stream: results of earlier Steps, and an input that was too large to go with it. */

/** A Run reads what had to be done before its Step, as long as it is the one that tries it. */
export async function getStepResult(
  { stepName, ...reader }: z.output<typeof getRunStepResult>,
  call: Call,
): Promise<GetStepResultResponse> {
  const { reads } = call.plane;
  const run = await readingRun(reader, call);
  const { taskId } = run;
  const steps = (await reads.task(taskId))?.steps ?? [];
  const before = ancestorsOf(steps, run.stepName);
  if (!before.has(stepName)) {
    const message = `Step "${stepName}" is none that must be done before Step "${run.stepName}" of Task ${taskId}.`;
    throw new Fault("not_found", message, { field: "step_name", reason: "STEP_NOT_FOUND" });
  }
  const outputJson = await reads.output({ taskId, stepName });
  if (outputJson === undefined || outputJson === "") {
    const message = `Step "${stepName}" of Task ${taskId} has no result.`;
    throw new Fault("not_found", message, { field: "step_name", reason: "NO_RESULT" });
  }
  const outputBytes = BigInt(Buffer.byteLength(outputJson));
  return { $typeName: "taskrun.v1.GetStepResultResponse", outputJson, outputBytes };
}

/** A Run reads its Task's input, as it was given: what its Step adds has come with the assignment. */
export async function readRunInput(
  reader: z.output<typeof getRunInput>,
  call: Call,
): Promise<GetRunInputResponse> {
  const { taskId } = await readingRun(reader, call);
  const inputJson = await call.inputs.read(taskId);
  if (inputJson === undefined) {
    throw new Fault("not_found", `Task ${taskId} has no input any more.`, { reason: "NO_INPUT" });
  }
  const inputBytes = BigInt(Buffer.byteLength(inputJson));
  return { $typeName: "taskrun.v1.GetRunInputResponse", inputJson, inputBytes };
}

/**
 * The Run that reads, if it is the one that tries its Step now.
 *
 * @throws {Fault} `not_found`, `wrong_state`
 */
async function readingRun(
  { runId, fence }: z.output<typeof getRunInput>,
  { plane, caller }: Call,
): Promise<RunRow> {
  const run = await findRun(plane, caller, runId);
  if (run.fence !== fence) {
    const message = `fence ${fence} is not that of Run ${runId}, which is ${run.fence}: it was given to somebody else since.`;
    throw new Fault("wrong_state", message, { field: "fence", reason: "FENCE_OUTDATED" });
  }
  if (isOver(run.status)) {
    const message = `Run ${runId} is ${run.status}: only one that has not ended reads results.`;
    throw new Fault("wrong_state", message, { reason: "RUN_ENDED", metadata: { status: run.status } });
  }
  return run;
}
