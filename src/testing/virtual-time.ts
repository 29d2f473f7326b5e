import { setImmediate } from "node:timers";
import { type Instant, instant, later, millis } from "#domain/time/time";
import type { StartableClock } from "#ports/clock";
import type { Entropy } from "#ports/entropy";

interface WakeUp {
  readonly at: Instant;
  readonly fire: () => void;
}

/** Bound of the wake-ups at one instant: more mean a loop that keeps setting a deadline at the current time. */
const WAKE_UPS_PER_INSTANT = 10_000;

/**
 * A clock that moves only when a test advances it, from wake-up to wake-up. After each wake-up it lets all pending
 * promises settle, so that tests are deterministic and never wait.
 *
 * @example
 * ```ts
 * import { startControlPlane } from "taskrun";
 * import { memoryStore } from "taskrun/stores/memory";
 * import { seededEntropy, VirtualClock } from "taskrun/testing";
 *
 * const clock = new VirtualClock(1_000_000);
 * const entropy = seededEntropy(1, () => clock.now());
 * const control = await startControlPlane({ store: memoryStore(), clock, entropy });
 * await clock.advance(30_000); // leases and deadlines of 30 s pass now
 * await control.stop();
 * ```
 */
export class VirtualClock implements StartableClock {
  #now: Instant;
  /** Wall time minus plane time, in milliseconds. */
  #wallAhead = 0;
  /** In the order they were set, in which those of one instant fire. */
  #wakeUps: WakeUp[] = [];

  /** @param start plane time to start at, in Unix milliseconds */
  constructor(start = 0) {
    this.#now = instant(start);
  }

  now(): Instant {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  wall(): Instant {
    return instant(this.#now + this.#wallAhead);
  }

  /** Sets the wall clock, as a correction or a mistake would. Plane time is unaffected. */
  setWall(at: Instant): void {
    this.#wallAhead = at - this.#now;
  }

  startFrom(at: Instant): void {
    this.#wallAhead += this.#now - at;
    this.#now = at;
  }

  wakeAt(at: Instant, fire: () => void): () => void {
    const wakeUp = { at, fire };
    this.#wakeUps.push(wakeUp);
    return () => {
      this.#wakeUps = this.#wakeUps.filter((other) => other !== wakeUp);
    };
  }

  yield(): Promise<void> {
    return Promise.resolve();
  }

  /** Returns the instants of the pending wake-ups, earliest first. */
  pending(): readonly Instant[] {
    return this.#wakeUps.map(({ at }) => at).sort((a, b) => a - b);
  }

  /** Moves forward by whole milliseconds; see {@link advanceTo}. */
  advance(by: number): Promise<void> {
    return this.advanceTo(later(this.#now, millis(by)));
  }

  /**
   * Moves to `to` and fires the wake-ups due until then, in order, each at its own instant.
   *
   * @throws {Error} if wake-ups at one instant keep setting others at the same instant
   */
  async advanceTo(to: Instant): Promise<void> {
    await settle();
    let firedNow = 0;
    for (let next = this.#takeDue(to); next; next = this.#takeDue(to)) {
      firedNow = next.at > this.#now ? 1 : firedNow + 1;
      if (firedNow > WAKE_UPS_PER_INSTANT)
        throw new Error(`time stands still at ${this.#now}: wake-ups never end`);
      this.#now = instant(Math.max(this.#now, next.at));
      next.fire();
      await settle();
    }
    this.#now = instant(Math.max(this.#now, to));
  }

  #takeDue(to: Instant): WakeUp | undefined {
    let first: WakeUp | undefined;
    for (const wakeUp of this.#wakeUps) {
      if (wakeUp.at <= to && (!first || wakeUp.at < first.at)) first = wakeUp;
    }
    this.#wakeUps = this.#wakeUps.filter((other) => other !== first);
    return first;
  }
}

/**
 * Resolves when all promises that depend on neither time nor I/O have settled.
 *
 * @example
 * ```ts
 * import { settle } from "taskrun/testing";
 *
 * let done = false;
 * void Promise.resolve().then(() => {
 *   done = true;
 * });
 * await settle();
 * console.assert(done);
 * ```
 */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Makes an entropy whose ids and draws depend on the seed alone. The ids have the form of UUIDv7 and sort in the order
 * in which they were made.
 *
 * @param now the time part of the ids, in Unix milliseconds, for example from a {@link VirtualClock}. Default: 0
 *
 * @example
 * ```ts
 * import { seededEntropy } from "taskrun/testing";
 *
 * console.assert(seededEntropy(7).uuid() === seededEntropy(7).uuid());
 * ```
 */
export function seededEntropy(seed: number, now: () => number = () => 0): Entropy {
  const next = sfc32(seed);
  let at = 0;
  let count = 0;

  return {
    uuid() {
      const time = Math.max(at, now());
      count = time > at ? 0 : count + 1;
      // Twelve bits count the ids of one millisecond; after that the next millisecond is used.
      at = count > 0xfff ? time + 1 : time;
      count &= 0xfff;
      const chance = [next(), next()].map((word) => hex(word, 8)).join("");
      const [timePart, countPart] = [hex(at, 12), hex(count, 3)];
      const variant = hex(8 + (next() & 3), 1);
      return `${timePart.slice(0, 8)}-${timePart.slice(8)}-7${countPart}-${variant}${chance.slice(1, 4)}-${chance.slice(4)}`;
    },
    draw: () => next() / 2 ** 32,
  };
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

/** Chris Doty-Humphrey's "small fast counting" generator of 32-bit words; the seed goes in as its three words. */
function sfc32(seed: number): () => number {
  let [a, b, c, counter] = [seed >>> 0, ~seed >>> 0, Math.floor(seed / 2 ** 32) >>> 0, 1];
  const next = () => {
    const word = (a + b + counter) >>> 0;
    counter = (counter + 1) >>> 0;
    a = (b ^ (b >>> 9)) >>> 0;
    b = (c + (c << 3)) >>> 0;
    c = ((c << 21) | (c >>> 11)) >>> 0;
    c = (c + word) >>> 0;
    return word;
  };
  // The first words still correlate with the seed.
  for (let i = 0; i < 12; i++) next();
  return next;
}
