import { create } from "@bufbuild/protobuf";
import { iso } from "#domain/time/iso";
import { type Instant, NEVER } from "#domain/time/time";
import {
  type GetTaskSummaryRequest,
  type GetTaskSummaryResponse,
  GetTaskSummaryResponseSchema,
} from "#wire/gen/tasker/v1/tasks_pb";
import type { Call } from "../../rpc.js";
import { type SummaryShape, summaryShape } from "../shapes/summary-shape.js";
import { given } from "./structs.js";
import { letterOf, taskOf } from "./task-parts.js";

/** GetTaskSummary: a Task at a glance. Its links are paths of the REST API. */
export async function getTaskSummary(
  request: GetTaskSummaryRequest,
  call: Call,
): Promise<GetTaskSummaryResponse> {
  const view = await taskOf(request, call);
  const { plannedSteps, steps, dlq, links, ...shape } = summaryShape(
    view,
    await letterOf(view, call),
    call.services.plane.now(),
  );
  return create(GetTaskSummaryResponseSchema, {
    task: taskSummary(shape.task),
    template: { steps: plannedSteps.map((step) => ({ ...step, dependencies: [...step.dependencies] })) },
    steps: steps.map(stepSummary),
    dlq,
    links,
  });
}

function taskSummary(task: SummaryShape["task"]) {
  const { state, createdAt, updatedAt, completedAt, recommendedAction, ...same } = task;
  return {
    ...{ taskUuid: same.taskUuid, name: same.name, namespace: same.namespace, version: same.version },
    ...{ initiator: same.initiator, sourceSystem: same.sourceSystem, reason: same.reason },
    ...{ correlationId: same.correlationId, completionPercentage: same.completionPercentage },
    ...{ healthStatus: same.healthStatus, executionStatus: same.executionStatus },
    status: state,
    createdAt: iso(createdAt),
    updatedAt: iso(updatedAt),
    completedAt: timeOf(completedAt),
    totalSteps: BigInt(same.totalSteps),
    pendingSteps: BigInt(same.pendingSteps),
    inProgressSteps: BigInt(same.inProgressSteps),
    completedSteps: BigInt(same.completedSteps),
    failedSteps: BigInt(same.failedSteps),
    recommendedAction: given(recommendedAction),
  };
}

function stepSummary({ state, error, ...step }: SummaryShape["steps"][number]) {
  return {
    ...{ stepUuid: step.stepUuid, name: step.name, attempts: step.attempts, maxAttempts: step.maxAttempts },
    ...{ dependenciesSatisfied: step.dependenciesSatisfied, retryEligible: step.retryEligible },
    currentState: state,
    createdAt: timeOf(step.createdAt),
    completedAt: timeOf(step.completedAt),
    lastAttemptedAt: timeOf(step.lastAttemptedAt),
    error,
  };
}

function timeOf(at: Instant): string | undefined {
  return at === NEVER ? undefined : iso(at);
}
