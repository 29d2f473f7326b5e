import type { ModelBackend, RunStatus } from "#domain/task/run";
import type { StepState } from "#domain/task/step";
import type { Labels, TaskState, TaskStatus } from "#domain/task/task";
import type { StepType } from "#domain/template/template";
import type { Budget } from "./budget.js";
import type { Usage } from "./usage.js";

/*
 * Plain objects that the client returns. Times are Unix milliseconds, 0 if not set; durations are milliseconds. Inputs
 * and results are JSON text, which `inputOf` and `outputOf` parse.
 */

/**
 * A Task as it was when the server answered.
 *
 * @example
 * ```ts
 * import { createClient, hasEnded, outputOf, type Task } from "taskrun/client";
 *
 * const task: Task = await createClient().tasks.get("TASK_ID");
 * if (hasEnded(task)) console.log(task.status, outputOf(task) ?? task.errorMessage);
 * else console.log(task.state, task.steps.map(({ name, state }) => `${name}: ${state}`));
 * ```
 */
export interface Task {
  readonly id: string;
  /** Empty if the Task was made from a template. */
  readonly agent: string;
  readonly namespace: string;
  /** `UNSPECIFIED`, and `unspecified` below, stand for values that this client does not know. */
  readonly status: TaskStatus | "UNSPECIFIED";
  /** More detailed than `status`: one of twelve states. */
  readonly state: TaskState | "unspecified";
  /** Empty in lists and events, which leave it out. */
  readonly inputJson: string;
  /** Empty unless COMPLETED with a result. */
  readonly outputJson: string;
  /** Why it failed, for people; empty if it did not. */
  readonly errorMessage: string;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly finishedAtMs: number;
  readonly labels: Labels;
  readonly priority: number;
  readonly timeoutMs: number;
  readonly maxAttempts: number;
  /** As the request said; absent if it left it to each Step. */
  readonly maxLosses?: number;
  /** What it and the Tasks below it may use, with what was added since; absent if nothing bounds it. */
  readonly budget?: Budget;
  readonly template?: TemplateRef;
  readonly workerSelector: Labels;
  readonly correlationId: string;
  readonly startAtMs: number;
  /** Id of the Task that this one retries; empty if none. */
  readonly retryOf: string;
  /** The Task whose results this one has begun with; empty if it is no fork. */
  readonly forkedFrom: string;
  /** The parent of a child Task, and the parent's Step that waits for it; empty if it is no child. */
  readonly parentTaskId: string;
  readonly parentStepName: string;
  /** Id of the Task whose completed Steps this one compensates; empty if none. */
  readonly compensates: string;
  /** Id of the Task that compensates this one's completed Steps; empty if none. */
  readonly compensatedBy: string;
  /**
   * Why it does not go on by itself, as `CAUSE: detail`; empty if it does, or has ended. Follows from what is stored:
   * `tasks.explain` knows more. Empty in events, whose Steps have theirs.
   */
  readonly waitingReason: string;
  /** What its creator should know: that no Worker had ever announced its agent, or that the input may not fit. */
  readonly warnings: readonly string[];
  /** What it has used so far, with the Tasks that belong to it; absent if nothing was reported. */
  readonly usage?: Usage;
  /** In topological order; empty in lists and events. */
  readonly steps: readonly Step[];
  /** Oldest first; empty in events. */
  readonly runs: readonly Run[];
}

/**
 * The template version that a Task was made from.
 *
 * @example
 * ```ts
 * import { createClient, type TemplateRef } from "taskrun/client";
 *
 * const template: TemplateRef = { namespace: "", name: "book_trip", version: "1.0.0" };
 * await createClient().tasks.create({ template, input: { to: "Lisbon" } });
 * ```
 */
export interface TemplateRef {
  /** Empty: the Task's own. */
  readonly namespace: string;
  readonly name: string;
  /** Empty: the newest. */
  readonly version: string;
}

