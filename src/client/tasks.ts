import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import type { Labels, TaskStatus } from "#domain/task";
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
import type { Task, TaskEvent, TemplateRef } from "./views.js";
import { hasEnded, outputOf } from "./views.js";
import { type WatchOptions, watch } from "./watch.js";

/** What is wanted: an agent or a template, and what it is to work on. */
export interface CreateTask {
  readonly agent?: string;
  readonly template?:
    | TemplateRef
    | { readonly namespace?: string; readonly name: string; readonly version?: string };
  /** Any JSON value, at most 1 MiB as text; `{}` if left out. */
  readonly input?: unknown;
  /** The input as JSON text, in place of `input`: it is stored byte for byte. */
  readonly inputJson?: string;
  readonly createdBy?: string;
  readonly labels?: Labels;
  /** Drawn at random if left out. See {@link Tasks.create}. */
  readonly idempotencyKey?: string;
  /** -100 to 100, higher first. */
  readonly priority?: number;
  /** For the whole task, in milliseconds; 0 is no limit. */
  readonly timeoutMs?: number;
  /** Total tries of each step; if left out, 1 for an agent, and what the template says for a template. */
  readonly maxAttempts?: number;
  readonly namespace?: string;
  /** Labels a worker must carry. */
  readonly workerSelector?: Labels;
  readonly correlationId?: string;
  /** Not to be started before this time, in Unix milliseconds. */
  readonly startAtMs?: number;
}

/** What an operator decides about a Step that failed for good. */
export type Resolution =
  /** Try it anew, with all its attempts. */
  | { readonly action: "retry" }
  /** It counts as done, without a result. */
  | { readonly action: "resolve" }
  /** It is done, with this result. */
  | { readonly action: "complete"; readonly result?: unknown };

const resolveActions = {
  retry: ResolveAction.RESET_FOR_RETRY,
  resolve: ResolveAction.RESOLVE_MANUALLY,
  complete: ResolveAction.COMPLETE_MANUALLY,
} as const satisfies Record<Resolution["action"], ResolveAction>;

export interface TaskFilter {
  readonly status?: TaskStatus;
  readonly agent?: string;
  readonly namespace?: string;
  readonly labels?: Labels;
  /** Tasks to a page, at most 1 000; 100 if left out. */
  readonly pageSize?: number;
}

export interface TaskPage {
  readonly tasks: readonly Task[];
  /** Give it as `pageToken` to read on; empty on the last page. */
  readonly nextPageToken: string;
}

/** What became of one request of a batch. */
export type Created =
  | { readonly ok: true; readonly task: Task }
  | { readonly ok: false; readonly error: TaskRunError };

export interface RunOptions {
  /** Ends the waiting, not the Task. */
  readonly signal?: AbortSignal;
  /** Told of everything that happens on the way. */
  readonly onEvent?: (event: TaskEvent) => void;
}

/** A Task that was waited for and did not complete. */
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

/** Gives Tasks, reads them, watches them, stops them. Every method throws {@link TaskRunError}. */
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
   * Creates a Task, which is durable once this resolves.
   *
   * The request carries an idempotency key, yours or one drawn here, so it is sent again by itself when the
   * answer is lost, and still makes one Task. If that fails too the error's `idempotencyKey` lets you ask
   * again, in another process as well, as long as the request stays the same.
   */
  async create(request: CreateTask, control?: CallControl): Promise<Task> {
    const message = create(CreateTaskRequestSchema, this.#toWire(request));
    const send = this.#wire.createTask;
    return toTask(await this.#caller.withKey(message.idempotencyKey, (o) => send(message, o), control));
  }

  /** Creates up to 1 000 Tasks in one commit. One that is refused does not hinder the others; order is kept. */
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

  async get(id: string, control?: CallControl): Promise<Task> {
    return toTask(await this.#caller.once((o) => this.#wire.getTask({ id }, o), control));
  }

  /** One page, newest first. It may be short, even empty, and still not be the last. */
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

  /** All Tasks that fit, newest first; pages are read as they are needed. */
  async *list(filter: TaskFilter = {}, control?: CallControl): AsyncGenerator<Task, void> {
    let pageToken = "";
    do {
      const page = await this.page({ ...filter, pageToken }, control);
      yield* page.tasks;
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /** Cancels a Task at once and for good. FAILED_PRECONDITION if it has ended already. */
  async cancel(id: string, reason = "", control?: CallControl): Promise<Task> {
    return toTask(await this.#caller.once((o) => this.#wire.cancelTask({ id, reason }, o), control));
  }

  /** Does an ended Task again, as a new one. Carries a key like {@link create}. */
  async retry(id: string, options: CallControl & { readonly idempotencyKey?: string } = {}): Promise<Task> {
    const request = { id, idempotencyKey: keyOr(options.idempotencyKey) };
    const send = this.#wire.retryTask;
    return toTask(await this.#caller.withKey(request.idempotencyKey, (o) => send(request, o), options));
  }

  /**
   * Gives the Step that waits for this signal its payload, which becomes its result. May come before the Step
   * waits; the same payload again changes nothing.
   *
   * @param payload any JSON value, `null` if left out
   */
  async signal(id: string, signal: string, payload?: unknown, control?: CallControl): Promise<Task> {
    const request = { id, signal, payloadJson: payload === undefined ? "" : JSON.stringify(payload) };
    return toTask(await this.#caller.once((o) => this.#wire.signalTask(request, o), control));
  }

  /** Settles a failed Step by hand; an empty `stepName` with `resolve` declares the whole Task done. */
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

  /** Everything that happens to a Task, each event once, until it ends; see {@link WatchOptions}. */
  watch(id: string, options: WatchOptions = {}): AsyncGenerator<TaskEvent, void> {
    const open = (afterSeq: number, signal: AbortSignal) =>
      this.#wire.watchTask({ id, afterSeq: BigInt(afterSeq) }, { signal });
    const control = options.signal ? { signal: options.signal } : {};
    return watch(open, async () => hasEnded(await this.get(id, control)), options);
  }

  /**
   * Waits until a Task has ended and answers with all of it, however it ended.
   *
   * @throws {TaskRunError} `CANCELLED` if the signal ends the waiting; the Task itself goes on
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
   * Creates a Task, waits for it, and answers with its result.
   *
   * @throws {TaskFailed} if it failed or was cancelled
   */
  async run<Output = unknown>(request: CreateTask, options: RunOptions = {}): Promise<Output | undefined> {
    const { id } = await this.create(request, options.signal ? { signal: options.signal } : {});
    const task = await this.wait(id, options);
    if (task.status !== "COMPLETED") throw new TaskFailed(task);
    return outputOf<Output>(task);
  }

  /** The result of a completed Task, parsed; undefined if it made none. Throws {@link TaskFailed} otherwise. */
  async result<Output = unknown>(id: string, control?: CallControl): Promise<Output | undefined> {
    const task = await this.get(id, control);
    if (task.status === "COMPLETED") return outputOf<Output>(task);
    if (hasEnded(task)) throw new TaskFailed(task);
    const text = `task ${id} is ${task.status} and has no result yet; wait for it with tasks.wait(id)`;
    throw new TaskRunError("FAILED_PRECONDITION", text);
  }

  /** The result of one Step, parsed, however large; `main` is the Step of a Task that names an agent. */
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
