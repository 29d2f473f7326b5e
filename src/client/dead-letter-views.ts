import type { DeadLetterReason, DeadLetterStatus } from "#domain/task/dead-letter";
import type { StaleHealth } from "#domain/task/staleness";
import type { FailureCause } from "./explanation-views.js";
import type { Task } from "./views.js";

/**
 * A Task that needs a person, or needed one.
 *
 * @example
 * ```ts
 * import { createClient, type DeadLetter } from "taskrun/client";
 *
 * const letter: DeadLetter = await createClient().deadLetters.get("TASK_ID");
 * console.log(letter.reason, letter.snapshot.stepName, letter.snapshot.message);
 * ```
 */
export interface DeadLetter {
  /** The Task's id, which is the dead letter's too. */
  readonly taskId: string;
  readonly namespace: string;
  readonly reason: DeadLetterReason | "UNSPECIFIED";
  readonly status: DeadLetterStatus | "UNSPECIFIED";
  readonly createdAtMs: number;
  /** 0 while it is pending. */
  readonly closedAtMs: number;
  /** How urgent it is; 0 unless it is pending. */
  readonly priority: number;
  /** What operators have written. */
  readonly notes: string;
  /** Who has given it its status; empty if the server has. */
  readonly resolvedBy: string;
  /** The Task that does the work again, or empty. */
  readonly redrivenAs: string;
  /** The Task as it was when the dead letter was made. */
  readonly snapshot: DeadLetterSnapshot;
  /** Earlier times for which the Task was one, oldest first. */
  readonly earlier: readonly DeadLetterPeriod[];
  /** From the Task down to what failed first; of `get` only. */
  readonly causes: readonly FailureCause[];
}

/**
 * A Task at the instant at which it needed a person.
 *
 * @example
 * ```ts
 * import { createClient, type DeadLetterSnapshot } from "taskrun/client";
 *
 * const { snapshot } = await createClient().deadLetters.get("TASK_ID");
 * const { workerId, losses }: DeadLetterSnapshot = snapshot;
 * console.log(`${losses} runs were lost, the last one by ${workerId}`);
 * ```
 */
export interface DeadLetterSnapshot {
  readonly state: Task["state"];
  /** The agent of the Step, or of a Task without a template. */
  readonly agent: string;
  /** Absent if the Task names an agent. */
  readonly template?: NonNullable<Task["template"]>;
  /** The Step that failed; empty if it is the Task as a whole. */
  readonly stepName: string;
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly losses: number;
  readonly maxLosses: number;
  /** The Task's reason, as `Run.reason`. */
  readonly taskReason: string;
  readonly message: string;
  /** The last Run of the Step and its Worker; empty if there was none. */
  readonly runId: string;
  readonly workerId: string;
  /** Where it began, as far as it was known. */
  readonly cause?: {
    readonly taskId: string;
    readonly stepName: string;
    readonly agent: string;
    readonly message: string;
  };
}

/**
 * An earlier time for which a Task was a dead letter.
 *
 * @example
 * ```ts
 * import { createClient, type DeadLetterPeriod } from "taskrun/client";
 *
 * const { earlier } = await createClient().deadLetters.get("TASK_ID");
 * const held: readonly DeadLetterPeriod[] = earlier.filter(({ reason }) => reason === "HELD");
 * console.log(`held ${held.length} times before`);
 * ```
 */
export interface DeadLetterPeriod {
  readonly reason: DeadLetter["reason"];
  readonly status: DeadLetter["status"];
  readonly createdAtMs: number;
  readonly closedAtMs: number;
  readonly resolvedBy: string;
}

/**
 * Numbers about the dead letters of one reason.
 *
 * @example
 * ```ts
 * import { createClient, type DeadLetterStats } from "taskrun/client";
 *
 * const { stats } = await createClient().deadLetters.stats();
 * const pending = stats.reduce((sum: number, { pending }: DeadLetterStats) => sum + pending, 0);
 * ```
 */
export interface DeadLetterStats {
  readonly reason: DeadLetter["reason"];
  readonly total: number;
  readonly pending: number;
  readonly manuallyResolved: number;
  readonly permanentlyFailed: number;
  readonly cancelled: number;
  readonly movedOn: number;
  readonly oldestAtMs: number;
  readonly newestAtMs: number;
  /** How long it took on average until one was closed; 0 if none is. */
  readonly meanResolutionMs: number;
}

/**
 * How long a Task that has not ended has rested, and how long it may.
 *
 * @example
 * ```ts
 * import { createClient, type TaskStaleness } from "taskrun/client";
 *
 * for await (const each of createClient().deadLetters.staleness({ health: "STALE" })) {
 *   const { taskId, state, timeInStateMs, thresholdMs }: TaskStaleness = each;
 *   console.log(`${taskId} has been ${state} for ${timeInStateMs} ms, of ${thresholdMs} ms that it may`);
 * }
 * ```
 */
export interface TaskStaleness {
  readonly taskId: string;
  readonly namespace: string;
  readonly state: Task["state"];
  /** `STALE` if it has used its threshold or its lifetime, and nothing is ahead that will move it; `WARNING` from four fifths on. */
  readonly health: StaleHealth | "UNSPECIFIED";
  /** Since something happened to it last. */
  readonly timeInStateMs: number;
  /** For how long it may rest so, by its template or the settings. */
  readonly thresholdMs: number;
  /** Since it may begin; 0 before its start time. */
  readonly ageMs: number;
  /** How long it may take in all. */
  readonly lifetimeMs: number;
  /** The Task's. */
  readonly priority: number;
  /** The Step in which it rests, or empty. */
  readonly stepName: string;
  /** The agent of that Step, or of a Task without a template. */
  readonly agent: string;
  /** Absent if the Task names an agent. */
  readonly template?: NonNullable<Task["template"]>;
}
