import { earliest } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Wake } from "#ports/broker";

/** Wakes that wait to be sent. Of several that say the same of one object only the last is kept. */
export class PendingWakes {
  #wakes = new Map<string, Wake>();
  #missed = false;

  /** True if wakes were dropped since this was last cleared: others are to be told of a gap. */
  get missed(): boolean {
    return this.#missed;
  }

  get isEmpty(): boolean {
    return this.#wakes.size === 0 && !this.#missed;
  }

  add(wakes: readonly Wake[]): void {
    for (const wake of wakes) {
      const key = keyOf(wake);
      const earlier = this.#wakes.get(key);
      if (!earlier && this.#wakes.size >= limits.wakesPending) {
        this.drop();
        return;
      }
      this.#wakes.set(key, earlier ? merged(earlier, wake) : wake);
    }
  }

  /** Drops all of them, and remembers that there were some: a gap says as much, in fewer bytes. */
  drop(): void {
    this.#wakes.clear();
    this.#missed = true;
  }

  /** All wakes, which are then no longer kept. */
  take(): { readonly wakes: readonly Wake[]; readonly missed: boolean } {
    const taken = { wakes: [...this.#wakes.values()], missed: this.#missed };
    this.#wakes = new Map();
    this.#missed = false;
    return taken;
  }
}

function keyOf(wake: Wake): string {
  switch (wake.type) {
    case "log":
      return `log ${wake.taskId}`;
    case "ready":
      return `ready ${wake.lane}`;
    case "run":
      return `run ${wake.node} ${wake.runId}`;
    case "worker":
      return `worker ${wake.node} ${wake.session}`;
    case "template":
      return `template ${JSON.stringify([wake.namespace, wake.name])}`;
    default:
      return wake.type;
  }
}

function merged(earlier: Wake, later: Wake): Wake {
  if (earlier.type === "log" && later.type === "log") {
    const lastSeq = Math.max(earlier.lastSeq, later.lastSeq);
    return { ...later, lastSeq, ended: earlier.ended || later.ended };
  }
  if (earlier.type === "due" && later.type === "due") {
    return { type: "due", at: earliest(earlier.at, later.at) ?? later.at };
  }
  return later;
}
