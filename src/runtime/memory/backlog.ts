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
  /** True if the page is the whole lane. */
  whole: boolean;
}

/**
 * The ready Steps that may be assigned next: one page per lane, of at most `limits.lanePage` Steps. Steps beyond it are
 * read from the store when the page is used up. Every change goes through the turn's journal.
 */
export class Backlog {
  readonly #queues = new Map<string, Queue>();
  readonly #lanesIn = new Map<string, number>();

  /** Adds lanes from the store at boot; their pages are read when first needed. */
  restore(lanes: readonly Lane[]): void {
    for (const lane of lanes) {
      this.#queues.set(lane.key, { lane, page: [], whole: false });
      this.#lanesIn.set(lane.namespace, this.lanesIn(lane.namespace) + 1);
    }
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

  /** Lanes whose page is used up although the store may hold more. */
  unread(): Lane[] {
    return [...this.#queues.values()]
      .filter(({ page, whole }) => page.length === 0 && !whole)
      .map(({ lane }) => lane);
  }

  /** Adds a Step that has become ready. Returns true if its lane is new. */
  add(lane: Lane, step: ReadyStep, journal: Journal): boolean {
    const known = this.#queues.get(lane.key);
    if (!known) {
      journal.set(this.#queues, lane.key, { lane, page: [step], whole: true });
      journal.count(this.#lanesIn, lane.namespace, 1);
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

  /** Removes a lane that is known to be empty. Returns false if it is not. */
  drop(laneKey: string, journal: Journal): boolean {
    const queue = this.#queues.get(laneKey);
    if (!queue?.whole || queue.page.length > 0) return false;

    journal.delete(this.#queues, laneKey);
    journal.count(this.#lanesIn, queue.lane.namespace, -1);
    return true;
  }

  /**
   * The first instant after `at` when a Step's backoff, or its time of avoiding a worker, ends; undefined if there is
   * none.
   */
  nextAvoidEnd(at: Instant): Instant | undefined {
    let next: Instant | undefined;
    for (const { page } of this.#queues.values()) {
      for (const { avoidUntil, nextAttemptAt } of page) {
        if (avoidUntil > at && (next === undefined || avoidUntil < next)) next = avoidUntil;
        if (nextAttemptAt > at && (next === undefined || nextAttemptAt < next)) next = nextAttemptAt;
      }
    }
    return next;
  }

  #replace(queue: Queue, page: readonly ReadyStep[], whole: boolean, journal: Journal): void {
    const old = { page: queue.page, whole: queue.whole };
    Object.assign(queue, { page, whole });
    journal.changed(() => Object.assign(queue, old));
  }
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
