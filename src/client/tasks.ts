import { type Client, createClient, type Transport } from "@connectrpc/connect";
import {
  BatchCreateTasksRequestSchema,
  CancelTaskRequestSchema,
  CreateTaskRequestSchema,
  ExplainTaskRequestSchema,
  GetOverviewRequestSchema,
  GetStepResultRequestSchema,
  GetTaskRequestSchema,
  RetryTaskRequestSchema,
  SignalTaskRequestSchema,
  TaskService,
  TopUpTaskRequestSchema,
  WatchTaskRequestSchema,
} from "#wire/gen/taskrun/v1/task_service_pb";
import { type Budget, budgetInit, type TopUpOptions, topUpNames } from "./budget.js";
import { type BulkBatch, type BulkRequest, bulkRequestOf, toBulkBatch } from "./bulk.js";
import { type CallControl, type Caller, controlNames, keyOr } from "./call.js";
import { toTask } from "./convert.js";
import { toExplanation } from "./convert-explanation.js";
import { createInit } from "./create-request.js";
import type { TaskEvent } from "./event-views.js";
import type { TaskExplanation } from "./explanation-views.js";
import type { JournalPage, JournalRecord } from "./journal-views.js";
import { type Overview, toOverview } from "./overview-views.js";
import {
  checkedCallback,
  checkedSignal,
  jsonText,
  optionsOf,
  requestOf,
  wholeNumber,
  wrongArgument,
} from "./request.js";
import {
  runRequestOf,
  type TypedAgent,
  type TypedRunArguments,
  type TypedRunOptions,
  type TypedWorkflow,
} from "./runnable.js";
import type { StepAuditPage } from "./step-audit-views.js";
import { StepHistory, type StepPageOptions } from "./step-history.js";
import { TaskEnds } from "./task-ends.js";
import { createdOf, forkRequestOf, listRequestOf, resolveRequestOf } from "./task-messages.js";
import type {
  Created,
  CreateTask,
  ForkOptions,
  Resolution,
  ResultOptions,
  RunOptions,
  TaskFilter,
  TaskPage,
} from "./task-requests.js";
import { taskFilterNames } from "./task-requests.js";
import { hasEnded, type Task } from "./views.js";
import { type WatchOptions, watch, watchNames } from "./watch.js";

type SignalOptions = CallControl & { readonly reason?: string; readonly requestId?: string };
const signalNames = [...controlNames, "reason", "requestId"] as const;

/**
 * Creates, reads, watches and directs Tasks. Reached as `client.tasks`. Every method throws {@link TaskRunError}.
 *
 * @example Create a Task and follow it
 * ```ts
 * import { createClient, outputOf } from "taskrun/client";
 *
 * const { tasks } = createClient();
 * const { id } = await tasks.create({ agent: "greet", input: { name: "Ada" }, maxAttempts: 3 });
 * for await (const event of tasks.watch(id)) {
 *   if (event.type === "output") process.stdout.write(event.output.content);
 * }
 * console.log(outputOf(await tasks.get(id)));
 * ```
 *
 * @example Intervene
 * ```ts
 * import { createClient } from "taskrun/client";
 *
 * const { tasks } = createClient();
 * await tasks.signal("TASK_ID", "approved", { by: "Ann" });
 * await tasks.resolveStep("TASK_ID", "charge", { action: "retry" });
 * await tasks.cancel("TASK_ID", "order withdrawn");
 * const again = await tasks.retry("TASK_ID");
 * const onwards = await tasks.fork("TASK_ID", { from: "charge" });
 * ```
 */
export class Tasks {
  readonly #wire: Client<typeof TaskService>;
  readonly #caller: Caller;
  readonly #namespace: string;
  readonly #ends: TaskEnds;
  readonly #history: StepHistory;

  constructor(transport: Transport, caller: Caller, namespace: string) {
    this.#wire = createClient(TaskService, transport);
    this.#ends = new TaskEnds(this.#wire, caller, this);
    this.#history = new StepHistory(this.#wire, caller);
    this.#caller = caller;
    this.#namespace = namespace;
  }

