import type { Broker } from "#ports/broker";
import type { Committed } from "#ports/store-turns";
import type { Workspace } from "../memory/workspace.js";
import type { NodeHost } from "./node-host.js";
import { WakeListener } from "./wake-listener.js";
import { wakesOf } from "./wakes.js";

type Node = Pick<NodeHost, "core" | "followed" | "timers" | "nodes" | "lanesHeard" | "poll">;

/** Tells other nodes of what this one commits, and hears of what they do. Only where a store is shared. */
export class NodeWakes {
  readonly #broker: Broker;
  readonly #node: Node;

  constructor(broker: Broker, node: Node) {
    this.#broker = broker;
    this.#node = node;
  }

  /** Call when the node serves. */
  start(): void {
    const listener = new WakeListener(this.#node);
    this.#broker.subscribe({
      wakes: (wakes) => listener.wakes(wakes),
      gap: () => {
        listener.gap();
        this.#broker.publish([{ type: "node" }]);
      },
    });
  }

  /** Call after each commit, before the timers hear of its deadlines. */
  committed(work: Workspace, committed: Committed): void {
    const { timers, core, nodes } = this.#node;
    if (nodes?.isAlone) return;
    const wakes = wakesOf(work, committed, timers.nextDueAt, core.node);
    if (wakes.length > 0) this.#broker.publish(wakes);
  }

  /** Sends what is published, if it can, and hears nothing more. */
  async stop(): Promise<void> {
    await this.#broker.close();
  }
}
