import type { Caller } from "#domain/caller";
import type { Fault } from "#domain/fault";
import type { NodeId, TaskId, WorkerId } from "#domain/id";
import type { NodeState, NodeView } from "#domain/node";
import type { Pause, PauseScope } from "#domain/pause/pause";
import type { PauseSet } from "#domain/pause/pause-set";
import type { SettableStatus } from "#domain/task/dead-letter";
import type { LogSlice } from "#domain/task/log";
import type { WorkerReport } from "#domain/task/report";
import type { RunRow, RunSummary } from "#domain/task/run";
import type { Staleness } from "#domain/task/staleness";
import type { ReadyStep, ResolveAction, StepSummary } from "#domain/task/step";
import type { TaskDraft, TaskRow } from "#domain/task/task";
import type { TemplateRow } from "#domain/template/template";
import type { Instant } from "#domain/time/time";
import type { AgentView, KnownAgent } from "#domain/worker/agent";
import type { WorkerFrame } from "#domain/worker/frame";
import type { WorkerAnswer } from "#domain/worker/refusal";
import type { LeaseTerms, WorkerView } from "#domain/worker/worker";
import type { Reads, StoreOutage, TaskDetail } from "./store.js";
import type { TaskWait } from "./task-wait.js";

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
   * Delivers a payload to the Step that waits for this signal; kept if the Step does not wait yet. Idempotent for the
   * same payload.
   *
   * @param signal its name in the template
   * @param payload JSON text
   * @param reason for people; kept with who sent it
   * @throws {Fault} `not_found`, or `wrong_state` if the Task or the Step has ended, or another payload came first
   */
  signal(caller: Caller, taskId: TaskId, signal: string, payload: string, reason?: string): Promise<Receipt>;

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

/**
 * Connects, lists and drains workers.
 *
 * @example
 * ```ts
 * import { LOCAL_CALLER } from "taskrun";
 * import type { WorkerPlane } from "taskrun/ports/plane";
 *
 * async function drainHost(plane: WorkerPlane, hostname: string): Promise<void> {
 *   for (const { info } of await plane.workers(LOCAL_CALLER)) {
 *     if (info.hostname === hostname) await plane.drainWorker(LOCAL_CALLER, info.workerId, "maintenance");
 *   }
 * }
 * ```
 */
export interface WorkerPlane {
  /**
   * Assigns no more Runs to the worker. Resolves with the worker after the commit.
   *
   * @throws {Fault} `not_found` if no such worker is connected
   */
  drainWorker(caller: Caller, workerId: WorkerId, reason: string): Promise<WorkerView>;

  /**
   * Connected workers, in no order, as the last commit left them; if several nodes share the store, those of all nodes.
   *
   * @throws {Fault} `unavailable`, `overloaded` if the other nodes' workers cannot be read
   */
  workers(caller: Caller): Promise<readonly WorkerView[]>;

  /**
   * Attaches a worker's stream. Give the worker's reports to the returned link, `hello` first; the plane writes its
   * frames to the sink.
   */
  connect(caller: Caller, sink: WorkerSink): WorkerLink;
}

/**
 * Tells what workers have announced of their agents, as the last commit left it, and which agents ready Steps wait for.
 *
 * @example
 * ```ts
 * import { LOCAL_CALLER } from "taskrun";
 * import type { AgentPlane } from "taskrun/ports/plane";
 *
 * function withoutWorkers(plane: AgentPlane): string[] {
 *   return plane.agents(LOCAL_CALLER).filter(({ workers }) => workers === 0).map(({ name }) => name);
 * }
 * ```
 */
export interface AgentPlane {
  /** What is known of an agent that a Task of this namespace names; undefined if no worker has ever announced it. */
  agent(namespace: string, name: string): KnownAgent | undefined;

  /** The names of all agents that were announced for a namespace. */
  agentNames(namespace: string): Iterable<string>;

  /**
   * All agents that the caller may see, ordered by name and namespace. Those that ready Steps wait for are among them, never
   * seen, even if no worker has ever announced them.
   */
  agents(caller: Caller): readonly AgentView[];
}

