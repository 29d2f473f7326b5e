import type { TaskView } from "#domain/task/view";
import { iso } from "#domain/time/iso";
import { TaskSchema } from "#wire/gen/taskrun/v1/task_service_pb";
import { taskAnswer } from "../../handlers/task-answer.js";
import type { Call } from "../../rpc.js";
import { type StepShape, stepShapes } from "../shapes/step-shape.js";
import { type TaskShape, taskShape } from "../shapes/task-shape.js";
import { jsonOrNull, ourParts, type Part, type Parts, textOrNull, timeOrNull } from "./json.js";

/**
 * A Task in the shape of Tasker, with its Steps, and beside it all that an answer of ours has, by other names where they have
 * one in common: `id` is `task_uuid`, and our `status` is `task_status`. What ours would have a second time as text is left out: the
 * input, which is `context`, and the results of Steps, which are `results`.
 */
export function taskJson(view: TaskView, call: Call): Parts {
  const { status, steps, input_json: _, ...ours } = ourParts(TaskSchema, taskAnswer(view, call));
  const own = { task_status: status, ...taskerParts(taskShape(view)) };
  return { ...ours, ...own, steps: besideOurs(steps as readonly Parts[], view, call) };
}

/** The Steps of a Task, in the same way. */
export function stepsJson(view: TaskView, call: Call): readonly Parts[] {
  return besideOurs(ourParts(TaskSchema, taskAnswer(view, call)).steps as readonly Parts[], view, call);
}

function besideOurs(ours: readonly Parts[], view: TaskView, call: Call): readonly Parts[] {
  return stepShapes(view, call.services.plane.now()).map((step, i) => {
    const { output_json: _, ...own } = ours[i] ?? {};
    return { ...own, ...stepParts(step) };
  });
}

function taskerParts(task: TaskShape): Parts {
  return {
    task_uuid: task.taskUuid,
    name: task.name,
    namespace: task.namespace,
    version: task.version,
    status: task.state,
    created_at: iso(task.createdAt),
    updated_at: iso(task.updatedAt),
    completed_at: timeOrNull(task.completedAt),
    context: jsonOrNull(task.context),
    initiator: task.initiator,
    source_system: task.sourceSystem,
    reason: task.reason,
    priority: task.priority,
    tags: task.tags,
    correlation_id: task.correlationId,
    parent_correlation_id: textOrNull(task.parentCorrelationId),
    ...figures(task),
  };
}

function figures(task: TaskShape): Parts {
  return {
    total_steps: task.totalSteps,
    pending_steps: task.pendingSteps,
    in_progress_steps: task.inProgressSteps,
    completed_steps: task.completedSteps,
    failed_steps: task.failedSteps,
    ready_steps: task.readySteps,
    execution_status: task.executionStatus,
    recommended_action: textOrNull(task.recommendedAction),
    completion_percentage: task.completionPercentage,
    health_status: task.healthStatus,
  };
}

function stepParts(step: StepShape): Parts {
  return {
    step_uuid: step.stepUuid,
    task_uuid: step.taskUuid,
    name: step.name,
    current_state: step.state,
    created_at: iso(step.createdAt),
    updated_at: iso(step.updatedAt),
    completed_at: timeOrNull(step.completedAt),
    results: jsonOrNull(step.results) as Part,
    dependencies_satisfied: step.dependenciesSatisfied,
    retry_eligible: step.retryEligible,
    ready_for_execution: step.readyForExecution,
    total_parents: step.totalParents,
    completed_parents: step.completedParents,
    attempts: step.attempts,
    max_attempts: step.maxAttempts,
    last_failure_at: timeOrNull(step.lastFailureAt),
    next_retry_at: timeOrNull(step.nextRetryAt),
    last_attempted_at: timeOrNull(step.lastAttemptedAt),
    backoff_request_seconds: step.backoffRequestSeconds === 0 ? null : step.backoffRequestSeconds,
  };
}

/** A Task at a glance, without contexts and results. */
export function summaryTaskParts(task: TaskShape): Parts {
  const { context: _, ...parts } = taskerParts(task);
  return parts;
}

/** A Step in a summary. */
export function summaryStepParts(step: StepShape): Parts {
  const { results: _, task_uuid: __, ...parts } = stepParts(step);
  return parts;
}
