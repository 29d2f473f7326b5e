import type { Caller } from "#domain/caller";
import type { Fault } from "#domain/fault";
import type { WorkerId } from "#domain/id";
import type { WorkerReport } from "#domain/task/report";
import type { AgentView, KnownAgent } from "#domain/worker/agent";
import type { WorkerFrame } from "#domain/worker/frame";
import type { WorkerView } from "#domain/worker/worker";

/* The part of the plane that is about workers and their agents. Import it from `plane.ts`. */

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
