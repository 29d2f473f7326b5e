import { type Instant, later, type Millis, millis } from "#domain/time/time";
import { limits } from "#limits/index";
import { VirtualClock } from "../virtual-time.js";
import { Activity } from "./activity.js";
import { spanText } from "./span.js";

/** What a leap needs to know of, and to do with, the plane. */
export interface Leaper {
  /** True if no lease can end: every worker that holds a Run is connected, and none is about to connect. */
  isSteady(): boolean;
  /** Extends the leases of all workers; a negative span takes it back. */
  extendLeases(by: Millis): void;
  sleep(): void;
  wake(): void;
}

/**
 * The virtual time of one plane. It passes from what is due to what is due next, and after each the plane comes to rest
 * first. While no lease can end, heartbeats are left out: all workers sleep, and their leases do not count that time. So days pass as
 * fast as seconds.
 */
export class TestTime {
  readonly clock: VirtualClock;
  readonly activity = new Activity();
  readonly start: Instant;
  #leaper: Leaper | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(start: Instant) {
    this.start = start;
    this.clock = new VirtualClock(start);
  }

  /** Call when the plane has started, and again when it was restarted. */
  use(leaper: Leaper): void {
    this.#leaper = leaper;
  }

  /** Resolves when nothing more happens without time passing. */
  async rest(): Promise<void> {
    await this.activity.rest();
  }

  /**
   * Lets time pass. Calls are carried out one after the other.
   *
   * @param isDone ends it early; asked whenever the plane is at rest
   */
  pass(by: Millis, isDone: () => boolean = () => false): Promise<void> {
    const passed = this.#last.then(() => this.#pass(by, isDone));
    this.#last = passed.catch(() => {});
    return passed;
  }

  async #pass(by: Millis, isDone: () => boolean): Promise<void> {
    await this.rest();
    const to = later(this.clock.now(), by);
    let stopsNow = 0;
    while (!isDone()) {
      await this.#leap(to);
      const next = this.clock.pending()[0];
      const isLast = next === undefined || next > to;
      stopsNow = next !== undefined && next <= this.clock.now() ? stopsNow + 1 : 0;
      if (stopsNow > limits.stopsPerInstant) throw standsStill(this.clock.now() - this.start);
      await this.clock.advanceTo(isLast ? to : next);
      await this.rest();
      if (isLast && (this.clock.pending()[0] ?? NEVER_DUE) > to) return;
    }
  }

  /** Passes the time until just before the next deadline, without the heartbeats until then, if no lease can end. */
  async #leap(to: Instant): Promise<void> {
    const from = this.clock.now();
    if (!this.#leaper?.isSteady()) return;
    this.#leaper.sleep();
    this.#leaper.extendLeases(millis(to - from));
    // The last millisecond passes with all workers awake, so that what is due finds the plane as it always is.
    const until = Math.min((this.clock.pending()[0] ?? NEVER_DUE) - 1, to);
    const leapt = millis(Math.max(0, until - from));
    if (leapt > 0) await this.clock.advance(leapt);
    this.#leaper.extendLeases(millis(leapt - (to - from)));
    this.#leaper.wake();
  }
}

const NEVER_DUE = Number.POSITIVE_INFINITY;

function standsStill(passedMs: number): Error {
  return new Error(`time stands still at ${spanText(passedMs)}: something is due again and again.`);
}
