import type { Instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Store } from "#ports/store";
import type { Commit, Committed } from "#ports/store-turns";
import { memoryStore } from "./index.js";

/** One memory that several control planes share, as several processes share a database. */
export interface SharedMemory {
  /** The store as one more process sees it. Closing it leaves the memory as it is. */
  open(): Store;
  /** Everything in it, as nobody's: claims nothing, and is no store of many. */
  readonly whole: Store;
}

/**
 * The reference implementation of a store that several processes write at the same time. Every handle sees what any of them
 * has committed.
 *
 * @param now the clock of the store, by which all leases in it are measured
 */
export function sharedMemory(now: () => Instant): SharedMemory {
  const whole = memoryStore();
  const outcomes = new Outcomes();
  return { whole, open: () => handle(whole, outcomes, now) };
}

function handle(whole: Store, outcomes: Outcomes, now: () => Instant): Store {
  return {
    shared: true,
    reads: whole.reads,
    // The clock of the store stands for the last recorded instant: no process has recorded a later one.
    boot: async () => ({ ...(await whole.boot()), at: now() }),
    load: (needs) => whole.load(needs),
    commit: (turn) => outcomes.once(turn, () => whole.commit(turn)),
    ready: (lane, limit) => whole.ready(lane, limit),
    due: (at, limit) => whole.due(at, limit),
    nextDueAt: () => whole.nextDueAt(),
    removeFinished: (before, limit) => whole.removeFinished(before, limit),
    close: async () => {},
  };
}

/** What the latest commits were answered, by their ids: one that is sent again is not written again. */
class Outcomes {
  readonly #answers = new Map<string, Committed>();

  async once({ id }: Commit, write: () => Promise<Committed>): Promise<Committed> {
    const known = this.#answers.get(id);
    if (known) return known;
    const answer = await write();
    this.#answers.set(id, answer);
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > limits.sharedMemoryCommits && oldest !== undefined) this.#answers.delete(oldest);
    return answer;
  }
}
