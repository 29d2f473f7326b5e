import type { Fault } from "../fault.js";
import type { Plan } from "../graph/plan.js";
import type { StepKey, TaskId } from "../id.js";
import type { TemplateRef } from "../template/template.js";
import type { Labels } from "../text/labels.js";
import { type Instant, later, type Millis, NEVER } from "../time/time.js";
import type { Budget, HeldTime, RaisedBudget } from "./budget-terms.js";
import type { TaskSignals } from "./journal.js";
import type { Reason } from "./reason.js";
import { type StepState, stepStates } from "./step.js";
import type { Usage } from "./usage.js";

export type { Labels } from "../text/labels.js";
export type { Reason } from "./reason.js";

/** The twelve states of a Task, in the order of their numbers on the wire. */
export const taskStates = [
  "pending",
  "initializing",
  "enqueuing_steps",
  "steps_in_process",
  "evaluating_results",
  "waiting_for_dependencies",
  "waiting_for_retry",
  "blocked_by_failures",
  "complete",
  "error",
  "cancelled",
  "resolved_manually",
] as const;
export type TaskState = (typeof taskStates)[number];

/** The five statuses of the public protocol. */
export const taskStatuses = ["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"] as const;
export type TaskStatus = (typeof taskStatuses)[number];

/** What the client has requested. Immutable; the input is stored separately. */
export interface TaskSpec {
  readonly agentName: string;
  readonly priority: number;
  /** Timeout of the whole Task; 0 is no limit. */
  readonly timeoutMs: Millis;
  /** Total attempts of each Step; 0 uses the template's number. */
  readonly maxAttempts: number;
  /** How many Runs of each Step may be lost; null or absent, as in rows of before, uses each Step's own number. */
  readonly maxLosses?: number | null;
  readonly labels: Labels;
  /** Labels that a worker must have. */
  readonly workerSelector: Labels;
  readonly createdBy: string;
  readonly correlationId: string;
  /** Not before this instant; 0 is at once. */
  readonly startAt: Instant;
  /** The Task of which this one is a retry, or empty. */
  readonly retryOf: TaskId | "";
  /** Empty if the client has sent none. */
  readonly idempotencyKey: string;
  /** SHA-256 of the request after defaults, without key and correlation id. Empty without a key. */
  readonly fingerprint: string;
  /** On permanent failure the Task waits for an operator instead of ending. */
  readonly holdOnFailure: boolean;
  /** Who created it; only this principal's namespaces may see it. */
  readonly principal: string;
  /** The template it was made from, its version chosen; null if it names an agent. */
  readonly template: TemplateRef | null;
  /** The environment whose overrides of the template apply. */
  readonly environment: string;
  /** How long after its creation the Task owns its idempotency key; 0 for as long as it is kept. */
  readonly keyFor: Millis;
  /** The Step whose child this Task is, and how many ancestors it has. */
  readonly parent: StepKey | null;
  readonly depth: number;
  /** The Task that this one compensates, or empty. */
  readonly compensates: TaskId | "";
  /** True if some Step of it can be compensated. */
  readonly isCompensable: boolean;
  /** What whoever created it should know, as sentences; absent if there is nothing. */
  readonly warnings?: readonly string[];
  /** The Task whose results it has begun with; absent if it is no fork. */
  readonly forkedFrom?: TaskId;
  /** What it and the Tasks below it may use; absent if nothing bounds that. */
  readonly budget?: Budget;
  /** The Tasks above it whose budgets it shares, the nearest first; absent if there are none. */
  readonly budgetsAbove?: readonly TaskId[];
  /** Its place in a trace, see `trace.ts`; absent if it is in none. What follows from the Task inherits it. */
  readonly traceparent?: string;
}

/** How many Steps of a Task are in each state; states with none are absent. */
export type StepCounts = Readonly<Partial<Record<StepState, number>>>;

/** The row of a Task, without its input and output. */
export interface TaskRow {
  readonly id: TaskId;
  readonly namespace: string;
  /** Incremented by every commit that writes the row; 1 when it is first written. */
  readonly revision: number;
  readonly state: TaskState;
  readonly spec: TaskSpec;
  readonly counts: StepCounts;
  /** True once a Step has been assigned to a worker. */
  readonly hasRun: boolean;
  readonly createdAt: Instant;
  readonly finishedAt: Instant;
  readonly reason: Reason;
  readonly errorMessage: string;
  /** Steps in `error` that do not end the Task at once; and how many of these make it fail when the rest is done. */
  readonly tolerated: number;
  readonly isolated: number;
  /** How many members of each batch and map have been dispatched, by the name of the batch or map. */
  readonly opened: Readonly<Record<string, number>>;
  /** False once its idempotency key has expired and another Task has taken it over. */
  readonly ownsKey: boolean;
  /** The Task that compensates what this one did, or empty. */
  readonly compensatedBy: TaskId | "";
  /** True if a Task below it can be compensated: one that is a Step of it, or a Step of one of those. */
  readonly compensableBelow: boolean;
  /** True once it has a dead letter, whatever became of that. */
  readonly hasDeadLetter: boolean;
  /** Steps in `error` that hold it by themselves; absent if there have never been any. */
  readonly holds?: number;
  /** Signals that came and that no Step of its template takes; absent if none has. */
  readonly signals?: TaskSignals;
  /** What was used for it: by its own Runs, and by those of the Tasks that belong to it. Absent if nothing was reported. */
  readonly usage?: Usage;
  /** Of that what came after the Task that used it had ended, so that no log has it; absent if nothing did. */
  readonly lateUsage?: Usage;
  /** Its budget, once it was raised; absent while that of its spec holds. */
  readonly budget?: RaisedBudget;
  /** How long Runs of it and below it were held; absent unless its budget bounds that, and before the first. */
  readonly heldTime?: HeldTime;
  /** UTF-8 length of its input; null in a row of a release that did not keep it. */
  readonly inputBytes: number | null;
}