  /**
   * Creates a Task. It is durable once this resolves.
   *
   * The request carries an idempotency key, yours or a random one, so it is repeated when the answer is lost, and still
   * creates one Task. If all attempts fail, repeat the same request with the error's `idempotencyKey`, from any
   * process, to learn whether the Task exists.
   */
  async create(request: CreateTask, control?: CallControl): Promise<Task> {
    const message = requestOf(CreateTaskRequestSchema, createInit(request, this.#namespace));
    const send = this.#wire.createTask;
    return toTask(await this.#caller.withKey(message.idempotencyKey, (o) => send(message, o), control));
  }

  /**
   * Creates up to 1 000 Tasks in one commit. The server accepts or refuses each on its own; the answer keeps their order.
   * An argument that cannot be sent, such as a BigInt, fails the whole call before anything is sent.
   */
  async createMany(requests: readonly CreateTask[], control?: CallControl): Promise<readonly Created[]> {
    if (!Array.isArray(requests)) throw wrongArgument("tasks", "is no array of requests.");
    const tasks = requests.map((request, i) => createInit(request, this.#namespace, `tasks[${i}].`));
    const message = requestOf(BatchCreateTasksRequestSchema, { tasks });
    const send = this.#wire.batchCreateTasks;

    const { results } = await this.#caller.withKey("", (o) => send(message, o), control);
    return results.map((result, i) => createdOf(result, tasks[i]?.idempotencyKey));
  }

  /** Returns a Task with its input, result, Steps and Runs. `NOT_FOUND` if there is none. */
  async get(id: string, control?: CallControl): Promise<Task> {
    const request = requestOf(GetTaskRequestSchema, { id });
    return toTask(await this.#caller.once((o) => this.#wire.getTask(request, o), control));
  }

  /**
   * Tells why a Task is where it is: what each of its Steps waits for, what every Worker says to it, what failed first, and
   * what can be done. Computed when it is asked for.
   */
  async explain(id: string, control?: CallControl): Promise<TaskExplanation> {
    const request = requestOf(ExplainTaskRequestSchema, { id });
    return toExplanation(await this.#caller.once((o) => this.#wire.explainTask(request, o), control));
  }

  /**
   * Tells how things are: what waits in which queue, how many Tasks were created and ended lately, which have waited longest for a
   * Worker, and which have failed last.
   *
   * @param namespace default: the client's; empty for all that the caller may use
   */
  async overview(namespace = this.#namespace, control?: CallControl): Promise<Overview> {
    const request = requestOf(GetOverviewRequestSchema, { namespace });
    return toOverview(await this.#caller.once((o) => this.#wire.getOverview(request, o), control));
  }

  /** Returns one page, newest first. Only an empty `nextPageToken` marks the last page: any page may be short or empty. */
  async page(
    selected: TaskFilter & { readonly pageToken?: string } = {},
    control?: CallControl,
  ): Promise<TaskPage> {
    const request = listRequestOf(selected, this.#namespace);
    const answer = await this.#caller.once((o) => this.#wire.listTasks(request, o), control);
    return { tasks: answer.tasks.map(toTask), nextPageToken: answer.nextPageToken };
  }

  /** Iterates over all matching Tasks, newest first, reading pages as needed. */
  async *list(filter: TaskFilter = {}, control?: CallControl): AsyncGenerator<Task, void> {
    let pageToken = "";
    do {
      const page = await this.page({ ...optionsOf(filter, "filter", taskFilterNames), pageToken }, control);
      yield* page.tasks;
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /** Cancels a Task and its Runs. `FAILED_PRECONDITION` if it has ended already. */
  async cancel(id: string, reason = "", control?: CallControl): Promise<Task> {
    const request = requestOf(CancelTaskRequestSchema, { id, reason });
    return toTask(await this.#caller.once((o) => this.#wire.cancelTask(request, o), control));
  }

  /**
   * Creates a new Task with the request of one that has ended. Carries an idempotency key like {@link create}. The audit log
   * has the reason.
   */
  async retry(
    id: string,
    options: CallControl & { readonly idempotencyKey?: string; readonly reason?: string } = {},
  ): Promise<Task> {
    const names = [...controlNames, "idempotencyKey", "reason"] as const;
    const { idempotencyKey, reason = "", ...control } = optionsOf(options, "options", names);
    const request = requestOf(RetryTaskRequestSchema, { id, idempotencyKey: keyOr(idempotencyKey), reason });
    const send = this.#wire.retryTask;
    return toTask(await this.#caller.withKey(request.idempotencyKey, (o) => send(request, o), control));
  }

  /**
   * Creates a new Task that goes on from what one that has ended has done: Steps that had completed and do not come after
   * `from` are complete from its beginning, with the old results; all others run. Carries an idempotency key like
   * {@link create}.
   */
  async fork(id: string, options: ForkOptions = {}): Promise<Task> {
    const { request, control } = forkRequestOf(id, options);
    const send = this.#wire.forkTask;
    return toTask(await this.#caller.withKey(request.idempotencyKey, (o) => send(request, o), control));
  }

  /**
   * Adds to the bounds of a Task's budget, so that it goes on if it was held because that was used up: from what its agents have
   * journaled, with the attempts they had. Carries a request id, so that it is carried out once however often it is sent.
   */
  async topUp(id: string, add: Budget, options: TopUpOptions = {}): Promise<Task> {
    const { reason = "", requestId, ...control } = optionsOf(options, "options", topUpNames);
    const fields = { id, add: budgetInit(add, "add"), reason, requestId: keyOr(requestId) };
    const request = requestOf(TopUpTaskRequestSchema, fields);
    const send = this.#wire.topUpTask;
    return toTask(await this.#caller.withKey(request.requestId, (o) => send(request, o), control));
  }

  /**
   * Does the same with every Task of a filter, one batch a call: repeat it with `nextPageToken` until that is empty. With the
   * same `bulkId` no Task is dealt with twice, however often a batch is sent, so that it is repeated when the answer is lost.
   */
  async bulk(request: BulkRequest, control?: CallControl): Promise<BulkBatch> {
    const message = bulkRequestOf(request, this.#namespace);
    const send = this.#wire.bulkTasks;
    const key = message.bulkId || "dry run";
    return toBulkBatch(await this.#caller.withKey(key, (o) => send(message, o), control));
  }

  /**
   * Sends a signal to the Step that waits for it, or will; the payload becomes the Step's result. Repeating it with the
   * same payload changes nothing.
   *
   * @param payload any JSON value. Default: `null`
   * @param options `reason`: why, for people; the Step's audit trail has it. `requestId`: names the request, so that a signal
   * for an agent counts once however often it is sent
   */
  async signal(id: string, signal: string, payload?: unknown, options?: SignalOptions): Promise<Task> {
    const text = payload === undefined ? "" : jsonText(payload, "payload_json");
    return this.signalJson(id, signal, text, options);
  }

  /** Like {@link signal}, with the payload as JSON text, which is kept byte for byte; empty is `null`. */
  async signalJson(
    id: string,
    signal: string,
    payloadJson: string,
    options: SignalOptions = {},
  ): Promise<Task> {
    const { reason = "", requestId = "", ...control } = optionsOf(options, "options", signalNames);
    const request = requestOf(SignalTaskRequestSchema, { id, signal, payloadJson, reason, requestId });
    return toTask(await this.#caller.once((o) => this.#wire.signalTask(request, o), control));
  }

  /**
   * One page of what has happened to a Step, oldest first: its Runs, and what people have done to it by hand, with who, when
   * and why. Only an empty `nextPageToken` marks the last page.
   */
  async stepAudit(taskId: string, stepName = "main", options: StepPageOptions = {}): Promise<StepAuditPage> {
    return this.#history.audit(taskId, stepName, options);
  }

  /**
   * One page of what a Step's agent has journaled, oldest first, and which of its entries are in doubt. Only an empty
   * `nextPageToken` marks the last page.
   */
  async journalPage(taskId: string, stepName = "main", options: StepPageOptions = {}): Promise<JournalPage> {
    return this.#history.journal(taskId, stepName, options);
  }

  /** Iterates over all that a Step's agent has journaled, oldest first, reading pages as needed. */
  async *journal(
    taskId: string,
    stepName = "main",
    control: CallControl = {},
  ): AsyncGenerator<JournalRecord, void> {
    let pageToken = "";
    do {
      const page = await this.journalPage(taskId, stepName, { ...control, pageToken });
      yield* page.records;
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /** Resolves by hand a Step that failed or hangs. An empty `stepName` with the action `resolve` resolves the whole Task. */
  async resolveStep(
    taskId: string,
    stepName: string,
    resolution: Resolution,
    control?: CallControl,
  ): Promise<Task> {
    const request = resolveRequestOf(taskId, stepName, resolution);
    return toTask(await this.#caller.once((o) => this.#wire.resolveStep(request, o), control));
  }

  /** Iterates over a Task's events, each exactly once, until it ends. Reconnects by itself; see {@link WatchOptions}. */
  watch(id: string, options: WatchOptions = {}): AsyncGenerator<TaskEvent, void> {
    const { afterSeq, failuresMax, onLost, signal } = optionsOf(options, "options", watchNames);
    const first = requestOf(WatchTaskRequestSchema, { id, afterSeq: wholeNumber(afterSeq, "after_seq") });
    wholeNumber(failuresMax, "failuresMax");
    checkedCallback(onLost, "onLost");
    const open = (afterSeq: number, signal: AbortSignal) =>
      this.#wire.watchTask({ ...first, afterSeq: BigInt(afterSeq) }, { signal });
    const checked = checkedSignal(signal);
    const control = checked ? { signal: checked } : {};
    return watch(open, async () => hasEnded(await this.get(id, control)), options);
  }

  /**
   * Waits until a Task has ended, and returns it whatever its status. Waits again by itself when the connection is lost.
   *
   * @throws {TaskRunError} `CANCELLED` if the signal ends the wait; the Task itself continues
   */
  wait(id: string, options: RunOptions = {}): Promise<Task> {
    return this.#ends.wait(id, options);
  }

  /**
   * Creates a Task, waits until it has ended, and returns its result, whatever its size; undefined if it has none. One
   * request does it all. It is sent again, with its idempotency key, when the connection is lost.
   *
   * Takes an agent or a workflow with its input, of which the compiler knows the types, or a request.
   *
   * @throws {TaskFailed} if it failed or was cancelled
   */
  async run<Input, Result>(
    agent: TypedAgent<Input, Result>,
    ...rest: TypedRunArguments<NoInfer<Input>>
  ): Promise<Result>;
  async run<Input, Result>(
    workflow: TypedWorkflow<Input, Result>,
    ...rest: TypedRunArguments<NoInfer<Input>>
  ): Promise<Result>;
  async run<Output = unknown>(
    request: CreateTask & { readonly name?: never },
    options?: RunOptions,
  ): Promise<Output | undefined>;
  async run(
    first: CreateTask | TypedAgent | TypedWorkflow,
    second?: unknown,
    third?: TypedRunOptions,
  ): Promise<unknown> {
    const { request, options } = runRequestOf(first, second, third);
    const message = requestOf(CreateTaskRequestSchema, createInit(request, this.#namespace));
    return parsed(await this.#ends.run(message, options));
  }

  /**
   * Returns the parsed result of a completed Task, whatever its size; undefined if it has none.
   *
   * @throws {TaskFailed} if it failed or was cancelled
   * @throws {TaskRunError} `FAILED_PRECONDITION` if it has not ended, unless the option is to wait
   */
  async result<Output = unknown>(id: string, options: ResultOptions = {}): Promise<Output | undefined> {
    return parsed<Output>(await this.resultJson(id, options));
  }

  /** Like {@link result}, but returns the JSON text, empty if there is no result: a parsed number may have lost digits. */
  resultJson(id: string, options: ResultOptions = {}): Promise<string> {
    return this.#ends.resultJson(id, options);
  }

  /** Returns the parsed result of one Step, whatever its size. `main` is the Step of a Task that names an agent. */
  async stepResult<Output = unknown>(
    taskId: string,
    stepName = "main",
    control?: CallControl,
  ): Promise<Output> {
    return JSON.parse(await this.stepResultJson(taskId, stepName, control)) as Output;
  }

  /** Like {@link stepResult}, but returns the JSON text: a parsed number may have lost digits. */
  async stepResultJson(taskId: string, stepName = "main", control?: CallControl): Promise<string> {
    const request = requestOf(GetStepResultRequestSchema, { taskId, stepName });
    const { outputJson } = await this.#caller.once((o) => this.#wire.getStepResult(request, o), control);
    return outputJson;
  }
}

function parsed<Output>(json: string): Output | undefined {
  return json === "" ? undefined : (JSON.parse(json) as Output);
}