/**
 * Holds Steps back from workers, and lets them go again.
 *
 * @example
 * ```ts
 * import type { PausePlane } from "taskrun/ports/plane";
 *
 * const reasons = (plane: PausePlane): string[] => plane.pauses().all().map(({ reason }) => reason);
 * ```
 */
export interface PausePlane {
  /**
   * Gives nothing of the scope to workers from now on. Another pause of the same scope is replaced.
   *
   * @throws {Fault} `overloaded` if there are as many pauses as there may be
   */
  pause(caller: Caller, pause: Pick<Pause, "scope" | "reason" | "until">): Promise<Pause>;

  /** Ends the pause of a scope. Resolves with the pause that has ended; with undefined if this node knew of none. */
  resume(caller: Caller, scope: PauseScope): Promise<Pause | undefined>;

  /** All pauses, as the last commit left them; of other nodes of the store those of a few seconds ago. */
  pauses(): PauseSet;

  /** Whose worker this is: the caller's own, and if the caller may direct all, whoever's is connected. */
  ownerOf(caller: Caller, workerId: WorkerId): Promise<string>;
}

/**
 * Tells what only memory knows of why a Step does not run.
 *
 * @example
 * ```ts
 * import type { ExplainPlane } from "taskrun/ports/plane";
 *
 * const secondsLeft = (plane: ExplainPlane, until: number) => Math.max(0, until - plane.now()) / 1_000;
 * ```
 */
export interface ExplainPlane {
  /** Plane time, by which rows are dated. */
  now(): Instant;
  /**
   * What each worker that the caller may see says to a ready Step, those that are nearest to taking it first.
   *
   * @throws {Fault} `unavailable`, `overloaded` if the other nodes' workers cannot be read
   */
  workerAnswers(caller: Caller, step: ReadyStep): Promise<readonly WorkerAnswer[]>;
  /**
   * Of these Runs, by the session that holds each, those whose worker has lost its connection: when it is given up; 0 if only its own
   * node knows.
   *
   * @throws {Fault} `unavailable`, `overloaded` if the other nodes' workers cannot be read
   */
  absences(
    held: readonly Pick<RunRow, "heldBy" | "principal" | "workerId">[],
  ): Promise<ReadonlyMap<string, Instant>>;
  /**
   * How long a Task has rested, and how long it may by its template and the settings, as the search for stale Tasks sees it;
   * undefined if it has ended.
   *
   * @param detail a Task that was found for the caller
   */
  staleness(detail: TaskDetail): Promise<Staleness | undefined>;
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

/**
 * Writes to a worker's stream; implemented by the gateway, called by the plane.
 *
 * @example
 * ```ts
 * import type { WorkerSink } from "taskrun/ports/plane";
 *
 * const sink: WorkerSink = {
 *   unsentBytes: 0,
 *   send: (frame) => console.log(frame.type),
 *   close: (fault) => console.error(`the stream has ended: ${fault.message}`),
 * };
 * ```
 */
export interface WorkerSink {
  /** Bytes of frames given to `send` that the peer's transport has not taken yet. */
  readonly unsentBytes: number;
  /** Writes a frame, or appends it to the transport's bounded buffer. Throws if the stream has failed. */
  send(frame: WorkerFrame): void;
  /** Ends the stream with this fault; the worker may reconnect. */
  close(fault: Fault): void;
}

/**
 * Receives what a worker sends; implemented by the plane, called by the gateway.
 *
 * @example
 * ```ts
 * import type { WorkerLink, WorkerReport } from "taskrun/ports/plane";
 *
 * async function pass(reports: AsyncIterable<WorkerReport>, link: WorkerLink): Promise<void> {
 *   try {
 *     for await (const report of reports) await link.receive(report);
 *   } finally {
 *     link.closed();
 *   }
 * }
 * ```
 */
export interface WorkerLink {
  /**
   * Takes the worker's next report. Await it before reading the next one: it resolves when the plane can take more, so
   * that a full mailbox stops the reading of the stream.
   *
   * @throws {Fault} if the worker has broken the protocol: end the stream with it
   */
  receive(report: WorkerReport): Promise<void>;
  /** Call when the sink's `unsentBytes` falls to half of its bound, and when it falls to 0. */
  drained(): void;
  /** Call once, when the stream has ended for whatever reason. */
  closed(): void;
}

export type { WorkerReport } from "#domain/task/report";