/** A Task to create, with the id that the use case has generated for it. */
export interface TaskDraft {
  readonly id: TaskId;
  readonly namespace: string;
  readonly spec: TaskSpec;
  /** JSON text, as the client sent it; `{}` if it sent none. */
  readonly input: string;
  /** The plan of its Steps; absent if it names an agent. */
  readonly plan?: Plan;
  /** The Task whose results it begins with, and the Step from which on all is done anew; empty for what failed. */
  readonly fork?: { readonly of: TaskId; readonly from: string };
  /** Why whoever asks wants it, for the audit log. */
  readonly reason?: string;
  /** True if it does the work of `spec.retryOf` again for the dead letter of that: at most one Task does. */
  readonly isRedrive?: true;
  /** Why it is not to be created, unless its idempotency key names a Task that is there. */
  readonly refusal?: Fault;
}

const terminal: ReadonlySet<TaskState> = new Set(["complete", "error", "cancelled", "resolved_manually"]);

/** When the Task times out: `timeoutMs` after it may begin; {@link NEVER} if it has no timeout. */
export function deadlineOf({ createdAt, spec }: Pick<TaskRow, "createdAt" | "spec">): Instant {
  if (spec.timeoutMs === 0) return NEVER;
  return later(spec.startAt > createdAt ? spec.startAt : createdAt, spec.timeoutMs);
}

export function isTerminal(state: TaskState): boolean {
  return terminal.has(state);
}

/** True if the Task waits for an operator when a Step has failed for good, instead of ending. */
export function isHeldOnFailure({ spec, holds = 0 }: Pick<TaskRow, "spec" | "holds">): boolean {
  return spec.holdOnFailure || holds > 0;
}

/** True if there may be something to compensate once it has ended: of its own, or in a Task below it. */
export function canBeCompensated({
  spec,
  compensableBelow,
}: Pick<TaskRow, "spec" | "compensableBelow">): boolean {
  return spec.isCompensable || compensableBelow;
}

/**
 * True if an ended Task is not removed yet, however old it is: another one may need its rows. As long as the Task is there
 * whose Step it is, that may fail, and this one has to be compensated; what compensates it reads its results.
 */
export function isKept(
  { spec, compensatedBy }: Pick<TaskRow, "spec" | "compensatedBy">,
  find: (id: TaskId) => Pick<TaskRow, "state"> | undefined,
): boolean {
  if (spec.parent && find(spec.parent.taskId)) return true;
  const compensation = compensatedBy === "" ? undefined : find(compensatedBy);
  return compensation !== undefined && !isTerminal(compensation.state);
}

/** The public status of a state. Waiting states are PENDING until the first Run, RUNNING after it. */
export function taskStatus({ state, hasRun }: Pick<TaskRow, "state" | "hasRun">): TaskStatus {
  switch (state) {
    case "pending":
    case "initializing":
    case "enqueuing_steps":
    case "waiting_for_dependencies":
    case "waiting_for_retry":
      return hasRun ? "RUNNING" : "PENDING";
    case "steps_in_process":
    case "evaluating_results":
    case "blocked_by_failures":
      return "RUNNING";
    case "complete":
    case "resolved_manually":
      return "COMPLETED";
    case "error":
      return "FAILED";
    case "cancelled":
      return "CANCELLED";
  }
}

/** The states that a public status covers, for a status filter. */
export function rowsOf(status: TaskStatus): readonly Pick<TaskRow, "state" | "hasRun">[] {
  const all = taskStates.flatMap((state) => [true, false].map((hasRun) => ({ state, hasRun })));
  return all.filter((row) => taskStatus(row) === status);
}

export function countOf(counts: StepCounts, ...states: readonly StepState[]): number {
  let sum = 0;
  for (const state of states) sum += counts[state] ?? 0;
  return sum;
}

/** The counts after one Step has moved from one state to another. */
export function moved(counts: StepCounts, from: StepState, to: StepState): StepCounts {
  const next: Partial<Record<StepState, number>> = {};
  for (const state of stepStates) {
    const count = (counts[state] ?? 0) + Number(state === to) - Number(state === from);
    if (count > 0) next[state] = count;
  }
  return next;
}
