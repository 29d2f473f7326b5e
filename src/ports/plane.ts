import type { Caller } from "#domain/caller";
import type { Fault } from "#domain/fault";
import type { NodeId, TaskId } from "#domain/id";
import type { NodeState, NodeView } from "#domain/node";
import type { Budget } from "#domain/task/budget";
import type { SettableStatus } from "#domain/task/dead-letter";
import type { LogSlice } from "#domain/task/log";
import type { RunSummary } from "#domain/task/run";
import type { ResolveAction, StepSummary } from "#domain/task/step";
import type { TaskDraft, TaskRow } from "#domain/task/task";
import type { TemplateRow } from "#domain/template/template";
import type { Instant } from "#domain/time/time";
import type { LeaseTerms } from "#domain/worker/worker";
import type { ExplainPlane, PausePlane } from "./operator-plane.js";
import type { Reads, StoreOutage } from "./store.js";
import type { TaskWait } from "./task-wait.js";
import type { AgentPlane, WorkerPlane } from "./worker-plane.js";

/**
 * The interface of the control plane to its use cases, and the only one: they never call an actor or write a row.
 *
 * All that is read through it is committed. Every change is answered after its commit.
 *
 * @example
 * ```ts
 * import type { Plane } from "taskrun/ports/plane";
 *
 * function isWell({ ready, health }: Plane): boolean {
 *   return ready && !health.parked && !health.clock;
 * }
 * ```
 */
export interface Plane extends TaskPlane, TemplatePlane, WorkerPlane, AgentPlane, PausePlane, ExplainPlane {
  readonly reads: Reads;
  readonly terms: LeaseTerms;
  /** True while requests are served; false while starting and draining. */
  readonly ready: boolean;
  /** Problems that an operator should look at; empty if there are none. */
  readonly health: PlaneHealth;
  /** This node; absent if the store is one process's. */
  readonly node?: OwnNode | undefined;
  /**
   * The nodes that share the store, live ones first, then the latest start first; of a store of one process this one.
   *
   * @throws {Fault} `unavailable`, `overloaded` if the store cannot be asked
   */
  nodes(): Promise<readonly NodeView[]>;
}

/** This node of several, as it sees itself. */
export interface OwnNode {
  readonly id: NodeId;
  /** `lost` if it has stopped because others may have taken over. */
  readonly state: NodeState;
  /** Seconds for which it goes on if its lease is not renewed. */
  readonly leaseSeconds: number;
}

/**
 * Creates, changes and follows Tasks.
 *
 * @example
 * ```ts
 * import { LOCAL_CALLER, type Receipt } from "taskrun";
 * import type { TaskPlane } from "taskrun/ports/plane";
 *
 * async function printLog(plane: TaskPlane, { task }: Receipt, signal: AbortSignal): Promise<void> {
 *   for await (const { firstSeq, entries } of plane.watch(LOCAL_CALLER, task.id, 0, signal)) {
 *     entries.forEach(({ type }, i) => console.log(firstSeq + i, type));
 *   }
 * }
 * ```
 */
export interface TaskPlane {
  /**
   * Creates all drafts in one commit; answers in the same order, with a `Fault` for each draft that is refused. A draft
   * whose idempotency key is known is answered with the Task that owns the key.
   *
   * @throws {Fault} `overloaded` if the mailbox is full, `unavailable` if the plane is not serving; then nothing was
   *   stored
   */
  submit(caller: Caller, drafts: readonly TaskDraft[]): Promise<readonly (Receipt | Fault)[]>;

  /**
   * Cancels the Task.
   *
   * @param reason for people; stored with the Task
   * @throws {Fault} `not_found`, or `wrong_state` if the Task has already ended
   */
  cancel(caller: Caller, taskId: TaskId, reason: string): Promise<Receipt>;

  /**
   * Delivers a payload to the Step, or the agent, that waits for this signal; kept if none waits yet. Idempotent for the
   * same payload of a Step, and for the same request of an agent.
   *
   * @param signal its name in the template, or that of the agent
   * @param payload JSON text
   * @param reason for people; kept with who sent it
   * @param requestId names the request; empty for none
   * @throws {Fault} `not_found`, or `wrong_state` if the Task or the Step has ended, or another payload came first, or `overloaded`
   *   if as many are kept as may be
   */
  signal(
    caller: Caller,
    taskId: TaskId,
    signal: string,
    payload: string,
    reason?: string,
    requestId?: string,
  ): Promise<Receipt>;

