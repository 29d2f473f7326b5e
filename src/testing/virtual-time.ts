import { type Instant, instant, later, millis } from "#domain/time";
import type { StartableClock } from "#ports/clock";
import type { Entropy } from "#ports/entropy";

interface WakeUp {
  readonly at: Instant;
  readonly fire: () => void;
}

/** More wake-ups than this without time moving are a loop that sets its own deadline to now. */
const WAKE_UPS_PER_INSTANT = 10_000;

/**
 * A clock that stands still until it is told to move, then jumps from wake-up to wake-up. Between two of
 * them everything that can run without time runs to its end, so a test reads as a story and never waits.
 */
export class VirtualClock implements StartableClock {
  #now: Instant;
  /** How far the wall clock is ahead of plane time. */
  #wallAhead = 0;
  /** In the order they were set; those of one instant fire in this order too. */
  #wakeUps: WakeUp[] = [];

  /** @param start Unix milliseconds; any round number reads well in a transcript */
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

  /** The machine's clock is set, rightly or wrongly; plane time does not move. */
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

  /** When the wake-ups still to come are due, earliest first. */
  pending(): readonly Instant[] {
    return this.#wakeUps.map(({ at }) => at).sort((a, b) => a - b);
  }

  /** @param by whole milliseconds */
  advance(by: number): Promise<void> {
    return this.advanceTo(later(this.#now, millis(by)));
  }

  /**
   * Moves to `to`, firing on the way what is due, in order, each at its own instant.
   *
   * @throws {Error} if time does not get past one instant because wake-ups there never end
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

/** Resolves when every promise that needs neither time nor input has been followed to its end. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Ids and draws that are the same for the same number. The ids are UUIDv7 in form and sort in the order
 * they were made in.
 *
 * @param now where their time part comes from, e.g. a {@link VirtualClock}; without it they count from 0
 */
export function seededEntropy(seed: number, now: () => number = () => 0): Entropy {
  const next = sfc32(seed);
  let at = 0;
  let count = 0;

  return {
    uuid() {
      const time = Math.max(at, now());
      count = time > at ? 0 : count + 1;
      // Twelve bits count the ids of one millisecond; when they are used up, the id is dated one later.
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
  // The first words still show the seed.
  for (let i = 0; i < 12; i++) next();
  return next;
}
