import type { SessionId } from "#domain/id";
import type { Deadline } from "#domain/deadline";
import { limits } from "#domain/limits";
import { earliest, type Instant, later, millis } from "#domain/time";
import { type Clock, LATE_TICK } from "#ports/clock";
import type { Store } from "#ports/store";
import type { Leases } from "./leases.js";

/** What a tick finds due. Both return false if a mailbox has no room; they are asked again soon. */
export interface Due {
  silent(session: SessionId): boolean;
  /** @param handled call when the message has been decided and committed */
  deadline(deadline: Deadline, handled: () => void): boolean;
  /** Steps that kept away from a worker may go to it again. */
  schedule(): void;
  /** The store could not be read. */
  failed(error: unknown): void;
}

const SOON = millis(50);

/**
 * One wake-up for everything that is due some time: leases in memory, deadlines in the store, Steps
 * that avoid a worker. Idle, it sleeps until the first of them and issues no statement.
 */
export class Timers {
  readonly #clock: Clock;
  readonly #store: Store;
  readonly #leases: Leases;
  readonly #due: Due;
  #nextDueAt: Instant | undefined;
  #avoidEnd: Instant | undefined;
  #armedFor: Instant | undefined;
  #disarm: (() => void) | undefined;
  /** Deadlines read from the store and not yet committed away. */
  #pending = 0;
  #stopped = false;

  constructor(clock: Clock, store: Store, leases: Leases, due: Due) {
    this.#clock = clock;
    this.#store = store;
    this.#leases = leases;
    this.#due = due;
  }

  /** A deadline now stands in the store. */
  deadlineSet(at: Instant): void {
    this.#nextDueAt = earliest(this.#nextDueAt, at);
    this.arm();
  }

  avoidEndsAt(at: Instant | undefined): void {
    this.#avoidEnd = at;
    if (at !== undefined) this.arm();
  }

  /** Sees that the next wake-up is early enough. Call when a lease has begun. */
  arm(): void {
    if (this.#stopped) return;
    const stored = this.#pending > 0 ? undefined : this.#nextDueAt;
    const next = earliest(earliest(stored, this.#avoidEnd), this.#leases.earliest());
    if (next === undefined || (this.#armedFor !== undefined && this.#armedFor <= next)) return;

    this.#disarm?.();
    this.#armedFor = next;
    this.#disarm = this.#clock.wakeAt(next, () => void this.#tick(next));
  }

  stop(): void {
    this.#stopped = true;
    this.#disarm?.();
  }

  async #tick(planned: Instant): Promise<void> {
    this.#armedFor = undefined;
    const at = this.#clock.now();
    const late = millis(at - planned);
    if (late > LATE_TICK) this.#leases.extendAll(late);

    let noRoom = false;
    for (const session of this.#leases.ended(at)) {
      if (this.#due.silent(session)) continue;
      this.#leases.retell(session);
      noRoom = true;
    }
    if (this.#avoidEnd !== undefined && this.#avoidEnd <= at) {
      this.#avoidEnd = undefined;
      this.#due.schedule();
    }
    try {
      if (this.#pending === 0 && this.#nextDueAt !== undefined && this.#nextDueAt <= at)
        await this.#readDue(at);
    } catch (error) {
      this.#due.failed(error);
    }
    if (noRoom) this.#avoidEnd = earliest(this.#avoidEnd, later(at, SOON));
    this.arm();
  }

  async #readDue(at: Instant): Promise<void> {
    const due = await this.#store.due(at, limits.dueDeadlines);
    if (due.length === 0) {
      this.#nextDueAt = await this.#store.nextDueAt();
      return;
    }
    for (const deadline of due) {
      this.#pending += 1;
      if (!this.#due.deadline(deadline, () => void this.#handled())) this.#pending -= 1;
    }
    if (this.#pending === 0) this.#nextDueAt = later(at, SOON);
  }

  async #handled(): Promise<void> {
    this.#pending -= 1;
    if (this.#pending > 0) return;
    try {
      this.#nextDueAt = await this.#store.nextDueAt();
    } catch (error) {
      this.#due.failed(error);
    }
    this.arm();
  }
}
