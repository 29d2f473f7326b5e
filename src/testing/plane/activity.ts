import { setImmediate, setTimeout } from "node:timers";
import { limits } from "#limits/index";

/** Kept at the load, so that a test runner that replaces clocks does not stop this one. */
const realNow = performance.now.bind(performance);

/** Something that ends in real time. */
interface Pending {
  /** Until when virtual time waits for it, in real time. */
  readonly until: number;
}

/**
 * What goes on in a plane of virtual time. The plane is at rest once nothing has happened for a few iterations of the event
 * loop, and nothing is pending that may end in real time.
 */
export class Activity {
  #count = 0;
  readonly #pending = new Set<Pending>();

  /** Call when something has happened. */
  note(): void {
    this.#count += 1;
  }

  /**
   * Call when something has begun that ends in real time.
   *
   * @param patienceMs how long virtual time waits for it at most, in real milliseconds
   * @returns to be called when it has ended
   */
  begin(patienceMs: number): () => void {
    this.note();
    const pending = { until: realNow() + patienceMs };
    this.#pending.add(pending);
    return () => {
      if (this.#pending.delete(pending)) this.note();
    };
  }

  /** Like the promise, which is awaited as a request is. */
  async during<Result>(work: Promise<Result>): Promise<Result> {
    const end = this.begin(limits.requestPatience);
    try {
      return await work;
    } finally {
      end();
    }
  }

  /** Resolves when the plane is at rest. @throws {Error} if it never comes to rest */
  async rest(): Promise<void> {
    let seen = -1;
    let calm = 0;
    for (let iterations = 0; iterations < limits.restIterations; iterations += 1) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      calm = this.#count === seen ? calm + 1 : 0;
      seen = this.#count;
      if (calm < limits.calmIterations) continue;
      if (!this.#isWaiting()) return;
      await new Promise<void>((resolve) => setTimeout(resolve, 1));
    }
    throw new Error("the plane does not come to rest: something repeats without end, and no time passes.");
  }

  #isWaiting(): boolean {
    const now = realNow();
    for (const { until } of this.#pending) if (until > now) return true;
    return false;
  }
}
