import type { Pause } from "../pause/pause.js";
import { type PauseSet, waitFor } from "../pause/pause-set.js";
import { iso } from "../time/iso.js";
import { type Instant, NEVER } from "../time/time.js";
import { type HoldReason, holdReasonOf, type StepSummary } from "./step.js";
import { countOf, isTerminal, type TaskRow, type TaskState } from "./task.js";

/**
 * Why something that has not ended makes no progress by itself, in UPPER_SNAKE: the first word of a waiting reason. More may
 * come. `ExplainTask` has the same words, with what only the plane knows beside them.
 */
export const waitingCauses = [
  /** The Task may not begin before its `start_at_ms`. */
  "START_TIME",
  /** Other Steps must be done first. */
  "DEPENDENCIES",
  /** A member of a map, batch or Task whose turn has not come. */
  "TURN",
  /** An operator has paused it, or something that it is in. */
  "PAUSED",
  /** A free slot of a worker that runs the agent. */
  "WORKER",
  /** The worker of its Run, which has lost its connection; it may come back. */
  "WORKER_GONE",
  /** The next attempt is due later. */
  "BACKOFF",
  "SIGNAL",
  "TIMER",
  /** Its child Task. */
  "CHILD_TASK",
  /** The Steps that it has created. */
  "MEMBERS",
  /** A Step has failed for good, and somebody must decide. */
  "OPERATOR",
] as const;
export type WaitingCause = (typeof waitingCauses)[number];

/** How many names a reason has; the others are counted. */
const NAMES = 3;

/** What reasons depend on beside rows. */
export interface WaitingMoment {
  readonly now: Instant;
  readonly pauses: PauseSet;
}

/** The Task of a Step, as far as the Step's reason depends on it. */
export type WaitingTask = Pick<TaskRow, "namespace" | "spec">;

/** Of a Step that was given back and may not be given out again yet. */
export const GIVEN_BACK = "it was given back, and is not given out again before";

/** The pauses that keep a ready Step of the Task from every worker, the widest first. */
export function pausesOver(
  { namespace, spec }: WaitingTask,
  agentName: string,
  pauses: PauseSet,
): readonly Pause[] {
  return pauses.over({ namespace, agentName, template: spec.template });
}

/**
 * Why a Step does not run, as `CAUSE: detail`; empty if it runs, or has ended. Follows from what clients see of it, from its Task's
 * row and from what is paused.
 */
export function stepWaitingReason(step: StepSummary, task: WaitingTask, moment: WaitingMoment): string {
  const { state, type, dependsOn, agentName, nextAttemptAt, attempts, maxAttempts, childId } = step;
  switch (state) {
    case "pending":
      return dependsOn.length > 0
        ? reason("DEPENDENCIES", `after ${firstNames(dependsOn)}`)
        : reason("TURN", "its turn has not come");
    case "enqueued": {
      const paused = pausedDetail(pausesOver(task, agentName, moment.pauses));
      if (paused !== undefined) return reason("PAUSED", paused);
      return nextAttemptAt > moment.now
        ? reason("BACKOFF", `${GIVEN_BACK} ${iso(nextAttemptAt)}`)
        : reason("WORKER", `a free slot for agent "${agentName}"`);
    }
    case "waiting_for_retry": {
      const attempt = `attempt ${attempts + 1} of ${maxAttempts}`;
      const isDue = nextAttemptAt <= moment.now;
      return reason("BACKOFF", isDue ? `${attempt}, which is due` : `${attempt} at ${iso(nextAttemptAt)}`);
    }
    case "in_progress":
      if (step.suspended) return suspendedReason(step.suspended);
      if (type === "signal") return reason("SIGNAL", "nobody has sent it");
      if (type === "timer") return reason("TIMER", "its time has not passed");
      if (childId !== "") return reason("CHILD_TASK", childId);
      return type === "map" ? reason("MEMBERS", "its members have not ended") : "";
    default:
      return "";
  }
}

function suspendedReason({ cause, detail, until }: NonNullable<StepSummary["suspended"]>): string {
  return reason(cause, until === NEVER ? detail : `${detail}, until ${iso(until)}`);
}

