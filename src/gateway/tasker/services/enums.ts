import type { StepState } from "#domain/task/step";
import type { TaskState } from "#domain/task/task";
import * as common from "#wire/gen/tasker/v1/common_pb";
import * as dlq from "#wire/gen/tasker/v1/dlq_pb";
import type { DlqReason, ResolutionStatus, StalenessShape } from "../shapes/dead-letter-shape.js";

/** Words of Tasker and their numbers in `tasker.v1`. */
export const taskStateToWire = {
  pending: common.TaskState.PENDING,
  initializing: common.TaskState.INITIALIZING,
  enqueuing_steps: common.TaskState.ENQUEUING_STEPS,
  steps_in_process: common.TaskState.STEPS_IN_PROCESS,
  evaluating_results: common.TaskState.EVALUATING_RESULTS,
  waiting_for_dependencies: common.TaskState.WAITING_FOR_DEPENDENCIES,
  waiting_for_retry: common.TaskState.WAITING_FOR_RETRY,
  blocked_by_failures: common.TaskState.BLOCKED_BY_FAILURES,
  complete: common.TaskState.COMPLETE,
  error: common.TaskState.ERROR,
  cancelled: common.TaskState.CANCELLED,
  resolved_manually: common.TaskState.RESOLVED_MANUALLY,
} as const satisfies Record<TaskState, common.TaskState>;

export const stepStateToWire = {
  pending: common.StepState.PENDING,
  enqueued: common.StepState.ENQUEUED,
  in_progress: common.StepState.IN_PROGRESS,
  enqueued_for_orchestration: common.StepState.ENQUEUED_FOR_ORCHESTRATION,
  enqueued_as_error_for_orchestration: common.StepState.ENQUEUED_AS_ERROR_FOR_ORCHESTRATION,
  waiting_for_retry: common.StepState.WAITING_FOR_RETRY,
  complete: common.StepState.COMPLETE,
  error: common.StepState.ERROR,
  cancelled: common.StepState.CANCELLED,
  resolved_manually: common.StepState.RESOLVED_MANUALLY,
} as const satisfies Record<StepState, common.StepState>;

export const dlqReasonToWire = {
  staleness_timeout: dlq.DlqReason.STALENESS_TIMEOUT,
  max_retries_exceeded: dlq.DlqReason.MAX_RETRIES_EXCEEDED,
  dependency_cycle_detected: dlq.DlqReason.DEPENDENCY_CYCLE_DETECTED,
  worker_unavailable: dlq.DlqReason.WORKER_UNAVAILABLE,
  manual_dlq: dlq.DlqReason.MANUAL_DLQ,
} as const satisfies Record<DlqReason, dlq.DlqReason>;

export const resolutionStatusToWire = {
  pending: dlq.DlqResolutionStatus.PENDING,
  manually_resolved: dlq.DlqResolutionStatus.MANUALLY_RESOLVED,
  permanently_failed: dlq.DlqResolutionStatus.PERMANENTLY_FAILED,
  cancelled: dlq.DlqResolutionStatus.CANCELLED,
} as const satisfies Record<ResolutionStatus, dlq.DlqResolutionStatus>;

export const stalenessToWire = {
  healthy: dlq.StalenessHealthStatus.HEALTHY,
  warning: dlq.StalenessHealthStatus.WARNING,
  stale: dlq.StalenessHealthStatus.STALE,
} as const satisfies Record<StalenessShape["healthStatus"], dlq.StalenessHealthStatus>;

/** The word of a number; undefined if there is none. */
export function wordOf<Word extends string>(
  words: Readonly<Record<Word, number>>,
  number: number,
): Word | undefined {
  return (Object.keys(words) as Word[]).find((word) => words[word] === number);
}
