import type { StepState } from "#domain/task/step";
import { countOf, isTerminal, type StepCounts, type TaskRow, type TaskState } from "#domain/task/task";
import type { TaskView } from "#domain/task/view";
import { type Instant, instant, NEVER } from "#domain/time/time";
import { notesIn } from "./labels.js";

/** How many Steps of a Task stand where; the ready ones are among the pending ones. */
export interface StepFigures {
  readonly totalSteps: number;
  readonly pendingSteps: number;
  readonly inProgressSteps: number;
  readonly completedSteps: number;
  readonly failedSteps: number;
  readonly readySteps: number;
}

/** What follows from them, in words of Tasker. A Task that was cancelled has a word that Tasker lacks. */
export interface ExecutionFigures {
  readonly executionStatus:
    | "blocked_by_failures"
    | "has_ready_steps"
    | "processing"
    | "all_complete"
    | "waiting_for_dependencies"
    | "cancelled";
  /** Empty if there is nothing to do. */
  readonly recommendedAction:
    | "handle_failures"
    | "execute_ready_steps"
    | "wait_for_completion"
    | "finalize_task"
    | "wait_for_dependencies"
    | "";
  readonly healthStatus: "healthy" | "recovering" | "blocked" | "unknown";
  /** 0 to 100, with two digits. */
  readonly completionPercentage: number;
}

/** A Task as Tasker shows it, in no protocol's types. */
export interface TaskShape extends StepFigures, ExecutionFigures {
  readonly taskUuid: string;
  /** That of its template; of a Task without one its agent. */
  readonly name: string;
  readonly namespace: string;
  /** Empty without a template. */
  readonly version: string;
  readonly state: TaskState;
  readonly createdAt: Instant;
  /** The newest instant that the answer knows of: in lists, which have no Steps, that of its end or its creation. */
  readonly updatedAt: Instant;
  /** {@link NEVER} until it has ended. */
  readonly completedAt: Instant;
  /** The input as JSON text; empty if it is left out, as in lists. */
  readonly context: string;
  readonly initiator: string;
  readonly sourceSystem: string;
  readonly reason: string;
  readonly priority: number;
  readonly tags: readonly string[];
  /** As given, or the Task's own id. */
  readonly correlationId: string;
  /** Empty if it has none. */
  readonly parentCorrelationId: string;
}

export function taskShape({ task, input = "", steps = [], runs = [] }: TaskView): TaskShape {
  const { id, namespace, spec, state, createdAt, finishedAt } = task;
  const { sourceSystem, reason, tags, parentCorrelationId } = notesIn(spec.labels);
  const moments = [...steps, ...runs].flatMap((each) => [each.startedAt, each.finishedAt]);
  return {
    taskUuid: id,
    ...taskName(task),
    ...{ namespace, state, createdAt },
    updatedAt: instant(Math.max(createdAt, finishedAt, ...moments)),
    completedAt: finishedAt,
    context: input,
    initiator: spec.createdBy,
    ...{ sourceSystem, reason, tags, parentCorrelationId },
    priority: spec.priority,
    correlationId: spec.correlationId || id,
    ...stepFigures(task.counts),
    ...executionFigures(task),
  };
}

/** What a Task is called. */
export function taskName({ spec: { template, agentName } }: Pick<TaskRow, "spec">): {
  readonly name: string;
  readonly version: string;
} {
  return { name: template?.name ?? agentName, version: template?.version ?? "" };
}

const pending = ["pending", "enqueued", "waiting_for_retry"] as const satisfies readonly StepState[];
const inProgress = [
  "in_progress",
  "enqueued_for_orchestration",
  "enqueued_as_error_for_orchestration",
] as const satisfies readonly StepState[];
const completed = ["complete", "resolved_manually"] as const satisfies readonly StepState[];

export function stepFigures(counts: StepCounts): StepFigures {
  const done = countOf(counts, ...completed);
  const waiting = countOf(counts, ...pending);
  const atWork = countOf(counts, ...inProgress);
  const failed = countOf(counts, "error");
  return {
    totalSteps: done + waiting + atWork + failed + countOf(counts, "cancelled"),
    pendingSteps: waiting,
    inProgressSteps: atWork,
    completedSteps: done,
    failedSteps: failed,
    readySteps: countOf(counts, "enqueued"),
  };
}

/** What to do about each execution status of a Task that has not ended. */
const advice = {
  blocked_by_failures: "handle_failures",
  has_ready_steps: "execute_ready_steps",
  processing: "wait_for_completion",
  all_complete: "finalize_task",
  waiting_for_dependencies: "wait_for_dependencies",
  cancelled: "",
} as const satisfies Record<ExecutionFigures["executionStatus"], ExecutionFigures["recommendedAction"]>;

export function executionFigures(task: Pick<TaskRow, "state" | "counts" | "tolerated">): ExecutionFigures {
  const { totalSteps, completedSteps } = stepFigures(task.counts);
  const executionStatus = executionStatusOf(task);
  const isFailed = executionStatus === "blocked_by_failures";
  const share = totalSteps === 0 ? 0 : completedSteps / totalSteps;
  return {
    executionStatus,
    recommendedAction: isTerminal(task.state) && !isFailed ? "" : advice[executionStatus],
    healthStatus: healthOf(task, isFailed),
    completionPercentage: Math.round(share * 10_000) / 100,
  };
}

/** By the state of a Task that has ended or is held; else by its Steps, in the order in which Tasker looks at them. */
function executionStatusOf({
  state,
  counts,
}: Pick<TaskRow, "state" | "counts">): ExecutionFigures["executionStatus"] {
  if (state === "complete" || state === "resolved_manually") return "all_complete";
  if (state === "error" || state === "blocked_by_failures") return "blocked_by_failures";
  if (state === "cancelled") return "cancelled";
  const { readySteps, inProgressSteps } = stepFigures(counts);
  if (readySteps > 0) return "has_ready_steps";
  return inProgressSteps > 0 ? "processing" : "waiting_for_dependencies";
}

/** A failure that the template tolerates blocks nothing. */
function healthOf(
  { state, counts, tolerated }: Pick<TaskRow, "state" | "counts" | "tolerated">,
  isFailed: boolean,
): ExecutionFigures["healthStatus"] {
  if (isFailed) return "blocked";
  if (state === "cancelled") return "unknown";
  if (isTerminal(state)) return "healthy";
  return tolerated > 0 || countOf(counts, "waiting_for_retry") > 0 ? "recovering" : "healthy";
}