/** What a row of a Task can say that it waits for, and the states in which it may. The other causes are those of Steps. */
export const statesWaiting = {
  START_TIME: ["pending"],
  TURN: ["pending"],
  PAUSED: ["enqueuing_steps"],
  WORKER: ["enqueuing_steps"],
  BACKOFF: ["waiting_for_retry"],
  OPERATOR: ["blocked_by_failures"],
} as const satisfies Partial<Record<WaitingCause, readonly TaskState[]>>;
export type TaskWaitingCause = keyof typeof statesWaiting;

/** What a Task waits for, and the detail. */
interface TaskWait {
  readonly cause: TaskWaitingCause;
  readonly detail: string;
}

/** What of a Task decides on what it waits for, beside what is paused. */
type WaitingRow = WaitingTask & Pick<TaskRow, "state" | "counts" | "reason" | "holds">;

/**
 * Why a Task does not go on by itself, as `CAUSE: detail`; empty if it does, or has ended. Follows from its row and from what is
 * paused: of a Task of a template no pause of one of its agents.
 */
export function taskWaitingReason(task: WaitingRow, { pauses }: WaitingMoment): string {
  const wait = taskWait(task, pauses);
  return wait ? reason(wait.cause, wait.detail) : "";
}

/** The first word of {@link taskWaitingReason}; undefined if that is empty. */
export function taskWaitingCause(task: WaitingRow, pauses: PauseSet): TaskWaitingCause | undefined {
  return taskWait(task, pauses)?.cause;
}

function taskWait(task: WaitingRow, pauses: PauseSet): TaskWait | undefined {
  const { state, spec, counts } = task;
  if (isTerminal(state)) return undefined;
  switch (state) {
    case "pending":
      return spec.startAt > 0
        ? { cause: "START_TIME", detail: iso(spec.startAt) }
        : { cause: "TURN", detail: "its turn has not come" };
    case "enqueuing_steps": {
      const ready = countOf(counts, "enqueued");
      if (ready === 0) return undefined;
      const { agentName } = spec;
      const paused = pausedDetail(pausesOver(task, agentName, pauses));
      if (paused !== undefined) return { cause: "PAUSED", detail: paused };
      const detail = agentName === "" ? `${stepsOf(ready)} ready` : `a free slot for agent "${agentName}"`;
      return { cause: "WORKER", detail };
    }
    case "waiting_for_retry":
      return {
        cause: "BACKOFF",
        detail: `${stepsOf(countOf(counts, "waiting_for_retry"))} to be tried again`,
      };
    case "blocked_by_failures":
      return { cause: "OPERATOR", detail: failedDetail(task) };
    default:
      return undefined;
  }
}

/** What an operator has to look at. */
function failedDetail({ counts, reason, holds = 0 }: WaitingRow): string {
  const failed = `${stepsOf(countOf(counts, "error"))} failed for good`;
  const held = holds > 0 ? holdReasonOf(reason) : undefined;
  return held ? `${failed}, the last ${whyHeld[held]}` : failed;
}

/** What is to be done about what holds a Task, after "the last". */
const whyHeld: Readonly<Record<HoldReason, string>> = {
  IN_DOUBT: "because what it must do once may have been done: look whether it was, and resolve it by hand",
  BUDGET_EXCEEDED: "because a budget is used up: raise it",
};

/** What to say of the pauses, with their end; undefined if there are none. */
function pausedDetail(pauses: readonly Pause[]): string | undefined {
  const wait = waitFor(pauses);
  if (!wait) return undefined;
  return wait.until === NEVER ? wait.detail : `${wait.detail}, until ${iso(wait.until)}`;
}

function reason(cause: WaitingCause, detail: string): string {
  return `${cause}: ${detail}`;
}

function stepsOf(count: number): string {
  return `${count} ${count === 1 ? "step is" : "steps are"}`;
}

/** The first names, and how many more there are. */
export function firstNames(names: readonly string[]): string {
  const shown = names.slice(0, NAMES).join(", ");
  return names.length > NAMES ? `${shown} and ${names.length - NAMES} more` : shown;
}
