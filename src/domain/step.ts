import type { RunId, TaskId, WorkerId } from "./id.js";
import type { Instant, Millis } from "./time.js";

/** The ten states of a Step, in the order the wire numbers them. */
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

/** A Step as it lies in a store, less its output. */
export interface StepRow {
  readonly taskId: TaskId;
  readonly name: string;
  readonly revision: number;
  readonly state: StepState;
  readonly agentName: string;
  readonly dependsOn: readonly string[];
  /** Dependencies not yet satisfied. 0 means it may run. */
  readonly unsatisfied: number;
  /** Runs made so far; the newest Run carries it as its fence. */
  readonly fence: number;
  /** Runs that counted as a try. */
  readonly attempts: number;
  readonly maxAttempts: number;
  /** Times in a row a worker handed the Run back. */
  readonly declines: number;
  /** The worker to keep away from until `avoidUntil`, or empty. */
  readonly avoidWorker: WorkerId | "";
  readonly avoidUntil: Instant;
  /** The lane it waits in, see `lane.ts`. */
  readonly lane: string;
  /** Order in the lane, lower first; fixed when the Step becomes ready. */
  readonly rank: number;
  readonly nextAttemptAt: Instant;
  /** The newest Run, or empty. */
  readonly runId: RunId | "";
  readonly outputBytes: number;
  readonly errorMessage: string;
}

/** A Step that waits for a worker: an entry of the backlog index. */
export interface ReadyStep {
  readonly taskId: TaskId;
  readonly stepName: string;
  readonly lane: string;
  readonly rank: number;
  readonly avoidWorker: WorkerId | "";
  readonly avoidUntil: Instant;
}

const settled: ReadonlySet<StepState> = new Set(["complete", "error", "cancelled", "resolved_manually"]);

/** True if nothing more will happen to the Step while its Task lives on without an operator. */
export function isSettled(state: StepState): boolean {
  return settled.has(state);
}

export function readyStep(step: StepRow): ReadyStep {
  const { taskId, name, lane, rank, avoidWorker, avoidUntil } = step;
  return { taskId, stepName: name, lane, rank, avoidWorker, avoidUntil };
}

/** One point of priority is worth this much waiting: a step of priority 0 overtakes one of 10 after a minute. */
export const PRIORITY_WORTH = 6_000 as Millis;

/** Order within a lane: oldest first, as if it had waited longer the higher its priority. Never rewritten. */
export function rankOf(readyAt: Instant, priority: number): number {
  return readyAt - priority * PRIORITY_WORTH;
}

/** The order in a lane: rank, then age, which ids tell, then name; a store's index has the same. */
export function compareReady(a: ReadyStep, b: ReadyStep): number {
  if (a.rank !== b.rank) return a.rank - b.rank;
  if (a.taskId !== b.taskId) return a.taskId < b.taskId ? -1 : 1;
  return a.stepName < b.stepName ? -1 : Number(a.stepName > b.stepName);
}

/** What a client sees of a Step. */
export type StepSummary = Pick<
  StepRow,
  | "name"
  | "state"
  | "agentName"
  | "attempts"
  | "maxAttempts"
  | "nextAttemptAt"
  | "dependsOn"
  | "outputBytes"
  | "errorMessage"
>;

export function stepSummary(step: StepRow): StepSummary {
  const { name, state, agentName, attempts, maxAttempts } = step;
  const { nextAttemptAt, dependsOn, outputBytes, errorMessage } = step;
  return {
    name,
    state,
    agentName,
    attempts,
    maxAttempts,
    nextAttemptAt,
    dependsOn,
    outputBytes,
    errorMessage,
  };
}
