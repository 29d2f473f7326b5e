import type { StaleMinutes } from "../template/template.js";
import { type Instant, instant, later, type Millis, millis, NEVER } from "../time/time.js";
import { NO_JOURNAL, type OpenEntry } from "./journal.js";
import type { RunRow } from "./run.js";
import { hasEnded, PRIORITY_WORTH, type StepRow } from "./step.js";
import { isTerminal, type TaskRow, type TaskState, taskStates } from "./task.js";

/** The states of the Tasks that can be stale. */
export const liveStates = taskStates.filter((state) => !isTerminal(state));

/** How long a Task may rest before somebody should look at it, by what it rests for. */
export interface StaleTerms {
  /** For other Steps, a signal without a limit (that of an agent too), or anything that is not named below. */
  readonly waitingForDependencies: Millis;
  /** For an attempt whose time has come. */
  readonly waitingForRetry: Millis;
  /** With Steps at work of which no worker is heard. */
  readonly stepsInProcess: Millis;
  /** For a worker that takes a ready Step. */
  readonly waitingForWorker: Millis;
  /** For an operator, after a failure. */
  readonly held: Millis;
  /** In all, from when it may begin. */
  readonly lifetime: Millis;
}

/** The terms of a Task whose template has terms of its own. */
export function termsWith(terms: StaleTerms, own: StaleMinutes = {}): StaleTerms {
  const minutes = (count: number | undefined, fallback: Millis) =>
    count === undefined ? fallback : millis(count * 60_000);
  return {
    ...terms,
    waitingForDependencies: minutes(own.max_waiting_for_dependencies_minutes, terms.waitingForDependencies),
    waitingForRetry: minutes(own.max_waiting_for_retry_minutes, terms.waitingForRetry),
    stepsInProcess: minutes(own.max_steps_in_process_minutes, terms.stepsInProcess),
  };
}

/** In the order of the numbers on the wire. */
export const staleHealths = ["HEALTHY", "WARNING", "STALE"] as const;
export type StaleHealth = (typeof staleHealths)[number];

/** How long a Task has rested, and how long it may. */
export interface Staleness {
  readonly state: TaskState;
  /** When something happened to it last. */
  readonly since: Instant;
  /** How long ago that was. */
  readonly rested: Millis;
  readonly threshold: Millis;
  /** Since it may begin. */
  readonly age: Millis;
  /** How long it may take in all. */
  readonly lifetime: Millis;
  /** `STALE` only if nothing is ahead that will move it; `WARNING` from four fifths of the threshold, or of the lifetime, on. */
  readonly health: StaleHealth;
  /** The Step that it rests in, or empty. */
  readonly stepName: string;
}

/** A live Task, with those of its Steps and Runs that are known. */
export interface RestingTask {
  readonly task: TaskRow;
  readonly steps: readonly StepRow[];
  readonly runs: readonly Pick<RunRow, "stepName" | "heldBy" | "createdAt" | "startedAt" | "finishedAt">[];
}

/** True if an operator has paused what the Step needs. Such a Step is not stale: somebody knows of it. */
export type IsPaused = (task: TaskRow, step: StepRow) => boolean;

const nothingPaused: IsPaused = () => false;

/**
 * How a live Task stands; undefined if it has ended.
 *
 * When it moved last follows from its rows: no commit has to write it. What moves it by itself is ahead: a start time, a backoff, a
 * timer, the time limit of a signal, a sleep or a child Task of its agent, a worker that is heard of, a pause that somebody will end.
 */
