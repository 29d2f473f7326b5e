import { brand } from "#domain/brand";
import type { Labels, TaskState, TaskStatus } from "#domain/task/task";
import type { Budget } from "./budget.js";
import type { CallControl } from "./call.js";
import { TaskRunError } from "./error.js";
import type { TaskEvent } from "./event-views.js";
import { namesOf } from "./option-names.js";
import type { Task, TemplateRef } from "./views.js";

/**
 * A request for a new Task. Name either an agent or a template; everything else is optional.
 *
 * @example
 * ```ts
 * import { type CreateTask, createClient } from "taskrun/client";
 *
 * const request: CreateTask = {
 *   template: { name: "book_trip", version: "1.0.0" },
 *   input: { to: "Lisbon" },
 *   idempotencyKey: "order-4711",
 *   labels: { team: "travel" },
 *   timeoutMs: 3_600_000,
 * };
 * const task = await createClient().tasks.create(request);
 * ```
 */
export interface CreateTask {
  /** Name of the agent that does the Task. */
  readonly agent?: string;
  /** The template of the Task; its newest version if none is named. */
  readonly template?:
    | TemplateRef
    | { readonly namespace?: string; readonly name: string; readonly version?: string };
  /** Any JSON value, at most 1 MiB as text; `{}` if left out. */
  readonly input?: unknown;
  /** The input as JSON text, in place of `input`; stored byte for byte. */
  readonly inputJson?: string;
  readonly createdBy?: string;
  readonly labels?: Labels;
  /** Identifies the request, so that repeating it creates no second Task. Default: random. See {@link Tasks.create}. */
  readonly idempotencyKey?: string;
  /** -100 to 100; Steps of higher priority are dispatched first. */
  readonly priority?: number;
  /** Limit of the whole Task, in milliseconds; 0 is no limit. */
  readonly timeoutMs?: number;
  /**
   * Attempts of each Step, the first included. Default: 1 for an agent, the template's values for a template. Child Tasks and
   * compensations keep the values of their templates; so they do with `maxLosses`.
   */
  readonly maxAttempts?: number;
  /**
   * Runs of each Step that may be lost with their Worker, 0 to 100. A lost Run costs no attempt: the Step is tried again
   * elsewhere, so that an agent may run more than once. Default: 3, or the template's values for a template.
   */
  readonly maxLosses?: number;
  /** Default: that of `template`, if it names one, else the client's. */
  readonly namespace?: string;
  /** Labels that a Worker must have to get the Task's Runs. */
  readonly workerSelector?: Labels;
  readonly correlationId?: string;
  /** The Task does not start before this time, in Unix milliseconds. */
  readonly startAtMs?: number;
  /** What it and the Tasks below it may use, before it is held until {@link Tasks.topUp}. Default: as the server is configured. */
  readonly budget?: Budget;
}

export const taskNames = namesOf<CreateTask>({
  agent: true,
  template: true,
  input: true,
  inputJson: true,
  createdBy: true,
  labels: true,
  idempotencyKey: true,
  priority: true,
  timeoutMs: true,
  maxAttempts: true,
  maxLosses: true,
  namespace: true,
  workerSelector: true,
  correlationId: true,
  startAtMs: true,
  budget: true,
});

/**
 * How an operator resolves a Step that has failed for good or hangs; see {@link Tasks.resolveStep}. The Step's audit
 * trail and the audit log have the reason.
 *
 * @example
 * ```ts
 * import type { Resolution } from "taskrun/client";
 *
 * const resolution: Resolution = { action: "complete", result: { refunded: true }, reason: "paid by bank transfer" };
 * ```
 */
export type Resolution = (
  | /** Runs the Step again, with all its attempts; at once, if it waits for the next one. */
  { readonly action: "retry" }
  /** Counts the Step as done, without a result. */
  | { readonly action: "resolve" }
  /** Completes the Step with this result, or with this JSON text, which is kept byte for byte. */
  | { readonly action: "complete"; readonly result?: unknown; readonly resultJson?: string }
) & {
  readonly reason?: string;
  /**
   * The entry of the Step's journal that is in doubt, if that is what is decided about, and not the Step: with `complete` it was done,
   * with this result; with `resolve` it was, without one; with `retry` it was not, and is done again. The Step then goes on.
   */
  readonly journalEntry?: number;
};

/**
 * Options of {@link Tasks.fork}.
 *
 * @example
 * ```ts
 * import { createClient, type ForkOptions } from "taskrun/client";
 *
 * const options: ForkOptions = { from: "charge", reason: "the limit is raised" };
 * const { id, forkedFrom } = await createClient().tasks.fork("TASK_ID", options);
 * ```
 */
export interface ForkOptions extends CallControl {
  /** The Step that is done anew, with all that comes after it. Default: what failed, or was not done. */
  readonly from?: string;
  /** Another input than the old one's. Results that are taken over were made with the old one. */
  readonly input?: unknown;
  /** The same as JSON text, which is kept byte for byte. */
  readonly inputJson?: string;
  readonly idempotencyKey?: string;
  /** Why, for people: the audit log has it. */
  readonly reason?: string;
}

export const forkNames = namesOf<ForkOptions>({
  from: true,
  input: true,
  inputJson: true,
  idempotencyKey: true,
  reason: true,
  signal: true,
  timeoutMs: true,
  traceparent: true,
});

