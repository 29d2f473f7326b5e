import type { StepAuditEntry } from "#api/tasks/get-step-audit";
import type { TaskId } from "#domain/id";
import { isOver } from "#domain/task/run";
import type { StepState } from "#domain/task/step";
import type { StepAction } from "#domain/task/step-action";
import { type Instant, NEVER } from "#domain/time/time";
import { partUuid, stepUuid } from "./step-uuid.js";

/** One thing that happened to a Step, as Tasker audits it. */
export interface AuditShape {
  readonly auditUuid: string;
  readonly stepUuid: string;
  readonly transitionUuid: string;
  readonly taskUuid: string;
  readonly recordedAt: Instant;
  /** Of a Run its Worker; empty of what was done by hand. */
  readonly workerUuid: string;
  readonly correlationId: string;
  readonly success: boolean;
  /** Milliseconds; undefined of what was done by hand, and of a Run that never began. */
  readonly executionTimeMs: number | undefined;
  readonly stepName: string;
  readonly fromState: StepState | undefined;
  readonly toState: StepState;
  /** Who did it by hand, and why, which Tasker does not show; of a Run its reason. */
  readonly actor: string;
  readonly reason: string;
}

/** The Step that was audited. */
export interface AuditedStep {
  readonly taskId: TaskId;
  readonly stepName: string;
  readonly correlationId: string;
}

/**
 * What has happened to a Step, newest first: its Runs that have ended, and what people have done to it, which Tasker leaves out.
 * Runs that have not ended have no result to be audited.
 */
export function auditShapes(entries: readonly StepAuditEntry[], step: AuditedStep): readonly AuditShape[] {
  const shapes = entries.flatMap((entry, i) => auditShape(entry, i, step) ?? []);
  // Sorting is stable: of one millisecond the later one is to be the newer one.
  return shapes.reverse().sort((a, b) => b.recordedAt - a.recordedAt);
}

function auditShape(entry: StepAuditEntry, index: number, step: AuditedStep): AuditShape | undefined {
  const { taskId, stepName, correlationId } = step;
  const of = {
    stepUuid: stepUuid(taskId, stepName),
    taskUuid: taskId,
    correlationId: correlationId || taskId,
    stepName,
  };
  if (entry.type === "run") return runShape(entry.run, of);
  const id = `${of.stepUuid}\n${entry.at}\n${index}`;
  return {
    ...of,
    auditUuid: partUuid(id, "audit"),
    transitionUuid: partUuid(id, "transition"),
    recordedAt: entry.at,
    workerUuid: "",
    executionTimeMs: undefined,
    fromState: undefined,
    ...(entry.type === "action"
      ? actionShape(entry.action)
      : { success: true, toState: "complete" as const, actor: entry.from, reason: "TAKEN_OVER" }),
  };
}

/** Undefined for a Run that has not ended. */
function runShape(
  run: Extract<StepAuditEntry, { readonly type: "run" }>["run"],
  of: Pick<AuditShape, "stepUuid" | "taskUuid" | "correlationId" | "stepName">,
): AuditShape | undefined {
  const { id, status, startedAt, finishedAt, workerId, reason } = run;
  if (!isOver(status)) return undefined;
  return {
    ...of,
    auditUuid: id,
    transitionUuid: partUuid(id, "transition"),
    recordedAt: finishedAt,
    workerUuid: workerId,
    success: status === "COMPLETED",
    executionTimeMs: startedAt === NEVER ? undefined : Math.max(0, finishedAt - startedAt),
    fromState: "in_progress",
    toState: toStates[status as keyof typeof toStates],
    ...{ actor: workerId, reason },
  };
}

/** The state in which Tasker audits a Step after a Run that has ended so. */
const toStates = {
  COMPLETED: "enqueued_for_orchestration",
  FAILED: "enqueued_as_error_for_orchestration",
  CANCELLED: "cancelled",
} as const;

function actionShape({ type, actor, reason }: StepAction) {
  return { ...{ actor, reason }, success: type !== "cancel", toState: byHand[type] } as const;
}

/** What a Step comes to be in by what is done by hand. */
const byHand = {
  retry: "pending",
  resolve: "resolved_manually",
  complete: "complete",
  signal: "complete",
  cancel: "cancelled",
  top_up: "pending",
} as const satisfies Record<StepAction["type"], StepState>;
