import type { BulkAction } from "#domain/task/bulk";
import type { RunStatus } from "#domain/task/run";
import type { ResolveAction, StepState } from "#domain/task/step";
import type { TaskState, TaskStatus } from "#domain/task/task";
import type { WorkerStatus } from "#domain/worker/worker";
import * as wire from "./gen/taskrun/v1/common_pb.js";
import {
  BulkAction as WireBulkAction,
  ResolveAction as WireResolveAction,
} from "./gen/taskrun/v1/task_service_pb.js";

/** The wire's number of each value of the domain. A value added there is a compile error here. */
export const taskStatusToWire = {
  PENDING: wire.TaskStatus.PENDING,
  RUNNING: wire.TaskStatus.RUNNING,
  COMPLETED: wire.TaskStatus.COMPLETED,
  FAILED: wire.TaskStatus.FAILED,
  CANCELLED: wire.TaskStatus.CANCELLED,
} as const satisfies Record<TaskStatus, wire.TaskStatus>;

export const taskStateToWire = {
  pending: wire.TaskState.PENDING,
  initializing: wire.TaskState.INITIALIZING,
  enqueuing_steps: wire.TaskState.ENQUEUING_STEPS,
  steps_in_process: wire.TaskState.STEPS_IN_PROCESS,
  evaluating_results: wire.TaskState.EVALUATING_RESULTS,
  waiting_for_dependencies: wire.TaskState.WAITING_FOR_DEPENDENCIES,
  waiting_for_retry: wire.TaskState.WAITING_FOR_RETRY,
  blocked_by_failures: wire.TaskState.BLOCKED_BY_FAILURES,
  complete: wire.TaskState.COMPLETE,
  error: wire.TaskState.ERROR,
  cancelled: wire.TaskState.CANCELLED,
  resolved_manually: wire.TaskState.RESOLVED_MANUALLY,
} as const satisfies Record<TaskState, wire.TaskState>;

export const stepStateToWire = {
  pending: wire.StepState.PENDING,
  enqueued: wire.StepState.ENQUEUED,
  in_progress: wire.StepState.IN_PROGRESS,
  enqueued_for_orchestration: wire.StepState.ENQUEUED_FOR_ORCHESTRATION,
  enqueued_as_error_for_orchestration: wire.StepState.ENQUEUED_AS_ERROR_FOR_ORCHESTRATION,
  waiting_for_retry: wire.StepState.WAITING_FOR_RETRY,
  complete: wire.StepState.COMPLETE,
  error: wire.StepState.ERROR,
  cancelled: wire.StepState.CANCELLED,
  resolved_manually: wire.StepState.RESOLVED_MANUALLY,
} as const satisfies Record<StepState, wire.StepState>;

export const runStatusToWire = {
  PENDING: wire.RunStatus.PENDING,
  ASSIGNED: wire.RunStatus.ASSIGNED,
  RUNNING: wire.RunStatus.RUNNING,
  COMPLETED: wire.RunStatus.COMPLETED,
  FAILED: wire.RunStatus.FAILED,
  CANCELLED: wire.RunStatus.CANCELLED,
} as const satisfies Record<RunStatus, wire.RunStatus>;

export const workerStatusToWire = {
  IDLE: wire.WorkerStatus.IDLE,
  BUSY: wire.WorkerStatus.BUSY,
  DRAINING: wire.WorkerStatus.DRAINING,
  ERROR: wire.WorkerStatus.ERROR,
} as const satisfies Record<WorkerStatus, wire.WorkerStatus>;

export const resolveActionToWire = {
  retry: WireResolveAction.RESET_FOR_RETRY,
  resolve: WireResolveAction.RESOLVE_MANUALLY,
  complete: WireResolveAction.COMPLETE_MANUALLY,
} as const satisfies Record<ResolveAction["type"], WireResolveAction>;

export const bulkActionToWire = {
  cancel: WireBulkAction.CANCEL,
  retry: WireBulkAction.RETRY,
  fork: WireBulkAction.FORK,
  reset: WireBulkAction.RESET,
  resolve: WireBulkAction.RESOLVE,
} as const satisfies Record<BulkAction, WireBulkAction>;

/** Inverts a table: the value of a number; undefined for UNSPECIFIED and for numbers of later versions. */
export function reader<Word extends string>(table: Readonly<Record<Word, number>>) {
  const words = new Map<number, Word>();
  for (const word in table) words.set(table[word], word);
  return (number: number): Word | undefined => words.get(number);
}

export const taskStatusFromWire = reader<TaskStatus>(taskStatusToWire);
export const taskStateFromWire = reader<TaskState>(taskStateToWire);
export const stepStateFromWire = reader<StepState>(stepStateToWire);
export const runStatusFromWire = reader<RunStatus>(runStatusToWire);
export const workerStatusFromWire = reader<WorkerStatus>(workerStatusToWire);
export const bulkActionFromWire = reader<BulkAction>(bulkActionToWire);
export const resolveActionFromWire = reader<ResolveAction["type"]>(resolveActionToWire);
