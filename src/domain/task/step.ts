import type { StepSpec } from "../graph/plan.js";
import type { RunId, TaskId, WorkerId } from "../id.js";
import type { StepType } from "../template/template.js";
import { type Instant, type Millis, NEVER } from "../time/time.js";
import type { StepJournal } from "./journal.js";
import { lossesOf, maxLossesOf } from "./losses.js";
import type { Reason } from "./reason.js";
import { type Suspension, suspensionOf } from "./suspension.js";

/** The ten states of a Step, in the order of their numbers on the wire. */
export const stepStates = [
  "pending",
  "enqueued",
  "in_progress",
  "enqueued_for_orchestration",
  "enqueued_as_error_for_orchestration",
  "waiting_for_retry",
  "complete",
  "error",
  "cancelled",
  "resolved_manually",
] as const;
export type StepState = (typeof stepStates)[number];

/** The row of a Step, without its output. */
export interface StepRow {
  readonly taskId: TaskId;
  readonly name: string;
  readonly revision: number;
  readonly state: StepState;
  /** Empty if it needs no worker. */
  readonly agentName: string;
  /** What it does. Written once. */
  readonly spec: StepSpec;
  readonly dependsOn: readonly string[];
  /** The Steps that depend on it, the inverse of `dependsOn`. */
  readonly dependants: readonly string[];
  /** The Steps that it has created, in order, if it is a batch or a map. */
  readonly members: readonly string[];
  /** Number of dependencies that are not satisfied yet; at 0 it may run. */
  readonly unsatisfied: number;
  /** Runs made so far; the newest Run carries it as its fence. */
  readonly fence: number;
  /** Runs that count as an attempt. */
  readonly attempts: number;
  readonly maxAttempts: number;
  /** Runs that were lost: with their worker, or with what they had written. They count as no attempt. */
  readonly losses: number;
  /** How many there may be; null in a row of a release that did not keep it, see `maxLossesOf`. */
  readonly maxLosses: number | null;
  /** Consecutive Runs that were declined, or that stopped at the checkpoint where they began. */
  readonly declines: number;
  /** The worker that it avoids until `avoidUntil`, or empty. */
  readonly avoidWorker: WorkerId | "";
  readonly avoidUntil: Instant;
  /** The lane it waits in, see `lane.ts`. */
  readonly lane: string;
  /** Order in the lane, lower first; fixed when the Step becomes ready. */
  readonly rank: number;
  /** While it waits for a retry or in the queue: it is not assigned before this instant. */
  readonly nextAttemptAt: Instant;
  /** The newest Run, or empty. */
  readonly runId: RunId | "";
  readonly outputBytes: number;
  readonly errorMessage: string;
  /**
   * True if a Run of it ended otherwise than by its agent's own word, or by a result that was not accepted: its agent may
   * have done its work. Kept only of Steps that may have to be compensated.
   */
  readonly inDoubt: boolean;
  /** True if it has an input of its own in addition to the Task's: an item, a batch, a checkpoint. */
  readonly hasInput: boolean;
  /** True if its signal has been received, even if it does not wait for it yet. */
  readonly signalled: boolean;
  /** Its child Task, or empty. */
  readonly childId: TaskId | "";
  /** When it first began, and when it ended. */
  readonly startedAt: Instant;
  readonly finishedAt: Instant;
  /** Counts the Task's Steps in the order in which they completed, from 1; 0 before. */
  readonly order: number;
  /** UTF-8 length of its own input, 0 if it has none; null in a row of a release that did not keep it. */
  readonly inputBytes: number | null;
  /** What its agent has journaled; absent if nothing. */
  readonly journal?: StepJournal;
  /** The entries of its journal that it waits for without a Run; absent unless its Run was suspended. */
  readonly waits?: readonly number[] | undefined;
  /** Why it has failed in a way that a person, or a larger budget, can put right: it holds its Task. Absent otherwise. */
  readonly heldFor?: HoldReason | undefined;
}

/** Why a failed Step holds its Task, whatever the template says of failures. */
export type HoldReason = Extract<Reason, "IN_DOUBT" | "BUDGET_EXCEEDED">;

/** The reason of a failure as one that holds the Task; undefined of any other. */
export function holdReasonOf(reason: Reason | undefined): HoldReason | undefined {
  return reason === "IN_DOUBT" || reason === "BUDGET_EXCEEDED" ? reason : undefined;
}

/** A new Step's row. */
export function newStep(
  made: Pick<StepRow, "taskId" | "name" | "agentName" | "spec"> & Partial<StepRow>,
): StepRow {
  return {
    revision: 0,
    state: "pending",
    dependsOn: [],
    dependants: [],
    members: [],
    unsatisfied: 0,
    fence: 0,
    attempts: 0,
    maxAttempts: made.spec.maxAttempts,
    losses: 0,
    maxLosses: lossesOf(made.spec),
    declines: 0,
    avoidWorker: "",
    avoidUntil: NEVER,
    lane: "",
    rank: 0,
    nextAttemptAt: NEVER,
    runId: "",
    outputBytes: 0,
    errorMessage: "",
    inDoubt: false,
    hasInput: false,
    signalled: false,
    childId: "",
    startedAt: NEVER,
    finishedAt: NEVER,
    order: 0,
    inputBytes: 0,
    ...made,
  };
}