  /**
   * Applies an operator's decision to a Step that has failed for good, or that hangs. Idempotent for the same caller, action and reason.
   *
   * @param reason for people; kept with who decided it
   * @throws {Fault} `not_found`, or `wrong_state` if the Task has ended, or the Step goes on by itself
   */
  resolve(
    caller: Caller,
    taskId: TaskId,
    stepName: string,
    action: ResolveAction,
    reason?: string,
  ): Promise<Receipt>;

  /**
   * Adds to the bounds of a Task's budget; what was stopped for want of it goes on. Carried out once for each `requestId`.
   *
   * @param reason for people; kept with who raised it
   * @throws {Fault} `not_found`; `wrong_state` if the Task has ended or has no budget of its own; `invalid`, with how much is missing, if it
   *   could not go on with what is added, or has no such bound
   */
  topUp(caller: Caller, taskId: TaskId, add: Budget, reason?: string, requestId?: string): Promise<Receipt>;

  /**
   * Writes down what became of a Task's dead letter; what is undefined stays as it is.
   *
   * @throws {Fault} `not_found`, or `wrong_state` if it is to be pending although another Task does the work again
   */
  updateDeadLetter(
    caller: Caller,
    taskId: TaskId,
    change: { readonly status: SettableStatus | undefined; readonly notes: string | undefined },
  ): Promise<Receipt>;

  /**
   * Iterates over the Task's log after `afterSeq`, live, up to its terminal entry or until the signal aborts. Reads at
   * the pace of the consumer and buffers nothing for it.
   *
   * @param afterSeq seq of the last entry that the consumer has; 0 for all
   *
   * @throws {Fault} `not_found`, `cursor_expired`, `cursor_ahead`, `overloaded` (too many watchers)
   */
  watch(caller: Caller, taskId: TaskId, afterSeq: number, signal: AbortSignal): AsyncIterable<LogSlice>;

  /**
   * Begins to wait for the end of a Task, which need not exist yet: begin before it is created, or read it afterwards.
   * Costs one entry in a map; reads nothing.
   *
   * @throws {Fault} `overloaded` (too many waits), `unavailable` if the plane no longer serves
   */
  wait(caller: Caller, taskId: TaskId): TaskWait;
}

/**
 * Registers templates.
 *
 * @example
 * ```ts
 * import { LOCAL_CALLER } from "taskrun";
 * import type { TemplatePlane } from "taskrun/ports/plane";
 * import type { TemplatePage } from "taskrun/ports/store";
 *
 * async function registerAll({ templates }: TemplatePage, plane: TemplatePlane): Promise<void> {
 *   for (const template of templates) await plane.register(LOCAL_CALLER, template);
 * }
 * ```
 */
export interface TemplatePlane {
  /**
   * Stores a template version, which never changes afterwards. Idempotent for the same body: answers with the version
   * that was registered first.
   *
   * @throws {Fault} `template_conflict` if this version has another body, `overloaded` if the namespace
   *   has too many
   */
  register(caller: Caller, template: Omit<TemplateRow, "registeredAt">): Promise<TemplateRow>;
}

/** Problems that do not keep the plane from serving. */
export interface PlaneHealth {
  /** Messages that cannot be decided and are retried: their number, since when, and when the next one is retried. */
  readonly parked?: { readonly count: number; readonly since: Instant; readonly next: Instant };
  /** Present if the wall clock at the start was too far from the last instant that the store had recorded. */
  readonly clock?: { readonly wall: Instant; readonly remembered: Instant; readonly message: string };
  /** Present while the store cannot be reached: since when, in Unix milliseconds, and why. */
  readonly store?: StoreOutage;
}

/** A Task right after the commit of a request, with those of its Steps and Runs that the turn had loaded. */
export interface Receipt {
  readonly task: TaskRow;
  readonly steps: readonly StepSummary[];
  readonly runs: readonly RunSummary[];
}

export type { WorkerReport } from "#domain/task/report";
export type { ExplainPlane, PausePlane } from "./operator-plane.js";
export type { AgentPlane, WorkerLink, WorkerPlane, WorkerSink } from "./worker-plane.js";
