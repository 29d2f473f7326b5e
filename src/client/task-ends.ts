import { create } from "@bufbuild/protobuf";
import type { Client } from "@connectrpc/connect";
import { limits } from "#limits/index";
import {
  type CreateTaskRequest,
  RunTaskRequestSchema,
  type TaskService,
  WaitTaskRequestSchema,
} from "#wire/gen/taskrun/v1/task_service_pb";
import { awaitEnd, type EndWait, stoppedWaiting } from "./await-end.js";
import type { CallControl, Caller } from "./call.js";
import { TaskRunError, withoutPrefix } from "./error.js";
import type { TaskEvent } from "./event-views.js";
import { checkedCallback, checkedSignal, optionsOf, requestOf, wrongArgument } from "./request.js";
import { type ResultOptions, type RunOptions, resultNames, runNames, TaskFailed } from "./task-requests.js";
import { hasEnded, type Task } from "./views.js";
import type { WatchOptions } from "./watch.js";
import { wholeResult } from "./whole-result.js";

/** What of {@link Tasks} is needed to wait. */
export interface TaskReads {
  get(id: string, control?: CallControl): Promise<Task>;
  watch(id: string, options: WatchOptions): AsyncIterable<TaskEvent>;
  stepResultJson(id: string, stepName: string, control: CallControl): Promise<string>;
}

/**
 * Waits for the ends of Tasks, and reads their results. One request waits for an end, and costs the server an entry in a
 * map; only who wants the events watches.
 */
export class TaskEnds {
  readonly #wire: Client<typeof TaskService>;
  readonly #caller: Caller;
  readonly #tasks: TaskReads;

  constructor(wire: Client<typeof TaskService>, caller: Caller, tasks: TaskReads) {
    this.#wire = wire;
    this.#caller = caller;
    this.#tasks = tasks;
  }

  /** The Task, once it has ended. */
  async wait(id: string, options: RunOptions): Promise<Task> {
    const { onEvent } = checkedRun(options);
    const { id: checked } = requestOf(WaitTaskRequestSchema, { id });
    const watched = () => this.#watchToEnd(checked, options);
    if (onEvent) return watched();
    return this.#awaitEnd({ id: checked, idempotencyKey: "", fallBack: watched }, options);
  }

  /** Creates a Task; resolves to the JSON text of its result, empty if it has none. */
  async run(task: CreateTaskRequest, options: RunOptions): Promise<string> {
    const { signal, onEvent, traceparent } = checkedRun(options);
    const control = { ...(signal && { signal }), ...(traceparent !== undefined && { traceparent }) };
    const { idempotencyKey } = task;
    const send = this.#wire.createTask;
    const watched = async (known: string) => {
      const id = known || (await this.#caller.withKey(idempotencyKey, (o) => send(task, o), control)).id;
      return this.#watchToEnd(id, options);
    };
    const ended = onEvent ? watched("") : this.#runToEnd(task, { ...options, fallBack: watched });
    return this.#resultOf(await ended, control);
  }

  /** The JSON text of the result of a Task, empty if it has none. */
  async resultJson(id: string, options: ResultOptions): Promise<string> {
    const { wait = false, ...control } = optionsOf(options, "options", resultNames);
    const { signal } = control;
    const task = await (wait ? this.wait(id, signal ? { signal } : {}) : this.#tasks.get(id, control));
    if (hasEnded(task)) return this.#resultOf(task, control);
    const text = `task ${id} is ${task.status} and has no result yet; wait for it with tasks.wait(id)`;
    throw new TaskRunError("FAILED_PRECONDITION", text);
  }

  async #runToEnd(task: CreateTaskRequest, options: RunOptions & Pick<EndWait, "fallBack">): Promise<Task> {
    const { idempotencyKey } = task;
    try {
      return await this.#awaitEnd({ id: "", idempotencyKey, fallBack: options.fallBack }, options, task);
    } catch (error) {
      throw error instanceof TaskRunError ? withoutPrefix(error, "task.") : error;
    }
  }

  /** @param task the request for a Task that does not exist yet */
  #awaitEnd(
    wait: Pick<EndWait, "id" | "idempotencyKey" | "fallBack">,
    { signal, onLost, traceparent }: RunOptions,
    task?: CreateTaskRequest,
  ): Promise<Task> {
    const waitMs = BigInt(limits.waitDefault);
    const send: EndWait["send"] = (id, options) => {
      if (id === "" && task)
        return this.#wire.runTask(create(RunTaskRequestSchema, { task, waitMs }), options);
      return this.#wire.waitTask(create(WaitTaskRequestSchema, { id, waitMs }), options);
    };
    return awaitEnd(this.#caller, { ...wait, send, signal, onLost, traceparent });
  }

  async #watchToEnd(id: string, { signal, onEvent, onLost }: RunOptions): Promise<Task> {
    const options = { ...(signal && { signal }), ...(onLost && { onLost }) };
    let ended = false;
    for await (const event of this.#tasks.watch(id, options)) {
      await onEvent?.(event);
      ended = event.type === "task" && hasEnded(event.task);
    }
    if (!ended) throw stoppedWaiting(id);
    return this.#tasks.get(id);
  }

  async #resultOf(task: Task, control: CallControl): Promise<string> {
    if (task.status !== "COMPLETED") throw new TaskFailed(task);
    return wholeResult(task, (stepName) => this.#tasks.stepResultJson(task.id, stepName, control));
  }
}

/** Checks the options of a wait before anything is sent. */
function checkedRun(options: RunOptions): Partial<RunOptions> {
  if (typeof options === "object" && options !== null && "timeoutMs" in options) {
    throw wrongArgument("options", "has no timeoutMs: end a wait by signal: AbortSignal.timeout(60_000).");
  }
  const checked = optionsOf(options, "options", runNames);
  checkedSignal(checked.signal);
  checkedCallback(checked.onEvent, "onEvent");
  checkedCallback(checked.onLost, "onLost");
  return checked;
}