/** A Step that waits for a worker: an entry of the backlog index. */
export interface ReadyStep {
  readonly taskId: TaskId;
  readonly stepName: string;
  readonly lane: string;
  readonly rank: number;
  readonly declines: number;
  readonly avoidWorker: WorkerId | "";
  readonly avoidUntil: Instant;
  /** It is not assigned before this instant. */
  readonly nextAttemptAt: Instant;
}

/** True if the dependency on this Step is satisfied: it has completed, or its failure is tolerated. */
export function satisfies(step: Pick<StepRow, "state" | "spec" | "heldFor">): boolean {
  const { state } = step;
  return state === "complete" || state === "resolved_manually" || (state === "error" && isTolerated(step));
}

/** True if a failure of the Step for its agent's sake does not end its Task at once. */
export function tolerates({ member }: Pick<StepSpec, "member">): boolean {
  return member !== undefined && member.failure !== "fail_fast";
}

/** True if this failure of the Step does not end its Task at once. One that holds the Task is tolerated nowhere. */
export function isTolerated({ spec, heldFor }: Pick<StepRow, "spec" | "heldFor">): boolean {
  return heldFor === undefined && tolerates(spec);
}

/** True if the Step has failed, and its Task fails with it: at once, or when all else has ended. */
export function failsTask(step: Pick<StepRow, "state" | "spec" | "heldFor">): boolean {
  return step.state === "error" && (!isTolerated(step) || step.spec.member?.failure === "isolate");
}

const ended: ReadonlySet<StepState> = new Set(["complete", "error", "cancelled", "resolved_manually"]);

/** True if the Step's state does not change any more, except by an operator. */
export function hasEnded(state: StepState): boolean {
  return ended.has(state);
}

/** True if the Step's result is that of another Task, which this one was forked from: nothing has happened to it here. */
export function isTakenOver(
  { state, fence, startedAt, finishedAt }: StepRow,
  { createdAt, spec }: { readonly createdAt: Instant; readonly spec: { readonly forkedFrom?: TaskId } },
): boolean {
  const began = fence > 0 || startedAt !== NEVER;
  return spec.forkedFrom !== undefined && hasEnded(state) && !began && finishedAt <= createdAt;
}

export function readyStep(step: StepRow): ReadyStep {
  const { taskId, name, lane, rank, declines, avoidWorker, avoidUntil, nextAttemptAt } = step;
  return { taskId, stepName: name, lane, rank, declines, avoidWorker, avoidUntil, nextAttemptAt };
}

/** One point of priority equals this much waiting: a Step of priority 0 overtakes one of priority 10 after a minute. */
export const PRIORITY_WORTH = 6_000 as Millis;

/** The rank in a lane, lower first: when the Step became ready, minus a bonus for its priority. Never changed. */
export function rankOf(readyAt: Instant, priority: number): number {
  return readyAt - priority * PRIORITY_WORTH;
}

type Place = Pick<ReadyStep, "rank" | "taskId" | "stepName">;

/**
 * The order in a lane: by rank, then by task id (which is the age), then by name. A store's index has the same order.
 */
export function compareReady(a: Place, b: Place): number {
  if (a.rank !== b.rank) return a.rank - b.rank;
  if (a.taskId !== b.taskId) return a.taskId < b.taskId ? -1 : 1;
  return a.stepName < b.stepName ? -1 : Number(a.stepName > b.stepName);
}

export const resolveActions = ["retry", "resolve", "complete"] as const satisfies ResolveAction["type"][];

/** An operator's action on a Step that has failed for good: try it again, or decide how it ended. */
export type ResolveAction = (
  | { readonly type: "retry" }
  | { readonly type: "resolve" }
  /** With this result, as JSON text; empty if none. */
  | { readonly type: "complete"; readonly output: string }
) & {
  /** The entry of its journal that is meant, and not the Step itself. */
  readonly entry?: number;
};

/** The part of a Step that clients see. */
export type StepSummary = Pick<
  StepRow,
  | "name"
  | "state"
  | "agentName"
  | "attempts"
  | "maxAttempts"
  | "losses"
  | "nextAttemptAt"
  | "dependsOn"
  | "outputBytes"
  | "errorMessage"
  | "startedAt"
  | "finishedAt"
  | "childId"
> & {
  readonly type: StepType;
  readonly maxLosses: number;
  /** What its agent waits for without a Run; absent unless it does. */
  readonly suspended?: Pick<Suspension, "cause" | "detail" | "until">;
};

/** Of what its agent waits for as much as there is room for in every event. */
function waitOf({ cause, detail, until }: Suspension): NonNullable<StepSummary["suspended"]> {
  return { cause, detail, until };
}

export function stepSummary(step: StepRow): StepSummary {
  const { name, state, agentName, attempts, maxAttempts, losses, spec } = step;
  const { nextAttemptAt, dependsOn, outputBytes, errorMessage, startedAt, finishedAt, childId } = step;
  const suspended = suspensionOf(step);
  return {
    type: spec.type,
    name,
    state,
    agentName,
    attempts,
    maxAttempts,
    losses,
    maxLosses: maxLossesOf(step),
    nextAttemptAt,
    dependsOn,
    outputBytes,
    errorMessage,
    startedAt,
    finishedAt,
    childId,
    ...(suspended && { suspended: waitOf(suspended) }),
  };
}
