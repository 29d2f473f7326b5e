import type { Lane } from "#domain/task/lane";
import { compareReady, type ReadyStep } from "#domain/task/step";
import type { Instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Journal } from "./journal.js";

/** One lane with the head of its backlog; the rest is only in the store's index. */
interface Queue {
  readonly lane: Lane;
  /** Best rank first, at most `limits.lanePage`. Replaced, never changed in place. */
  page: readonly ReadyStep[];
  /** True if the page is the whole lane; of a shared store, as far as this node knows. */
  whole: boolean;
  /** Of a shared store: the Steps of the page that are claimed for this node. */
  claims?: Claims | undefined;
  /** The first instant at which a Step may be assigned that is no longer in the page. */
  again?: Instant | undefined;
}

interface Claims {
  readonly steps: ReadonlySet<ReadyStep>;
  /** Monotonic time, in milliseconds. */
  readonly until: number;
}

/**
 * The ready Steps that may be assigned next: one page per lane, of at most `limits.lanePage` Steps. Steps beyond it are
 * read from the store when the page is used up. Every change goes through the turn's journal.
 *
 * If other nodes write the same store, a page has what has become ready in the turn and what is claimed for this node;
 * after the turn only the claims are left, until they lapse. Which lanes others leave Steps in is heard from outside.
 */
export class Backlog {
  /** True if other processes write the same store. */
  readonly shared: boolean;
  readonly #queues = new Map<string, Queue>();
  readonly #lanesIn = new Map<string, number>();
  /** What was heard of lanes since the last turn looked. */
  readonly #heard = new Map<string, Lane>();
  #heardAll: ReadonlySet<string> | undefined;

  constructor(shared = false) {
    this.shared = shared;
  }

  /** Adds lanes from the store at boot; their pages are read when first needed. */
  restore(lanes: readonly Lane[]): void {
    for (const lane of lanes) {
      this.#queues.set(lane.key, { lane, page: [], whole: false });
      this.#lanesIn.set(lane.namespace, this.lanesIn(lane.namespace) + 1);
    }
  }

  /**
   * Steps may be waiting in these lanes that other nodes have made ready. Call it at any time, and request a turn; the next one
   * adds the lanes, and reads those from which a worker here can take. Only for a shared store.
   *
   * @param all true if these are all lanes of the store: others are forgotten, if they are not needed here
   */
  heard(lanes: readonly Lane[], all = false): void {
    for (const lane of lanes) this.#heard.set(lane.key, lane);
    if (all) this.#heardAll = new Set(lanes.map(({ key }) => key));
  }

