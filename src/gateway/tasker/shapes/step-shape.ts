import type { RunDetail } from "#domain/task/run";
import { hasEnded, type StepState, type StepSummary } from "#domain/task/step";
import { isTerminal } from "#domain/task/task";
import type { TaskView } from "#domain/task/view";
import { type Instant, instant, NEVER } from "#domain/time/time";
import { stepUuid } from "./step-uuid.js";

/** A Step as Tasker shows it, with whether it may run; instants are {@link NEVER} where there is none. */
export interface StepShape {
  readonly stepUuid: string;
  readonly taskUuid: string;
  readonly name: string;
  readonly state: StepState;
  /** That of its Task: when a Step was added later is not kept. */
  readonly createdAt: Instant;
  readonly updatedAt: Instant;
  readonly completedAt: Instant;
  /** The result as JSON text; empty if there is none, or if the answer has no room for it. */
  readonly results: string;
  readonly dependenciesSatisfied: boolean;
  readonly retryEligible: boolean;
  readonly readyForExecution: boolean;
  readonly totalParents: number;
  readonly completedParents: number;
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly lastFailureAt: Instant;
  readonly nextRetryAt: Instant;
  readonly lastAttemptedAt: Instant;
  /** The delay before the next attempt; 0 unless it waits for one. */
  readonly backoffRequestSeconds: number;
}

/** All Steps of a Task, in the order in which they can run. @param now by which a retry is due */
export function stepShapes(view: TaskView, now: Instant): readonly StepShape[] {
  const { steps = [], runs = [] } = view;
  const stateOf = new Map(steps.map(({ name, state }) => [name, state]));
  const runsOf = new Map<string, RunDetail[]>();
  for (const run of runs) {
    const same = runsOf.get(run.stepName);
    if (same) same.push(run);
    else runsOf.set(run.stepName, [run]);
  }
  return steps.map((step) => stepShape(step, { view, now, stateOf, runs: runsOf.get(step.name) ?? [] }));
}

interface Around {
  readonly view: TaskView;
  readonly now: Instant;
  readonly stateOf: ReadonlyMap<string, StepState>;
  /** The Step's own, oldest first. */
  readonly runs: readonly RunDetail[];
}

function stepShape(step: StepSummary, { view, now, stateOf, runs }: Around): StepShape {
  const { name, state, dependsOn, attempts, maxAttempts, startedAt, finishedAt, nextAttemptAt } = step;
  const { task, results } = view;
  const completedParents = dependsOn.filter((parent) => isDone(stateOf.get(parent))).length;
  const lastFailureAt = latest(runs.filter(({ status }) => status === "FAILED").map((run) => run.finishedAt));
  const isLive = !hasEnded(state) && !isTerminal(task.state);
  const nextRetryAt = isLive ? nextAttemptAt : NEVER;
  return {
    stepUuid: stepUuid(task.id, name),
    taskUuid: task.id,
    ...{ name, state, attempts, maxAttempts, completedParents, lastFailureAt, nextRetryAt },
    createdAt: task.createdAt,
    updatedAt: latest([
      task.createdAt,
      startedAt,
      finishedAt,
      ...runs.flatMap((run) => [run.startedAt, run.finishedAt]),
    ]),
    completedAt: isDone(state) ? finishedAt : NEVER,
    results: results?.get(name) ?? "",
    dependenciesSatisfied: state !== "pending" || completedParents === dependsOn.length,
    retryEligible: isLive && (attempts === 0 || attempts < maxAttempts),
    readyForExecution: isLive && state === "enqueued" && nextAttemptAt <= now,
    totalParents: dependsOn.length,
    lastAttemptedAt: latest([startedAt, ...runs.map((run) => run.startedAt)]),
    backoffRequestSeconds: backoffOf(state, nextRetryAt, lastFailureAt),
  };
}

function backoffOf(state: StepState, nextRetryAt: Instant, lastFailureAt: Instant): number {
  if (state !== "waiting_for_retry" || lastFailureAt === NEVER) return 0;
  return Math.max(0, Math.ceil((nextRetryAt - lastFailureAt) / 1_000));
}

function isDone(state: StepState | undefined): boolean {
  return state === "complete" || state === "resolved_manually";
}

function latest(moments: readonly Instant[]): Instant {
  return instant(Math.max(NEVER, ...moments));
}
