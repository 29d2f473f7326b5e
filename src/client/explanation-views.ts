import type { StepState } from "#domain/task/step";
import type { WaitingCause } from "#domain/task/waiting-reason";
import type { RefusalCause } from "#domain/worker/refusal";
import type { Task } from "./views.js";

/**
 * Why a Task is where it is, as `tasks.explain` returns it.
 *
 * @example
 * ```ts
 * import { createClient, type TaskExplanation } from "taskrun/client";
 *
 * const why: TaskExplanation = await createClient().tasks.explain("TASK_ID");
 * for (const { name, cause, detail } of why.steps) console.log(name, cause, detail);
 * ```
 */
export interface TaskExplanation {
  readonly id: string;
  readonly status: Task["status"];
  readonly state: Task["state"];
  /** As `Task.waitingReason`. */
  readonly waitingReason: string;
  /** Steps that have not ended and do not run, in topological order. */
  readonly steps: readonly StepExplanation[];
  /** How many more there are. */
  readonly moreSteps: number;
  /** Of a failure: from the Task down to what failed first. */
  readonly causes: readonly FailureCause[];
  /** What can be done now, the likeliest first. */
  readonly actions: readonly NextAction[];
}

/**
 * What one Step waits for.
 *
 * @example
 * ```ts
 * import { createClient, type StepExplanation } from "taskrun/client";
 *
 * const { steps } = await createClient().tasks.explain("TASK_ID");
 * const inQueue: readonly StepExplanation[] = steps.filter(({ queuePlace }) => queuePlace > 0);
 * console.log(inQueue.map(({ name, queuePlace }) => `${name} is number ${queuePlace}`));
 * ```
 */
export interface StepExplanation {
  readonly name: string;
  readonly state: StepState | "unspecified";
  /** Newer servers may have more. */
  readonly cause: WaitingCause | (string & {});
  /** For people. */
  readonly detail: string;
  /** When it ends by itself; 0 if nobody knows. Of `WORKER_GONE`: when the Run is lost. */
  readonly untilMs: number;
  /** Its place among the Steps that the same Workers can take, from 1; 0 if it is in no queue or not among the first 1 000. */
  readonly queuePlace: number;
  /** What the Workers say to it, those nearest to taking it first, and how many more there are. */
  readonly workers: readonly WorkerAnswer[];
  readonly moreWorkers: number;
  /** Names of agents that are like its own, if no Worker has ever announced that one. */
  readonly nearAgents: readonly string[];
  /** The dependencies that are not done. */
  readonly unmet: readonly { readonly name: string; readonly state: StepState | "unspecified" }[];
}

/**
 * What a Worker says to a Step that is ready.
 *
 * @example
 * ```ts
 * import { createClient, type WorkerAnswer } from "taskrun/client";
 *
 * const { steps } = await createClient().tasks.explain("TASK_ID");
 * const refusals: readonly WorkerAnswer[] = steps.flatMap(({ workers }) => workers);
 * for (const { workerId, cause, detail } of refusals) console.log(workerId, cause, detail);
 * ```
 */
export interface WorkerAnswer {
  readonly workerId: string;
  /** Empty if nothing keeps it from taking the Step. Newer servers may have more. */
  readonly cause: RefusalCause | "" | (string & {});
  /** For people, for example the labels that it lacks. */
  readonly detail: string;
  /** When that ends by itself; 0 if nobody knows. */
  readonly untilMs: number;
}

/**
 * What went wrong in one place: a Task, a Step of it, or a Run.
 *
 * @example
 * ```ts
 * import { createClient, type FailureCause } from "taskrun/client";
 *
 * const { causes } = await createClient().tasks.explain("TASK_ID");
 * const first: FailureCause | undefined = causes.at(-1);
 * if (first) console.error(first.stepName, first.workerId, first.message, first.detail);
 * ```
 */
export interface FailureCause {
  readonly taskId: string;
  /** Empty for the Task itself. */
  readonly stepName: string;
  /** Empty unless a Run is meant. */
  readonly runId: string;
  readonly workerId: string;
  readonly attempt: number;
  /** For programs, as `Run.reason`. */
  readonly reason: string;
  readonly message: string;
  /** The stack of what the agent threw, or the like. */
  readonly detail: string;
  /** 0 if it has not ended. */
  readonly atMs: number;
}

/**
 * Something that can be done now.
 *
 * @example
 * ```ts
 * import { createClient, type NextAction } from "taskrun/client";
 *
 * const { actions } = await createClient().tasks.explain("TASK_ID");
 * const likeliest: NextAction | undefined = actions[0];
 * if (likeliest) console.log(`${likeliest.command}  # ${likeliest.effect}`);
 * ```
 */
export interface NextAction {
  /** A command of the command line. */
  readonly command: string;
  /** What it does, for people. */
  readonly effect: string;
}