  /** Takes in what was {@link heard}, and gives up claims that have lapsed. @param now monotonic time */
  catchUp(now: number, isNeeded: (lane: Lane) => boolean, journal: Journal): void {
    for (const lane of [...this.#heard.values()]) {
      journal.delete(this.#heard, lane.key);
      const known = this.#queues.get(lane.key);
      if (known) this.#change(known, { whole: false }, journal);
      else this.#add({ lane, page: [], whole: false }, journal);
    }
    const all = this.#heardAll;
    this.#heardAll = undefined;
    for (const queue of this.#queues.values()) {
      const { page, claims, lane } = queue;
      if (claims && claims.until <= now)
        this.#change(queue, { page: [], whole: false, claims: undefined }, journal);
      if (all && !all.has(lane.key) && page.length === 0 && !isNeeded(lane)) this.#forget(queue, journal);
    }
  }

  laneOf(key: string): Lane | undefined {
    return this.#queues.get(key)?.lane;
  }

  get size(): number {
    return this.#queues.size;
  }

  has(lane: string): boolean {
    return this.#queues.has(lane);
  }

  lanesIn(namespace: string): number {
    return this.#lanesIn.get(namespace) ?? 0;
  }

  /** All lanes. */
  lanes(): Lane[] {
    return [...this.#queues.values()].map(({ lane }) => lane);
  }

  /** Lanes whose page is not empty, with the Steps in it. */
  views(): { readonly lane: Lane; readonly ready: readonly ReadyStep[] }[] {
    const views = [];
    for (const { lane, page } of this.#queues.values())
      if (page.length > 0) views.push({ lane, ready: page });
    return views;
  }

  /**
   * Lanes whose page is used up although the store may hold more.
   *
   * @param isStuck true if nothing of a page can be assigned now, and what is behind it could
   */
  unread(isStuck: (lane: Lane, page: readonly ReadyStep[]) => boolean = () => false): Lane[] {
    const isUsedUp = ({ lane, page, whole }: Queue) =>
      !whole && (page.length === 0 || (page.length < limits.lanePage && isStuck(lane, page)));
    return [...this.#queues.values()].filter(isUsedUp).map(({ lane }) => lane);
  }

  /** How many Steps of the lane are in its page. */
  pageLength(laneKey: string): number {
    return this.#queues.get(laneKey)?.page.length ?? 0;
  }

  /** Adds a Step that has become ready. Returns true if its lane is new. */
  add(lane: Lane, step: ReadyStep, journal: Journal): boolean {
    const known = this.#queues.get(lane.key);
    if (!known) {
      this.#add({ lane, page: [step], whole: true }, journal);
      return true;
    }
    const last = known.page.at(-1);
    if (!known.whole && (!last || compareReady(last, step) <= 0)) return false; // beyond the page: the store knows it

    const page = inserted(known.page, step);
    const fits = page.length <= limits.lanePage;
    this.#replace(known, fits ? page : page.slice(0, limits.lanePage), known.whole && fits, journal);
    return false;
  }

  /** Removes a Step that has left its lane. Returns true if the lane is known to be empty now. */
  remove(laneKey: string, step: Pick<ReadyStep, "taskId" | "stepName">, journal: Journal): boolean {
    const queue = this.#queues.get(laneKey);
    if (!queue) return false;

    const page = queue.page.filter(
      ({ taskId, stepName }) => taskId !== step.taskId || stepName !== step.stepName,
    );
    if (page.length !== queue.page.length) this.#replace(queue, page, queue.whole, journal);
    return queue.whole && page.length === 0;
  }

  /** Replaces a lane's page by the one read from the store. @param whole true if it is the whole lane */
  refill(laneKey: string, ready: readonly ReadyStep[], whole: boolean, journal: Journal): void {
    const queue = this.#queues.get(laneKey);
    if (!queue) return;
    const fits = ready.length <= limits.lanePage;
    this.#replace(queue, fits ? ready : ready.slice(0, limits.lanePage), whole && fits, journal);
  }

  /** Notes that these Steps of the lane's page, as {@link refill} has it, are claimed for this node. */
  claim(laneKey: string, ready: readonly ReadyStep[], until: number, journal: Journal): void {
    const queue = this.#queues.get(laneKey);
    if (queue) this.#change(queue, { claims: { steps: new Set(ready), until } }, journal);
  }

  /** Removes all Steps from the pages that are not claimed for this node: any node may take them. */
  keepClaimed(at: Instant, journal: Journal): void {
    for (const queue of this.#queues.values()) {
      const { page, claims } = queue;
      const kept = page.filter((step) => claims?.steps.has(step));
      if (kept.length === page.length) continue;
      const others = page.filter((step) => !claims?.steps.has(step));
      this.#change(queue, { page: kept, whole: false, again: avoidEndOf(others, at) }, journal);
    }
  }

  /** Removes the Steps for which `isGone` is true. Returns true if there were any. */
  dropIf(isGone: (step: ReadyStep) => boolean, journal: Journal): boolean {
    let any = false;
    for (const queue of this.#queues.values()) {
      const page = queue.page.filter((step) => !isGone(step));
      if (page.length === queue.page.length) continue;
      any = true;
      this.#change(queue, { page }, journal);
    }
    return any;
  }

  /** Removes a lane that is known to be empty. Returns false if it is not. */
  drop(laneKey: string, journal: Journal): boolean {
    const queue = this.#queues.get(laneKey);
    if (!queue?.whole || queue.page.length > 0) return false;

    this.#forget(queue, journal);
    return true;
  }

  /**
   * Removes a lane of a shared store of which this node holds nothing and needs nothing. Returns false if it holds some of it.
   */
  leave(laneKey: string, journal: Journal): boolean {
    const queue = this.#queues.get(laneKey);
    if (!queue || queue.page.length > 0) return false;

    this.#forget(queue, journal);
    return true;
  }

  /**
   * The first instant after `at` when a Step's backoff, or its time of avoiding a worker, ends; undefined if there is
   * none.
   */
  nextAvoidEnd(at: Instant): Instant | undefined {
    let next: Instant | undefined;
    for (const { page, again } of this.#queues.values()) {
      next = earliestAfter(at, next, again);
      next = earliestAfter(at, next, avoidEndOf(page, at));
    }
    return next;
  }

  #add(queue: Queue, journal: Journal): void {
    journal.set(this.#queues, queue.lane.key, queue);
    journal.count(this.#lanesIn, queue.lane.namespace, 1);
  }

  #forget({ lane }: Queue, journal: Journal): void {
    journal.delete(this.#queues, lane.key);
    journal.count(this.#lanesIn, lane.namespace, -1);
  }

  #replace(queue: Queue, page: readonly ReadyStep[], whole: boolean, journal: Journal): void {
    const old = { page: queue.page, whole: queue.whole };
    Object.assign(queue, { page, whole });
    journal.changed(() => Object.assign(queue, old));
  }

  #change(queue: Queue, changed: Partial<Omit<Queue, "lane">>, journal: Journal): void {
    const { page, whole, claims, again } = queue;
    Object.assign(queue, changed);
    journal.changed(() => Object.assign(queue, { page, whole, claims, again }));
  }
}

/** The first instant after `at` when one of the Steps may be assigned that may not be before. */
function avoidEndOf(steps: readonly ReadyStep[], at: Instant): Instant | undefined {
  let next: Instant | undefined;
  for (const { avoidUntil, nextAttemptAt } of steps) {
    next = earliestAfter(at, next, avoidUntil);
    next = earliestAfter(at, next, nextAttemptAt);
  }
  return next;
}

function earliestAfter(
  at: Instant,
  one: Instant | undefined,
  other: Instant | undefined,
): Instant | undefined {
  if (other === undefined || other <= at) return one;
  return one === undefined || other < one ? other : one;
}

function inserted(page: readonly ReadyStep[], step: ReadyStep): ReadyStep[] {
  let low = 0;
  let high = page.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareReady(page[middle] as ReadyStep, step) <= 0) low = middle + 1;
    else high = middle;
  }
  return [...page.slice(0, low), step, ...page.slice(low)];
}
