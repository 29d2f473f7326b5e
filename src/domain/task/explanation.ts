import type { TaskId } from "../id.js";
import { waitFor } from "../pause/pause-set.js";
import { type Instant, later, millis, NEVER } from "../time/time.js";
import type { WorkerAnswer } from "../worker/refusal.js";
import { isWait } from "./journal.js";
import { type StepRow, type StepState, satisfies } from "./step.js";
import { suspensionOf } from "./suspension.js";
import type { Reason, TaskRow } from "./task.js";
import {
  firstNames,
  GIVEN_BACK,
  pausesOver,
  type WaitingCause,
  type WaitingMoment,
} from "./waiting-reason.js";

/** Why a Task is where it is, and what can be done. */
export interface TaskExplanation {
  readonly task: TaskRow;
  /** What its Steps wait for that have not ended and do not run, in DAG order. */
  readonly steps: readonly StepExplanation[];
  /** How many more there are. */
  readonly moreSteps: number;
  /** Of a failure: from the Task down to what failed first. */
  readonly failures: readonly FailureCause[];
  readonly actions: readonly NextAction[];
}

/** What one Step waits for. */
export interface StepExplanation extends Wait {
  readonly name: string;
  readonly state: StepState;
  /** Its place in its lane, from 1; 0 if it is in none, or is not told. */
  readonly place: number;
  /** What the workers say that are nearest to taking it, and how many others there are. */
  readonly workers: readonly WorkerAnswer[];
  readonly moreWorkers: number;
  /** If no worker has ever announced its agent: names that are like it. */
  readonly nearAgents: readonly string[];
}

export interface Wait {
  readonly cause: WaitingCause;
  /** For people. */
  readonly detail: string;
  /** When it ends by itself; {@link NEVER} if nobody knows. */
  readonly until: Instant;
  /** The dependencies that are not done. */
  readonly unmet: readonly Pick<StepRow, "name" | "state">[];
}

/** What went wrong in one place: a Task, one of its Steps, or a Run of it. */
export interface FailureCause {
  readonly taskId: TaskId;
  /** Empty for the Task itself. */
  readonly stepName: string;
  /** Of a Run, else empty. */
  readonly runId: string;
  readonly workerId: string;
  readonly attempt: number;
  readonly reason: Reason;
  readonly message: string;
  /** The stack of what the agent threw, or the like. */
  readonly detail: string;
  readonly at: Instant;
}

/** What can be done now. */
export interface NextAction {
  /** A command line. */
  readonly command: string;
  /** What it does, for people. */
  readonly effect: string;
}

/** What the Step waits for; undefined if it runs, or has ended. */
export function waitOf(
  task: TaskRow,
  step: StepRow,
  steps: readonly StepRow[],
  { now, pauses }: WaitingMoment,
): Wait | undefined {
  switch (step.state) {
    case "pending":
      return pendingWait(task, step, steps);
    case "enqueued": {
      const paused = waitFor(pausesOver(task, step.agentName, pauses));
      if (paused) return wait("PAUSED", paused.detail, paused.until);
      return step.nextAttemptAt > now
        ? wait("BACKOFF", GIVEN_BACK, step.nextAttemptAt)
        : wait("WORKER", `a free slot for agent "${step.agentName}"`);
    }
    case "waiting_for_retry":
      return retryWait(step, now);
    case "in_progress":
      return waitWithoutRun(step, now);
    default:
      return undefined;
  }
}

/** One whose time has come waits for the worker of its last Run. */
function retryWait({ attempts, maxAttempts, nextAttemptAt, journal }: StepRow, now: Instant): Wait {
  const attempt = `attempt ${attempts + 1} of ${maxAttempts}`;
  const once = journal?.open.find((entry) => !isWait(entry));
  if (nextAttemptAt > now || !once) return wait("BACKOFF", attempt, nextAttemptAt);
  const held = `its worker may still be at "${once.name}", which must be done once`;
  return wait("BACKOFF", `${attempt}, when its last run is let go: ${held}`);
}

function pendingWait(task: TaskRow, step: StepRow, steps: readonly StepRow[]): Wait {
  if (task.state === "pending") {
    const { startAt } = task.spec;
    return startAt > NEVER
      ? wait("START_TIME", "its task may not begin before", startAt)
      : wait("TURN", "its task has not begun");
  }
  if (step.unsatisfied > 0) {
    const before = new Set(step.dependsOn);
    const unmet = steps.filter((other) => before.has(other.name) && !satisfies(other));
    const names = firstNames(unmet.map(({ name }) => name));
    return { ...wait("DEPENDENCIES", `after ${names}`), unmet };
  }
  if (task.state === "blocked_by_failures") return wait("OPERATOR", "another step has failed for good");
  const { member } = step.spec;
  return member
    ? wait("TURN", `of "${member.group}" ${member.concurrency} run at a time`)
    : wait("TURN", "what comes before it has not ended");
}

/** What a Step waits for that is worked on without a Run; undefined if it has one. */
function waitWithoutRun(step: StepRow, now: Instant): Wait | undefined {
  const suspended = suspensionOf(step);
  if (suspended) return wait(suspended.cause, suspended.detail, suspended.until);
  const { spec, startedAt, childId } = step;
  switch (spec.type) {
    case "timer":
      return wait("TIMER", "its time has not passed", later(startedAt, spec.delayMs ?? millis(0)));
    case "signal": {
      const { name = "", timeoutMs = millis(0) } = spec.signal ?? {};
      const until = later(startedAt, timeoutMs);
      // Its row says when it first began: tried again by an operator it began later, and its end is not known here.
      return wait("SIGNAL", `nobody has sent "${name}"`, until > now ? until : NEVER);
    }
    case "map":
      return wait("MEMBERS", "its members have not ended");
    default:
      return childId === "" ? undefined : wait("CHILD_TASK", childId);
  }
}

function wait(cause: WaitingCause, detail: string, until: Instant = NEVER): Wait {
  return { cause, detail, until, unmet: [] };
}
