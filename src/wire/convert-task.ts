import { budgetOf, usedAsWritten } from "#domain/task/budget";
import type { RunDetail } from "#domain/task/run";
import type { StepSummary } from "#domain/task/step";
import { type TaskRow, taskStatus } from "#domain/task/task";
import { NO_USAGE } from "#domain/task/usage";
import type { TaskView } from "#domain/task/view";
import {
  stepWaitingReason,
  taskWaitingReason,
  type WaitingMoment,
  type WaitingTask,
} from "#domain/task/waiting-reason";
import { budgetToWire } from "./convert-budget.js";
import { runStatusToWire, stepStateToWire, taskStateToWire, taskStatusToWire } from "./convert-enums.js";
import { templateRefToWire } from "./convert-template.js";
import { usageToWire } from "./convert-usage.js";
import { modelBackendToWire } from "./convert-worker.js";
import type { GetStepResultResponse } from "./gen/taskrun/v1/common_pb.js";
import type * as wire from "./gen/taskrun/v1/task_service_pb.js";

/** The parts of a Task that are not in its row. Those left out are empty on the wire. */
export type TaskParts = Omit<TaskView, "task">;

/** @param moment when, and what is paused then: of it the reasons why the Task waits */
export function taskViewToWire(view: TaskView, moment: WaitingMoment): wire.Task {
  return taskToWire(view.task, moment, view);
}

/** The literals name every field, so that a field added to the protocol is a compile error here. */
export function taskToWire(
  row: TaskRow,
  moment: WaitingMoment,
  { input = "", output = "", steps = [], results, runs = [] }: TaskParts = {},
): wire.Task {
  const { id, namespace, spec } = row;
  const budget = budgetOf(row);
  return {
    $typeName: "taskrun.v1.Task",
    id,
    agentName: spec.agentName,
    inputJson: input,
    status: taskStatusToWire[taskStatus(row)],
    createdBy: spec.createdBy,
    createdAtMs: BigInt(row.createdAt),
    labels: spec.labels,
    runs: runs.map(runToWire),
    state: taskStateToWire[row.state],
    steps: steps.map((step) => stepToWire(step, row, moment, results?.get(step.name))),
    outputJson: output,
    errorMessage: row.errorMessage,
    finishedAtMs: BigInt(row.finishedAt),
    priority: spec.priority,
    timeoutMs: BigInt(spec.timeoutMs),
    maxAttempts: spec.maxAttempts,
    namespace,
    workerSelector: spec.workerSelector,
    correlationId: spec.correlationId,
    startAtMs: BigInt(spec.startAt),
    retryOf: spec.retryOf,
    ...(typeof spec.maxLosses === "number" && { maxLosses: spec.maxLosses }),
    ...(spec.template && { template: templateRefToWire(spec.template) }),
    ...(budget && { budget: budgetToWire(budget) }),
    parentTaskId: spec.parent?.taskId ?? "",
    parentStepName: spec.parent?.stepName ?? "",
    compensates: spec.compensates,
    compensatedBy: row.compensatedBy,
    waitingReason: taskWaitingReason(row, moment),
    warnings: spec.warnings ? [...spec.warnings] : [],
    ...((row.usage || row.heldTime) && {
      usage: usageToWire(row.usage ?? NO_USAGE, row.lateUsage, usedAsWritten(row).wallMs),
    }),
    forkedFrom: spec.forkedFrom ?? "",
  };
}

/** @param output the result as JSON text; empty if there is none or if it is too large to include */
export function stepToWire(
  step: StepSummary,
  task: WaitingTask,
  moment: WaitingMoment,
  output = "",
): wire.Step {
  return {
    $typeName: "taskrun.v1.Step",
    name: step.name,
    state: stepStateToWire[step.state],
    agentName: step.agentName,
    attempts: step.attempts,
    maxAttempts: step.maxAttempts,
    nextAttemptAtMs: BigInt(step.nextAttemptAt),
    dependsOn: [...step.dependsOn],
    outputJson: output,
    outputBytes: BigInt(step.outputBytes),
    errorMessage: step.errorMessage,
    type: step.type,
    startedAtMs: BigInt(step.startedAt),
    finishedAtMs: BigInt(step.finishedAt),
    childTaskId: step.childId,
    losses: step.losses,
    maxLosses: step.maxLosses,
    waitingReason: stepWaitingReason(step, task, moment),
  };
}

export function runToWire(run: RunDetail): wire.RunSummary {
  const shown: wire.RunSummary = {
    $typeName: "taskrun.v1.RunSummary",
    runId: run.id,
    workerId: run.workerId,
    status: runStatusToWire[run.status],
    startedAtMs: BigInt(run.startedAt),
    finishedAtMs: BigInt(run.finishedAt),
    errorMessage: run.errorMessage,
    attempt: run.attempt,
    stepName: run.stepName,
    reason: run.reason,
    fence: run.fence,
    errorDetail: run.errorDetail ?? "",
    ...(run.usage && { usage: usageToWire(run.usage) }),
  };
  return run.backend ? { ...shown, backendUsed: modelBackendToWire(run.backend) } : shown;
}

export function stepResultToWire(result: {
  readonly outputJson: string;
  readonly outputBytes: number;
}): GetStepResultResponse {
  const { outputJson, outputBytes } = result;
  return {
    $typeName: "taskrun.v1.GetStepResultResponse",
    outputJson,
    outputBytes: BigInt(outputBytes),
  };
}
