import { type Instant, instant, later, millis } from "#domain/time/time";
import type { WorkerTime } from "#worker/timers";
import type { VirtualClock } from "../virtual-time.js";

interface Timer {
  /** When it is due, in virtual time. For one of the lease it moves while the worker sleeps. */
  due: Instant;
  readonly isOfLease: boolean;
  readonly fire: () => void;
  disarm: () => void;
}

/**
 * The time of one worker of a plane in virtual time. While it sleeps, the time of its lease stands still, and with it the
 * timers of the lease. While it is stopped, no timer fires at all.
 */
export class WorkerClock implements WorkerTime {
  readonly #clock: VirtualClock;
  readonly #draw: () => number;
  readonly #timers = new Set<Timer>();
  #isStopped = false;
  /** Since when it sleeps. */
  #sleptAt: Instant | undefined;
  /** Milliseconds slept before. */
  #slept = 0;

  constructor(clock: VirtualClock, draw: () => number) {
    this.#clock = clock;
    this.#draw = draw;
  }

  monotonic(): number {
    return this.#clock.now();
  }

  awake(): number {
    return (this.#sleptAt ?? this.#clock.now()) - this.#slept;
  }

  wall(): number {
    return this.#clock.now();
  }

  draw(): number {
    return this.#draw();
  }

  after(delayMs: number, act: () => void): () => void {
    return this.#set(delayMs, act, false);
  }

  afterAwake(delayMs: number, act: () => void): () => void {
    return this.#set(delayMs, act, true);
  }

  /** The worker and the plane are suspended together, as far as leases go. */
  sleep(): void {
    if (this.#sleptAt !== undefined) return;
    this.#sleptAt = this.#clock.now();
    for (const timer of this.#timers) if (timer.isOfLease) timer.disarm();
  }

  wake(): void {
    if (this.#sleptAt === undefined) return;
    const slept = millis(this.#clock.now() - this.#sleptAt);
    this.#slept += slept;
    this.#sleptAt = undefined;
    for (const timer of this.#timers) {
      if (!timer.isOfLease) continue;
      timer.due = later(timer.due, slept);
      if (!this.#isStopped) this.#arm(timer);
    }
  }

  /** Stops all timers, and the time of the lease. */
  stop(): void {
    this.sleep();
    this.#isStopped = true;
    for (const timer of this.#timers) timer.disarm();
  }

  /** Goes on after {@link stop}; what was due meanwhile is due now. */
  goOn(): void {
    this.#isStopped = false;
    for (const timer of this.#timers) if (!timer.isOfLease) this.#arm(timer);
    this.wake();
  }

  #set(delayMs: number, act: () => void, isOfLease: boolean): () => void {
    if (!Number.isFinite(delayMs)) return () => {};
    const now = this.#clock.now();
    const timer: Timer = {
      due: instant(now + Math.max(0, Math.ceil(delayMs))),
      isOfLease,
      fire: () => {
        this.#timers.delete(timer);
        act();
      },
      disarm: () => {},
    };
    if (isOfLease && this.#sleptAt !== undefined) timer.due = instant(timer.due - (now - this.#sleptAt));
    this.#timers.add(timer);
    if (!this.#isStopped && !(isOfLease && this.#sleptAt !== undefined)) this.#arm(timer);
    return () => {
      timer.disarm();
      this.#timers.delete(timer);
    };
  }

  #arm(timer: Timer): void {
    timer.disarm();
    const at = instant(Math.max(timer.due, this.#clock.now()));
    timer.disarm = this.#clock.wakeAt(at, timer.fire);
  }
}
