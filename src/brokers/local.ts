import type { Broker, BrokerListener, Wake } from "#ports/broker";
import { PendingWakes } from "./pending.js";

/** Makes the brokers of planes in one process that share a store. */
export interface LocalBrokers {
  /** A broker for one more plane. */
  join(): Broker;
}

/**
 * Carries wakes within one process: after the task that publishes them, all of them, in order.
 *
 * @example Two planes over one store
 * ```ts
 * import { localBrokers } from "taskrun/brokers/local";
 *
 * const brokers = localBrokers();
 * const [first, second] = [brokers.join(), brokers.join()];
 * second.subscribe({ wakes: (wakes) => console.log(wakes), gap: () => {} });
 * first.publish([{ type: "agents" }]);
 * ```
 */
export function localBrokers(): LocalBrokers {
  const members = new Set<LocalBroker>();
  return { join: () => new LocalBroker(members) };
}

class LocalBroker implements Broker {
  readonly #members: Set<LocalBroker>;
  readonly #incoming = new PendingWakes();
  #listener: BrokerListener | undefined;

  constructor(members: Set<LocalBroker>) {
    this.#members = members;
  }

  get connected(): boolean {
    return this.#listener !== undefined;
  }

  publish(wakes: readonly Wake[]): void {
    for (const member of this.#members) if (member !== this) member.#receive(wakes);
  }

  subscribe(listener: BrokerListener): void {
    this.#listener = listener;
    this.#members.add(this);
    this.#incoming.drop();
    queueMicrotask(() => this.#deliver());
  }

  async close(): Promise<void> {
    this.#members.delete(this);
    this.#listener = undefined;
  }

  /** Later, so that no listener runs within what the publisher does. */
  #receive(wakes: readonly Wake[]): void {
    if (this.#incoming.isEmpty) queueMicrotask(() => this.#deliver());
    this.#incoming.add(wakes);
  }

  #deliver(): void {
    const { wakes, missed } = this.#incoming.take();
    if (missed) this.#listener?.gap();
    if (wakes.length > 0) this.#listener?.wakes(wakes);
  }
}