export function stalenessOf(
  resting: RestingTask,
  terms: StaleTerms,
  now: Instant,
  isPaused: IsPaused = nothingPaused,
): Staleness | undefined {
  const { task, steps } = resting;
  if (isTerminal(task.state)) return undefined;
  const live = steps.filter(({ state }) => !hasEnded(state));
  const since = movedAt(resting, now);
  const { threshold, step } = rest(task, live, terms);
  const isAhead = task.spec.startAt > now || live.some((each) => isMoved(resting, each, now, isPaused));
  const begun = Math.max(task.createdAt, task.spec.startAt);
  const rested = millis(now - since);
  const age = millis(Math.max(0, now - begun));
  const share = Math.max(rested / threshold, age / terms.lifetime);
  return {
    state: task.state,
    ...{ since, rested, threshold, age },
    lifetime: terms.lifetime,
    health: isAhead ? "HEALTHY" : healthOf(share),
    stepName: step?.name ?? "",
  };
}

/** From so much of the threshold on it is a warning. */
const WARNING = 0.8;

function healthOf(share: number): StaleHealth {
  if (share >= 1) return "STALE";
  return share >= WARNING ? "WARNING" : "HEALTHY";
}

/** The newest instant in its rows that has passed. */
function movedAt({ task, steps, runs }: RestingTask, now: Instant): Instant {
  // The clock of the node that has made it may be a little ahead of this one's.
  const instants: number[] = [Math.min(task.createdAt, now), task.spec.startAt];
  for (const step of steps) {
    instants.push(step.startedAt, step.finishedAt, step.nextAttemptAt);
    // What a rank is made of: when the Step became ready.
    if (step.state === "enqueued") instants.push(step.rank + task.spec.priority * PRIORITY_WORTH);
  }
  for (const { createdAt, startedAt, finishedAt } of runs) instants.push(createdAt, startedAt, finishedAt);
  return instant(Math.max(...instants.filter((at) => at <= now)));
}

/** What the Task rests for, and the Step that shows it. */
function rest(
  { state }: TaskRow,
  live: readonly StepRow[],
  terms: StaleTerms,
): { readonly threshold: Millis; readonly step: StepRow | undefined } {
  const inState = (wanted: StepRow["state"]) => live.find((step) => step.state === wanted);
  if (state === "blocked_by_failures") return { threshold: terms.held, step: undefined };
  const ready = inState("enqueued");
  if (ready) return { threshold: terms.waitingForWorker, step: ready };
  const retried = inState("waiting_for_retry");
  if (retried) return { threshold: terms.waitingForRetry, step: retried };
  const atWork = inState("in_progress");
  const isWaiting = atWork?.spec.type === "signal" || atWork?.waits !== undefined;
  if (atWork && !isWaiting) return { threshold: terms.stepsInProcess, step: atWork };
  return { threshold: terms.waitingForDependencies, step: atWork ?? live[0] };
}

/** True if the Step will move by itself. */
function isMoved({ task, runs }: RestingTask, step: StepRow, now: Instant, isPaused: IsPaused): boolean {
  const { state, spec, nextAttemptAt } = step;
  if (isPaused(task, step)) return true;
  if (state === "enqueued" || state === "waiting_for_retry") return nextAttemptAt > now;
  if (state !== "in_progress") return false;
  if (step.childId !== "" || waitsOf(step).some((each) => isAheadOf(each, now))) return true;
  if (spec.type === "timer") return dueAt(step, spec.delayMs) > now;
  if (spec.type === "signal") return dueAt(step, spec.signal?.timeoutMs) > now;
  return runs.some(({ stepName, heldBy }) => stepName === step.name && heldBy !== "");
}

/** What its agent waits for, without a Run. */
function waitsOf({ waits = [], journal = NO_JOURNAL }: StepRow): readonly OpenEntry[] {
  return journal.open.filter(({ entry }) => waits.includes(entry));
}

/** A child Task is looked at by itself; a signal without a limit is for somebody to send. */
function isAheadOf({ until = NEVER, childId }: OpenEntry, now: Instant): boolean {
  return childId !== undefined || until > now;
}

/** {@link NEVER} if it has no limit. */
function dueAt({ startedAt }: StepRow, after: Millis | undefined): Instant {
  return after === undefined || after === millis(0) ? NEVER : later(startedAt, after);
}
