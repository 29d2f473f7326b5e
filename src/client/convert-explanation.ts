import { stepStateFromWire, taskStateFromWire, taskStatusFromWire } from "#wire/convert-enums";
import type * as wire from "#wire/gen/taskrun/v1/task_service_pb";
import type { FailureCause, StepExplanation, TaskExplanation } from "./explanation-views.js";

/** An explanation as the client gives it, of what the server has answered. */
export function toExplanation(answer: wire.ExplainTaskResponse): TaskExplanation {
  return {
    id: answer.id,
    status: taskStatusFromWire(answer.status) ?? "UNSPECIFIED",
    state: taskStateFromWire(answer.state) ?? "unspecified",
    waitingReason: answer.waitingReason,
    steps: answer.steps.map(toStep),
    moreSteps: answer.moreSteps,
    causes: answer.causes.map(toCause),
    actions: answer.actions.map(({ command, effect }) => ({ command, effect })),
  };
}

export function toCause({ $typeName, atMs, ...cause }: wire.FailureCause): FailureCause {
  return { ...cause, atMs: Number(atMs) };
}

function toStep(step: wire.StepExplanation): StepExplanation {
  const { name, cause, detail, queuePlace, moreWorkers, nearAgents } = step;
  return {
    ...{ name, cause, detail, queuePlace, moreWorkers, nearAgents },
    state: stepStateFromWire(step.state) ?? "unspecified",
    untilMs: Number(step.untilMs),
    workers: step.workers.map(({ $typeName, untilMs, ...answer }) => ({
      ...answer,
      untilMs: Number(untilMs),
    })),
    unmet: step.unmet.map((other) => ({
      name: other.name,
      state: stepStateFromWire(other.state) ?? "unspecified",
    })),
  };
}
