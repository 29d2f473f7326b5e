import type { DeadLetterRow } from "#domain/task/dead-letter";
import type { StepSummary } from "#domain/task/step";
import type { Reason } from "#domain/task/task";
import type { TaskView } from "#domain/task/view";
import type { Instant } from "#domain/time/time";
import { type DlqReason, deadLetterWords, type ResolutionStatus } from "./dead-letter-shape.js";
import { type StepShape, stepShapes } from "./step-shape.js";
import { type TaskShape, taskShape } from "./task-shape.js";

/** What a Step was made of. Follows from the Steps that the Task has, those that were added to it included. */
export interface PlannedStepShape {
  readonly name: string;
  readonly stepType: string;
  /** Its agent; empty if it needs none. */
  readonly handler: string;
  readonly dependencies: readonly string[];
  readonly retryable: boolean;
  readonly maxAttempts: number;
}

export interface StepErrorShape {
  /** As the last Run that failed has it. */
  readonly errorType: Reason;
  /** True if it is, or can be, tried again. */
  readonly retryable: boolean;
}

/** A Task at a glance. */
export interface SummaryShape {
  readonly task: TaskShape;
  readonly plannedSteps: readonly PlannedStepShape[];
  readonly steps: readonly (StepShape & { readonly error: StepErrorShape | undefined })[];
  /** Whether somebody has to look at it; the words are there of every Task that has a dead letter. */
  readonly dlq: {
    readonly inDlq: boolean;
    readonly dlqReason?: DlqReason;
    readonly resolutionStatus?: ResolutionStatus;
  };
  /** Paths of the REST API. */
  readonly links: { readonly task: string; readonly steps: string; readonly dlq: string };
}

/**
 * @param letter the Task's dead letter, if it has one
 * @param base what stands before the paths of the REST API
 */
export function summaryShape(
  view: TaskView,
  letter: DeadLetterRow | undefined,
  now: Instant,
  base = "",
): SummaryShape {
  const { task, steps = [] } = view;
  const path = `${base}/v1/tasks/${encodeURIComponent(task.id)}`;
  return {
    task: taskShape(view),
    plannedSteps: steps.map(plannedShape),
    steps: stepShapes(view, now).map((step) => ({ ...step, error: errorOf(step, view) })),
    dlq: letter ? { inDlq: letter.status === "PENDING", ...deadLetterWords(letter) } : { inDlq: false },
    links: {
      task: path,
      steps: `${path}/workflow_steps`,
      dlq: `${base}/v1/dlq/task/${encodeURIComponent(task.id)}`,
    },
  };
}

function plannedShape({ name, type, agentName, dependsOn, maxAttempts }: StepSummary): PlannedStepShape {
  return {
    name,
    stepType: type,
    handler: agentName,
    dependencies: dependsOn,
    retryable: maxAttempts > 1,
    maxAttempts,
  };
}

/** Of a Step whose last Run has failed. */
function errorOf({ name, retryEligible }: StepShape, { runs = [] }: TaskView): StepErrorShape | undefined {
  const last = runs.findLast(({ stepName }) => stepName === name);
  if (last?.status !== "FAILED") return undefined;
  return { errorType: last.reason, retryable: retryEligible };
}