/**
 * A node of a Task's graph.
 *
 * @example
 * ```ts
 * import { createClient, type Step } from "taskrun/client";
 *
 * const { steps } = await createClient().tasks.get("TASK_ID");
 * const failed = steps.filter((step: Step) => step.state === "error");
 * for (const { name, attempts, errorMessage } of failed) console.error(name, attempts, errorMessage);
 * ```
 */
export interface Step {
  readonly name: string;
  readonly state: StepState | "unspecified";
  readonly agent: string;
  readonly attempts: number;
  readonly maxAttempts: number;
  /** Runs that were lost with their Worker, which cost no attempt, and how many may be. */
  readonly losses: number;
  readonly maxLosses: number;
  readonly nextAttemptAtMs: number;
  readonly dependsOn: readonly string[];
  /** Empty if there is no result, or if it is too large for this answer: then read it with `tasks.stepResult`. */
  readonly outputJson: string;
  /** Size of the result, whether or not it is in `outputJson`. */
  readonly outputBytes: number;
  readonly errorMessage: string;
  /** For example `standard` or `map`; newer servers may have more types. */
  readonly type: StepType | (string & {});
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  /** Id of the child Task that this Step has started; empty if none. */
  readonly childTaskId: string;
  /** Why it does not run, as `Task.waitingReason`; empty if it runs, or has ended. */
  readonly waitingReason: string;
}

/**
 * One attempt of a Step on a Worker.
 *
 * @example
 * ```ts
 * import { createClient, type Run } from "taskrun/client";
 *
 * const { runs } = await createClient().tasks.get("TASK_ID");
 * const last: Run | undefined = runs.at(-1);
 * if (last?.status === "FAILED") console.error(last.workerId, last.reason, last.errorMessage);
 * ```
 */
export interface Run {
  readonly id: string;
  readonly workerId: string;
  readonly status: RunStatus | "UNSPECIFIED";
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
  readonly backendUsed?: ModelBackend;
  readonly errorMessage: string;
  /**
   * More about an error, as its worker reported it: for example the stack of what the agent threw, with its causes; at
   * most 16 KiB. Only in the answers of `get`, `run` and `wait`; empty in lists and events, and if there is none.
   */
  readonly errorDetail: string;
  readonly attempt: number;
  readonly stepName: string;
  /** Why it ended, UPPER_SNAKE, for example `WORKER_LOST`; empty if it completed its Step. */
  readonly reason: string;
  /** Grows with each Run of a Step; reports with a lower fence are stale. */
  readonly fence: number;
  /** What it has used of models; absent if nothing was reported, and in events. */
  readonly usage?: Usage;
}

/**
 * Parses a Task's input; undefined if the answer left it out, as lists and events do. The type is not checked.
 *
 * @example
 * ```ts
 * import { createClient, inputOf } from "taskrun/client";
 *
 * const task = await createClient().tasks.get("TASK_ID");
 * const input = inputOf<{ name: string }>(task);
 * ```
 */
export function inputOf<Input = unknown>(task: Pick<Task, "inputJson">): Input | undefined {
  return task.inputJson === "" ? undefined : (JSON.parse(task.inputJson) as Input);
}

/**
 * Parses the result of a Task or Step; undefined if it has none. The type is not checked.
 *
 * @example
 * ```ts
 * import { createClient, outputOf } from "taskrun/client";
 *
 * const task = await createClient().tasks.wait("TASK_ID");
 * const output = outputOf<{ greeted: string }>(task);
 * ```
 */
export function outputOf<Output = unknown>(ended: Pick<Task, "outputJson">): Output | undefined {
  return ended.outputJson === "" ? undefined : (JSON.parse(ended.outputJson) as Output);
}

/**
 * True if the Task completed, failed or was cancelled: its status and log are final.
 *
 * @example
 * ```ts
 * import { createClient, hasEnded } from "taskrun/client";
 *
 * const { tasks } = createClient();
 * if (hasEnded(await tasks.get("TASK_ID"))) await tasks.retry("TASK_ID");
 * ```
 */
export function hasEnded({ status }: Pick<Task, "status">): boolean {
  return status === "COMPLETED" || status === "FAILED" || status === "CANCELLED";
}
