import type { NodeId, RunId, SessionId, TaskId } from "#domain/id";
import type { Instant } from "#domain/time/time";

/**
 * Says that something in the store has changed which another node may be waiting for. It never says to what: who hears it
 * asks the store. So a wake that is lost, doubled, late or out of order changes nothing but the time at which it asks.
 *
 * @example
 * ```ts
 * import type { Wake } from "taskrun/ports/broker";
 *
 * function isUrgent(wake: Wake): boolean {
 *   return wake.type === "run" || wake.type === "worker";
 * }
 * ```
 */
export type Wake =
  /** A Task's log has grown, up to `lastSeq`. Its watchers read on; if it has ended, its waiters are told. */
  | { readonly type: "log"; readonly taskId: TaskId; readonly lastSeq: number; readonly ended: boolean }
  /** A lane has ready Steps that its node has not assigned. An empty key stands for any lane: its own is too long to send. */
  | { readonly type: "ready"; readonly lane: string }
  /** A Run whose stream `node` holds has ended without its worker, which is to be told. */
  | { readonly type: "run"; readonly node: NodeId; readonly runId: RunId }
  /** A worker whose stream `node` holds is to drain, or its session was superseded. */
  | { readonly type: "worker"; readonly node: NodeId; readonly session: SessionId }
  /** A deadline was set that is due at `at`, maybe before all others. */
  | { readonly type: "due"; readonly at: Instant }
  /** A template version was registered. */
  | { readonly type: "template"; readonly namespace: string; readonly name: string }
  /** What agents announce has changed. */
  | { readonly type: "agents" }
  /** A pause has begun or ended. */
  | { readonly type: "pauses" }
  /** A node is there that may not have been before: who was alone tells nobody anything. */
  | { readonly type: "node" }
  /** An API key was made, replaced, revoked or removed. */
  | { readonly type: "credentials" };

/** What a node does with what it hears. */
export interface BrokerListener {
  /** Called with the wakes of other nodes: never with its own. */
  wakes(wakes: readonly Wake[]): void;
  /**
   * Called when wakes may have been missed: after every connect, the first one included, and whenever some were dropped.
   * The node then asks the store about everything that it waits for.
   */
  gap(): void;
}

/**
 * Carries wakes between the nodes of one store, as well as it can: it may lose, double, delay and reorder them. What they
 * announce is in the store, where every node looks from time to time as well. `testing/broker-suite` tests the contract.
 *
 * One broker is one node's.
 *
 * @example
 * ```ts
 * import type { Broker } from "taskrun/ports/broker";
 *
 * function countWakes(broker: Broker): () => number {
 *   let count = 0;
 *   broker.subscribe({
 *     wakes: (wakes) => {
 *       count += wakes.length;
 *     },
 *     gap: () => {},
 *   });
 *   return () => count;
 * }
 * ```
 */
export interface Broker {
  /** True while wakes of others arrive, as far as it knows. While false, only looking into the store finds changes. */
  readonly connected: boolean;

  /** Sends wakes to all other nodes, soon. Returns at once and never throws; wakes that cannot be sent are dropped. */
  publish(wakes: readonly Wake[]): void;

  /** Begins to connect and to listen, and reconnects by itself until `close`. Call once. */
  subscribe(listener: BrokerListener): void;

  /** Ends the connection; the listener is not called any more. Idempotent. */
  close(): Promise<void>;
}
