import { type Lane, laneOfKey } from "#domain/task/lane";
import { later } from "#domain/time/time";
import { limits } from "#limits/index";
import type { BrokerListener, Wake } from "#ports/broker";
import type { TaskNews } from "./followed-tasks.js";
import type { NodeHost } from "./node-host.js";

/** What the wakes of others set going. */
type Wakeable = Pick<NodeHost, "core" | "followed" | "timers" | "nodes" | "lanesHeard" | "poll">;

/** Hears of what other nodes have committed. Never throws. */
export class WakeListener implements BrokerListener {
  readonly #node: Wakeable;

  constructor(node: Wakeable) {
    this.#node = node;
  }

  wakes(wakes: readonly Wake[]): void {
    const { followed, core, nodes } = this.#node;
    nodes?.otherHeard();
    const news: TaskNews[] = [];
    try {
      for (const wake of wakes) {
        if (wake.type === "log") news.push(wake);
        else this.#hear(wake);
      }
      if (followed.count > 0) followed.heard(news);
    } catch (err) {
      core.telemetry.log.error("a wake of another node could not be followed; polling finds what it told", {
        err,
      });
    }
  }

  gap(): void {
    this.#node.lanesHeard(undefined);
    this.#node.poll();
  }

  /** A lane without a name, or with one that no lane has, stands for any lane. */
  #laneHeard(lane: Lane | undefined): void {
    this.#node.lanesHeard(lane && [lane]);
  }

  #hear(wake: Exclude<Wake, { type: "log" }>): void {
    switch (wake.type) {
      case "ready":
        this.#laneHeard(laneOfKey(wake.lane));
        break;
      case "due":
        this.#node.timers.deadlineSet(later(wake.at, limits.dueOfOthers));
        break;
      case "run":
      case "worker":
        if (wake.node === this.#node.core.node) this.#node.poll();
        break;
      case "credentials":
        // The plane knows of no key: who identifies callers hears of them.
        break;
      default:
        this.#node.poll();
    }
  }
}
