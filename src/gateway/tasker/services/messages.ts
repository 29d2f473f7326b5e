import { create } from "@bufbuild/protobuf";
import { type Step, StepSchema, type Task, TaskSchema } from "#wire/gen/tasker/v1/tasks_pb";
import type { StepShape } from "../shapes/step-shape.js";
import type { TaskShape } from "../shapes/task-shape.js";
import { stepStateToWire, taskStateToWire } from "./enums.js";
import type { StructRoom } from "./struct-room.js";
import { given, timestampOf } from "./structs.js";

/** @param room of the answer, for its context: without room it is left out */
export function taskToWire(task: TaskShape, room: StructRoom): Task {
  const { state, createdAt, updatedAt, completedAt, context, parentCorrelationId, tags, ...same } = task;
  return create(TaskSchema, {
    ...same,
    state: taskStateToWire[state],
    createdAt: timestampOf(createdAt),
    updatedAt: timestampOf(updatedAt),
    completedAt: timestampOf(completedAt),
    context: room.struct(context),
    tags: [...tags],
    parentCorrelationId: given(parentCorrelationId),
    totalSteps: BigInt(task.totalSteps),
    pendingSteps: BigInt(task.pendingSteps),
    inProgressSteps: BigInt(task.inProgressSteps),
    completedSteps: BigInt(task.completedSteps),
    failedSteps: BigInt(task.failedSteps),
    readySteps: BigInt(task.readySteps),
  });
}

/** @param room of the answer, for its result: without room it is left out */
export function stepToWire(step: StepShape, room: StructRoom): Step {
  const { state, createdAt, updatedAt, completedAt, lastFailureAt, nextRetryAt, lastAttemptedAt, ...rest } =
    step;
  const { results, backoffRequestSeconds, ...same } = rest;
  return create(StepSchema, {
    ...same,
    state: stepStateToWire[state],
    createdAt: timestampOf(createdAt),
    updatedAt: timestampOf(updatedAt),
    completedAt: timestampOf(completedAt),
    results: room.struct(results),
    lastFailureAt: timestampOf(lastFailureAt),
    nextRetryAt: timestampOf(nextRetryAt),
    lastAttemptedAt: timestampOf(lastAttemptedAt),
    backoffRequestSeconds: backoffRequestSeconds === 0 ? undefined : backoffRequestSeconds,
  });
}