/**
 * Selects Tasks of a list. A Task must match every field that is given, and have all the labels.
 *
 * @example
 * ```ts
 * import { createClient, type TaskFilter } from "taskrun/client";
 *
 * const hourAgo = Date.now() - 3_600_000;
 * const filter: TaskFilter = { waiting: "WORKER", createdBeforeMs: hourAgo, labels: { team: "travel" } };
 * for await (const task of createClient().tasks.list(filter)) console.log(task.id, task.waitingReason);
 * ```
 */
export interface TaskFilter {
  readonly status?: TaskStatus;
  /** In one of these states. */
  readonly states?: readonly TaskState[];
  readonly agent?: string;
  /** Made of this template. Without a namespace or version those of any. */
  readonly template?: Partial<TemplateRef> & Pick<TemplateRef, "name">;
  /** Default: the client's; empty for every namespace that the caller may use. */
  readonly namespace?: string;
  readonly labels?: Labels;
  /** Only Tasks whose id begins so. */
  readonly idPrefix?: string;
  /** Created at this instant or later, in Unix milliseconds. */
  readonly createdAfterMs?: number;
  /** Created before this instant, in Unix milliseconds. */
  readonly createdBeforeMs?: number;
  /** Only the child Tasks of this one. */
  readonly parentTaskId?: string;
  readonly correlationId?: string;
  readonly createdBy?: string;
  /** Whose `waitingReason` begins with this word, for example `WORKER`; `*` for all that have one. */
  readonly waiting?: string;
  /** Tasks per page, at most 1 000. Default 100. */
  readonly pageSize?: number;
}

export const taskFilterNames = namesOf<TaskFilter>({
  status: true,
  states: true,
  agent: true,
  template: true,
  namespace: true,
  labels: true,
  idPrefix: true,
  createdAfterMs: true,
  createdBeforeMs: true,
  parentTaskId: true,
  correlationId: true,
  createdBy: true,
  waiting: true,
  pageSize: true,
});

/**
 * One page of a list.
 *
 * @example
 * ```ts
 * import { createClient, type TaskPage } from "taskrun/client";
 *
 * const client = createClient();
 * const first: TaskPage = await client.tasks.page({ pageSize: 20 });
 * const second = await client.tasks.page({ pageSize: 20, pageToken: first.nextPageToken });
 * ```
 */
export interface TaskPage {
  readonly tasks: readonly Task[];
  /** Pass it as `pageToken` to get the next page; empty on the last one. */
  readonly nextPageToken: string;
}

/** The outcome of one request of {@link Tasks.createMany}: the Task, or why it was refused. */
export type Created =
  | { readonly ok: true; readonly task: Task }
  | { readonly ok: false; readonly error: TaskRunError };

/**
 * Options of {@link Tasks.wait} and {@link Tasks.run}.
 *
 * @example
 * ```ts
 * import { createClient, type RunOptions } from "taskrun/client";
 *
 * const options: RunOptions = {
 *   signal: AbortSignal.timeout(60_000),
 *   onEvent: (event) => event.type === "output" && process.stdout.write(event.output.content),
 * };
 * await createClient().tasks.run({ agent: "greet", input: { name: "Ada" } }, options);
 * ```
 */
export interface RunOptions {
  /** Aborting it ends the wait with a `CANCELLED` error. The Task continues. */
  readonly signal?: AbortSignal;
  /**
   * Called for every event of the Task, in order, and awaited if it is async. What it throws ends the wait. Costs a stream of
   * all its events: without it one request waits for the end.
   */
  readonly onEvent?: (event: TaskEvent) => unknown;
  /** Called each time the connection is lost, or the server stops, and the wait will be taken up again. */
  readonly onLost?: (error: TaskRunError) => unknown;
  /** The span that a Task which {@link Tasks.run} creates is below; see {@link CallControl.traceparent}. */
  readonly traceparent?: string;
}

export const runNames = namesOf<RunOptions>({ signal: true, onEvent: true, onLost: true, traceparent: true });

/**
 * Options of {@link Tasks.result}.
 *
 * @example
 * ```ts
 * import { createClient, type ResultOptions } from "taskrun/client";
 *
 * const options: ResultOptions = { wait: true, signal: AbortSignal.timeout(60_000) };
 * console.log(await createClient().tasks.result("TASK_ID", options));
 * ```
 */
export interface ResultOptions extends CallControl {
  /** Waits until the Task has ended. Default: false, which is an error if it has not. */
  readonly wait?: boolean;
}

export const resultNames = namesOf<ResultOptions>({
  wait: true,
  signal: true,
  timeoutMs: true,
  traceparent: true,
});

/**
 * Thrown when a Task that was waited for failed or was cancelled. Its `reason` is the one of the Task's last Run.
 *
 * @example
 * ```ts
 * import { createClient, TaskFailed } from "taskrun/client";
 *
 * try {
 *   await createClient().tasks.run({ agent: "greet", input: {} });
 * } catch (error) {
 *   if (!(error instanceof TaskFailed)) throw error;
 *   console.error(error.task.status, error.task.errorMessage);
 * }
 * ```
 */
export class TaskFailed extends TaskRunError {
  override readonly name = "TaskFailed";
  readonly task: Task;

  constructor(task: Task) {
    const end =
      task.status === "CANCELLED" ? "was cancelled" : `failed: ${task.errorMessage || "no reason given"}`;
    super("FAILED_PRECONDITION", `task ${task.id} ${end}`, { reason: task.runs.at(-1)?.reason ?? "" });
    this.task = task;
  }
}
brand(TaskFailed, "TaskFailed");
