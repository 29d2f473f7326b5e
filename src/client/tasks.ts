import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import { taskStatusToWire } from "#wire/convert-enums";
import {
  BatchCreateTasksRequestSchema,
  CreateTaskRequestSchema,
  ResolveAction,
  TaskService,
} from "#wire/gen/taskrun/v1/task_service_pb";
import { type CallControl, type Caller, keyOr } from "./call.js";
import { toTask } from "./convert.js";
import { codeName, TaskRunError } from "./error.js";
import type { TaskEvent } from "./event-views.js";
import {
  type Created,
  type CreateTask,
  type Resolution,
  type RunOptions,
  TaskFailed,
  type TaskFilter,
  type TaskPage,
} from "./task-requests.js";
import { hasEnded, outputOf, type Task } from "./views.js";
import { type WatchOptions, watch } from "./watch.js";

const resolveActions = {
  retry: ResolveAction.RESET_FOR_RETRY,
  resolve: ResolveAction.RESOLVE_MANUALLY,
  complete: ResolveAction.COMPLETE_MANUALLY,
} as const satisfies Record<Resolution["action"], ResolveAction>;

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
 * ```
 */
export class Tasks {
  readonly #wire: Client<typeof TaskService>;
  readonly #caller: Caller;
  readonly #namespace: string;

  constructor(transport: Transport, caller: Caller, namespace: string) {
    this.#wire = createClient(TaskService, transport);
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
    const message = create(CreateTaskRequestSchema, this.#toWire(request));
    const send = this.#wire.createTask;
    return toTask(await this.#caller.withKey(message.idempotencyKey, (o) => send(message, o), control));
  }

  /** Creates up to 1 000 Tasks in one commit. Each is accepted or refused on its own; the answer keeps their order. */
  async createMany(requests: readonly CreateTask[], control?: CallControl): Promise<readonly Created[]> {
    const tasks = requests.map((request) => this.#toWire(request));
    const message = create(BatchCreateTasksRequestSchema, { tasks });
    const send = this.#wire.batchCreateTasks;

    const { results } = await this.#caller.withKey("", (o) => send(message, o), control);
    return results.map(({ result }, i): Created => {
      if (result.case === "task") return { ok: true, task: toTask(result.value) };
      const { code = 2, message: text = "no answer", reason = "", retryAfterMs = 0n } = result.value ?? {};
      const idempotencyKey = tasks[i]?.idempotencyKey ?? "";
      const details = { reason, retryAfterMs: Number(retryAfterMs), idempotencyKey };
      return { ok: false, error: new TaskRunError(codeName(code), text, details) };
    });
  }

  /** Returns a Task with its input, result, Steps and Runs. `NOT_FOUND` if there is none. */
  async get(id: string, control?: CallControl): Promise<Task> {
    return toTask(await this.#caller.once((o) => this.#wire.getTask({ id }, o), control));
  }

  /** Returns one page, newest first. Only an empty `nextPageToken` marks the last page: any page may be short or empty. */
  async page(
    filter: TaskFilter & { readonly pageToken?: string } = {},
    control?: CallControl,
  ): Promise<TaskPage> {
    const request = {
      statusFilter: filter.status ? taskStatusToWire[filter.status] : 0,
      agentFilter: filter.agent ?? "",
      namespace: filter.namespace ?? this.#namespace,
      labels: { ...filter.labels },
      pageSize: filter.pageSize ?? 0,
      pageToken: filter.pageToken ?? "",
    };
    const answer = await this.#caller.once((o) => this.#wire.listTasks(request, o), control);
    return { tasks: answer.tasks.map(toTask), nextPageToken: answer.nextPageToken };
  }

  /** Iterates over all matching Tasks, newest first, reading pages as needed. */
  async *list(filter: TaskFilter = {}, control?: CallControl): AsyncGenerator<Task, void> {
    let pageToken = "";
    do {
      const page = await this.page({ ...filter, pageToken }, control);
      yield* page.tasks;
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /** Cancels a Task and its Runs. `FAILED_PRECONDITION` if it has ended already. */
  async cancel(id: string, reason = "", control?: CallControl): Promise<Task> {
    return toTask(await this.#caller.once((o) => this.#wire.cancelTask({ id, reason }, o), control));
  }

  /** Creates a new Task with the request of one that has ended. Carries an idempotency key like {@link create}. */
  async retry(id: string, options: CallControl & { readonly idempotencyKey?: string } = {}): Promise<Task> {
    const request = { id, idempotencyKey: keyOr(options.idempotencyKey) };
    const send = this.#wire.retryTask;
    return toTask(await this.#caller.withKey(request.idempotencyKey, (o) => send(request, o), options));
  }

  /**
   * Sends a signal to the Step that waits for it, or will; the payload becomes the Step's result. Repeating it with the
   * same payload changes nothing.
   *
   * @param payload any JSON value. Default: `null`
   */
  async signal(id: string, signal: string, payload?: unknown, control?: CallControl): Promise<Task> {
    const request = { id, signal, payloadJson: payload === undefined ? "" : JSON.stringify(payload) };
    return toTask(await this.#caller.once((o) => this.#wire.signalTask(request, o), control));
  }

  /** Resolves a failed Step by hand. An empty `stepName` with the action `resolve` resolves the whole Task. */
  async resolveStep(
    taskId: string,
    stepName: string,
    resolution: Resolution,
    control?: CallControl,
  ): Promise<Task> {
    const result = resolution.action === "complete" ? resolution.result : undefined;
    const resultJson = result === undefined ? "" : JSON.stringify(result);
    const request = { taskId, stepName, action: resolveActions[resolution.action], resultJson };
    return toTask(await this.#caller.once((o) => this.#wire.resolveStep(request, o), control));
  }

  /** Iterates over a Task's events, each exactly once, until it ends. Reconnects by itself; see {@link WatchOptions}. */
  watch(id: string, options: WatchOptions = {}): AsyncGenerator<TaskEvent, void> {
    const open = (afterSeq: number, signal: AbortSignal) =>
      this.#wire.watchTask({ id, afterSeq: BigInt(afterSeq) }, { signal });
    const control = options.signal ? { signal: options.signal } : {};
    return watch(open, async () => hasEnded(await this.get(id, control)), options);
  }

  /**
   * Waits until a Task has ended, and returns it whatever its status.
   *
   * @throws {TaskRunError} `CANCELLED` if the signal ends the wait; the Task itself continues
   */
  async wait(id: string, { signal, onEvent }: RunOptions = {}): Promise<Task> {
    let ended = false;
    for await (const event of this.watch(id, signal ? { signal } : {})) {
      onEvent?.(event);
      ended = event.type === "task" && hasEnded(event.task);
    }
    if (!ended) throw new TaskRunError("CANCELLED", `stopped waiting for task ${id}, which goes on`);
    return this.get(id);
  }

  /**
   * Creates a Task, waits until it has ended, and returns its result; undefined if it has none.
   *
   * @throws {TaskFailed} if it failed or was cancelled
   */
  async run<Output = unknown>(request: CreateTask, options: RunOptions = {}): Promise<Output | undefined> {
    const { id } = await this.create(request, options.signal ? { signal: options.signal } : {});
    const task = await this.wait(id, options);
    if (task.status !== "COMPLETED") throw new TaskFailed(task);
    return outputOf<Output>(task);
  }

  /**
   * Returns the parsed result of a completed Task; undefined if it has none.
   *
   * @throws {TaskFailed} if it failed or was cancelled
   * @throws {TaskRunError} `FAILED_PRECONDITION` if it has not ended
   */
  async result<Output = unknown>(id: string, control?: CallControl): Promise<Output | undefined> {
    const task = await this.get(id, control);
    if (task.status === "COMPLETED") return outputOf<Output>(task);
    if (hasEnded(task)) throw new TaskFailed(task);
    const text = `task ${id} is ${task.status} and has no result yet; wait for it with tasks.wait(id)`;
    throw new TaskRunError("FAILED_PRECONDITION", text);
  }

  /** Returns the parsed result of one Step, whatever its size. `main` is the Step of a Task that names an agent. */
  async stepResult<Output = unknown>(
    taskId: string,
    stepName = "main",
    control?: CallControl,
  ): Promise<Output> {
    const answer = await this.#caller.once((o) => this.#wire.getStepResult({ taskId, stepName }, o), control);
    return JSON.parse(answer.outputJson) as Output;
  }

  #toWire(
    request: CreateTask,
  ): Exclude<MessageInitShape<typeof CreateTaskRequestSchema>, { $typeName: string }> {
    const { agent, input, inputJson, labels, template, workerSelector, timeoutMs, startAtMs, ...same } =
      request;
    return {
      ...same,
      agentName: agent ?? "",
      inputJson: inputJson ?? (input === undefined ? "" : JSON.stringify(input)),
      labels: { ...labels },
      workerSelector: { ...workerSelector },
      timeoutMs: BigInt(timeoutMs ?? 0),
      startAtMs: BigInt(startAtMs ?? 0),
      namespace: request.namespace ?? this.#namespace,
      idempotencyKey: keyOr(request.idempotencyKey),
      ...(template && { template: { namespace: "", version: "", ...template } }),
    };
  }
}
