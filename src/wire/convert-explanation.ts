import type { FailureCause, StepExplanation, TaskExplanation } from "#domain/task/explanation";
import { taskStatus } from "#domain/task/task";
import { taskWaitingReason, type WaitingMoment } from "#domain/task/waiting-reason";
import type { WorkerAnswer } from "#domain/worker/refusal";
import { stepStateToWire, taskStateToWire, taskStatusToWire } from "./convert-enums.js";
import type * as wire from "./gen/taskrun/v1/task_service_pb.js";

/** The literals name every field, so that a field added to the protocol is a compile error here. */
export function explanationToWire(
  explanation: TaskExplanation,
  moment: WaitingMoment,
): wire.ExplainTaskResponse {
  const { task, steps, moreSteps, failures, actions } = explanation;
  return {
    $typeName: "taskrun.v1.ExplainTaskResponse",
    id: task.id,
    status: taskStatusToWire[taskStatus(task)],
    state: taskStateToWire[task.state],
    waitingReason: taskWaitingReason(task, moment),
    steps: steps.map(stepToWire),
    moreSteps,
    causes: failures.map(causeToWire),
    actions: actions.map((action) => ({ $typeName: "taskrun.v1.NextAction", ...action })),
  };
}

function stepToWire(step: StepExplanation): wire.StepExplanation {
  const { name, cause, detail, moreWorkers } = step;
  return {
    $typeName: "taskrun.v1.StepExplanation",
    name,
    state: stepStateToWire[step.state],
    cause,
    detail,
    untilMs: BigInt(step.until),
    queuePlace: step.place,
    workers: step.workers.map(answerToWire),
    moreWorkers,
    nearAgents: [...step.nearAgents],
    unmet: step.unmet.map((other) => ({
      $typeName: "taskrun.v1.UnmetDependency",
      name: other.name,
      state: stepStateToWire[other.state],
    })),
  };
}

function answerToWire({ workerId, cause, detail, until }: WorkerAnswer): wire.WorkerAnswer {
  return { $typeName: "taskrun.v1.WorkerAnswer", workerId, cause, detail, untilMs: BigInt(until) };
}

export function causeToWire({ at, ...cause }: FailureCause): wire.FailureCause {
  return { $typeName: "taskrun.v1.FailureCause", ...cause, atMs: BigInt(at) };
}
