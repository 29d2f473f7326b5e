import { stepKey } from "#domain/id";
import { type Deadline, startsAmong } from "#domain/task/deadline";
import type { ReadyStep } from "#domain/task/step";
import { type Instant, later } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Store } from "#ports/store";
import type { Commit, Committed } from "#ports/store-turns";
import { neededLanes } from "../shared/needed-lanes.js";
import { MemoryNodes } from "./nodes.js";
import { deadlineKey, MemoryStore } from "./store.js";

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
      return handle({ whole, outcomes, claims, nodes, now }, opened);
    },
  };
}

interface Parts {
  readonly whole: MemoryStore;
  readonly outcomes: Outcomes;
  readonly claims: Claims;
  readonly nodes: MemoryNodes;
  readonly now: () => Instant;
}

function handle({ whole, outcomes, claims, nodes, now }: Parts, by: number): Store {
  return {
    shared: true,
    reads: whole.reads,
    audit: whole.audit,
    enrolment: whole.enrolment,
    usage: whole.usage,
    figures: (...args) => whole.figures(...args),
    // The clock of the store stands for the last recorded instant: no process has recorded a later one.
    boot: async () => ({ ...(await whole.boot()), held: [], at: now() }),
    load: (needs) => whole.load(needs),
    commit: async (turn) => {
      const committed = await outcomes.once(turn, async () => {
        if (turn.node !== undefined) nodes.check(turn.node);
        // One that says on what it rests removes no lane in which a Step waits.
        const read = turn.read ?? [];
        const written = await whole.commit({ ...turn, read, lanesAdded: neededLanes(turn) });
        nodes.wrote(turn.workers);
        return written;
      });
      claims.changed(turn);
      return committed;
    },
    nodes: nodes.as(() => claims.nextDueAt(by)),
    credentials: whole.credentials,
    ready: (lane, limit) => claims.ready(lane, limit, by),
    due: (at, limit) => claims.due(at, limit, by),
    nextDueAt: () => claims.nextDueAt(by),
    removeFinished: (...args) => whole.removeFinished(...args),
    close: async () => {},
  };
}

/**
 * Which process a ready Step or a deadline is claimed for. One whose row is written is claimed for nobody any more.
 */
class Claims {
  readonly #whole: MemoryStore;
  readonly #now: () => Instant;
  /** By the key of the Step, or that of the deadline; no two of these are alike. */
  readonly #claims = new Map<string, { readonly by: number; readonly until: Instant }>();

  constructor(whole: MemoryStore, now: () => Instant) {
    this.#whole = whole;
    this.#now = now;
  }

  async ready(lane: string, limit: number, by: number): Promise<readonly ReadyStep[]> {
    const waiting = await this.#whole.ready(lane, Number.POSITIVE_INFINITY);
    this.#lapse();
    const given = waiting.filter((step) => this.#isFree(stepKey(step), by)).slice(0, limit);
    for (const step of given) this.#claim(stepKey(step), by);
    return given;
  }

  async due(at: Instant, limit: number, by: number): Promise<readonly Deadline[]> {
    const all = this.#whole.deadlinesUntil(at);
    this.#lapse();
    const due = all.filter((deadline) => this.#isFree(deadlineKey(deadline), by));
    const others = due.filter(({ kind }) => kind !== "start").slice(0, limit);
    const starts = due.filter(({ kind }) => kind === "start").slice(0, startsAmong(limit, others.length));
    const given = [...others, ...starts];
    for (const deadline of given) this.#claim(deadlineKey(deadline), by);
    return given;
  }

  /** Of those that no other process has claimed: it would not be given them. */
  async nextDueAt(by: number): Promise<Instant | undefined> {
    this.#lapse();
    const first = this.#whole
      .deadlinesUntil(Number.POSITIVE_INFINITY)
      .find((deadline) => this.#isFree(deadlineKey(deadline), by));
    return first?.at;
  }

  changed({ steps, deadlines }: Commit): void {
    for (const { taskId, name: stepName } of steps) this.#claims.delete(stepKey({ taskId, stepName }));
    for (const deadline of deadlines) this.#claims.delete(deadlineKey(deadline));
  }

  #lapse(): void {
    const now = this.#now();
    for (const [key, { until }] of this.#claims) if (until <= now) this.#claims.delete(key);
  }

  #isFree(key: string, by: number): boolean {
    return (this.#claims.get(key)?.by ?? by) === by;
  }

  #claim(key: string, by: number): void {
    this.#claims.set(key, { by, until: later(this.#now(), limits.claimLease) });
  }
}

/** What the latest commits were answered, by their ids: one that is sent again, even at the same time, is not written again. */
class Outcomes {
  readonly #answers = new Map<string, Promise<Committed>>();

  once({ id }: Commit, write: () => Promise<Committed>): Promise<Committed> {
    const known = this.#answers.get(id);
    if (known) return known;
    const answer = write();
    this.#answers.set(id, answer);
    answer.catch(() => this.#answers.delete(id));
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > limits.sharedMemoryCommits && oldest !== undefined) this.#answers.delete(oldest);
    return answer;
  }
}
