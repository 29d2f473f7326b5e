import { stepKey } from "#domain/id";
import type { ReadyStep } from "#domain/task/step";
import { type Instant, later } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Store } from "#ports/store";
import type { Commit, Committed } from "#ports/store-turns";
import { MemoryNodes } from "./nodes.js";
import { MemoryStore } from "./store.js";

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
  const whole = new MemoryStore();
  const outcomes = new Outcomes();
  const claims = new Claims(whole, now);
  const nodes = new MemoryNodes(whole, now);
  let opened = 0;
  return {
    whole,
    open: () => {
      opened += 1;
      return handle(whole, outcomes, claims, nodes, opened, now);
    },
  };
}

function handle(
  whole: Store,
  outcomes: Outcomes,
  claims: Claims,
  nodes: MemoryNodes,
  by: number,
  now: () => Instant,
): Store {
  return {
    shared: true,
    reads: whole.reads,
    // The clock of the store stands for the last recorded instant: no process has recorded a later one.
    boot: async () => ({ ...(await whole.boot()), held: [], at: now() }),
    load: (needs) => whole.load(needs),
    commit: async (turn) => {
      const committed = await outcomes.once(turn, async () => {
        if (turn.node !== undefined) nodes.check(turn.node);
        const written = await whole.commit(turn);
        nodes.wrote(turn.workers);
        return written;
      });
      claims.changed(turn.steps);
      return committed;
    },
    nodes,
    ready: (lane, limit) => claims.ready(lane, limit, by),
    due: (at, limit) => whole.due(at, limit),
    nextDueAt: () => whole.nextDueAt(),
    removeFinished: (before, limit) => whole.removeFinished(before, limit),
    close: async () => {},
  };
}

/** Which process a ready Step is claimed for. One whose row is written is claimed for nobody any more. */
class Claims {
  readonly #whole: Store;
  readonly #now: () => Instant;
  readonly #claims = new Map<string, { readonly by: number; readonly until: Instant }>();

  constructor(whole: Store, now: () => Instant) {
    this.#whole = whole;
    this.#now = now;
  }

  async ready(lane: string, limit: number, by: number): Promise<readonly ReadyStep[]> {
    const waiting = await this.#whole.ready(lane, Number.POSITIVE_INFINITY);
    const now = this.#now();
    for (const [key, { until }] of this.#claims) if (until <= now) this.#claims.delete(key);
    const given = waiting
      .filter((step) => (this.#claims.get(stepKey(step))?.by ?? by) === by)
      .slice(0, limit);
    for (const step of given) this.#claims.set(stepKey(step), { by, until: later(now, limits.claimLease) });
    return given;
  }

  changed(steps: Commit["steps"]): void {
    for (const { taskId, name: stepName } of steps) this.#claims.delete(stepKey({ taskId, stepName }));
  }
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
