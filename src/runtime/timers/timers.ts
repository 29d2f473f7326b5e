import type { SessionId } from "#domain/id";
import type { Deadline } from "#domain/task/deadline";
import { earliest, type Instant, instant, later, millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Clock } from "#ports/clock";
import type { TurnStore } from "#ports/store-turns";
import type { Leases } from "./leases.js";

/** Receives what is due. `silent` and `deadline` return false if the mailbox is full; they are called again soon. */
export interface Due {
  silent(session: SessionId): boolean;
  /**
   * @param handled to be called when the message has been decided and committed
   * @param delayed to be called before, if the message is set aside, so that other deadlines do not wait for it
   */
  deadline(deadline: Deadline, handled: () => void, delayed: () => void): boolean;
  /** A Step's backoff, its time of avoiding a worker, or a pause has ended. */
  schedule(): void;
  /** The store could not be read. True if it is to be tried again soon. */
  failed(error: unknown): boolean;
}

/** Not before any deadline. */
const LAST = instant(Number.MAX_SAFE_INTEGER);

/**
 * One timer for everything that becomes due: ends of leases, deadlines in the store, Steps that avoid a worker, pauses. It
 * sleeps until the first of them, and does not read the store before that.
 */
export class Timers {
  readonly #clock: Clock;
  readonly #store: Pick<TurnStore, "due" | "nextDueAt">;
  readonly #leases: Leases;
  readonly #due: Due;
  #nextDueAt: Instant | undefined;
  #scheduleAt: Instant | undefined;
  #armedFor: Instant | undefined;
  #disarm: (() => void) | undefined;
  /** Deadlines that were read from the store and are not handled yet, without the delayed ones. */
  #pending = 0;
  /** Deadlines whose message is set aside. The store still returns them, and they are skipped. */
  readonly #delayed = new Set<string>();
  /** How many are read at once. Adapted so that a batch takes about `limits.dueBatch` and delays others little. */
  #batch: number = limits.dueDeadlines;
  #batchBegan = 0;
  /** True while due deadlines are being read from the store. */
  #reading = false;
  /** Silent sessions whose message was refused because the mailbox was full, and when it is tried again. */
  #unheard: SessionId[] = [];
  #unheardAt: Instant | undefined;
  #stopped = false;

  constructor(clock: Clock, store: Pick<TurnStore, "due" | "nextDueAt">, leases: Leases, due: Due) {
    this.#clock = clock;
    this.#store = store;
    this.#leases = leases;
    this.#due = due;
  }

  /** The earliest deadline in the store that is known; undefined if none is, or while it is read. */
  get nextDueAt(): Instant | undefined {
    return this.#nextDueAt;
  }

  /** Call when a deadline has been committed. */
  deadlineSet(at: Instant): void {
    this.#nextDueAt = earliest(this.#nextDueAt, at);
    this.arm();
  }

  /** When more may be assigned although nothing happens; undefined if never. Replaces the instant of before. */
  scheduleAt(at: Instant | undefined): void {
    this.#scheduleAt = at;
    if (at !== undefined) this.arm();
  }

  /** Moves the next wake-up forward if something is due before it. Call when a lease has begun. */
  arm(): void {
    if (this.#stopped) return;
    const stored = this.#pending > 0 || this.#reading ? undefined : this.#nextDueAt;
    const own = earliest(this.#scheduleAt, this.#unheardAt);
    const next = earliest(earliest(stored, own), this.#leases.earliest());
    if (next === undefined || (this.#armedFor !== undefined && this.#armedFor <= next)) return;

    this.#disarm?.();
    this.#armedFor = next;
    // Lateness is measured from now if it is already due: only a late wake-up shows that the process was suspended.
    const planned = Math.max(next, this.#clock.now()) as Instant;
    this.#disarm = this.#clock.wakeAt(next, () => void this.#tick(planned));
  }

  /** Like {@link arm}, but also moves the wake-up backward. Call when leases were extended from outside. */
  rearm(): void {
    this.#disarm?.();
    this.#armedFor = undefined;
    this.arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#disarm?.();
  }

  async #tick(planned: Instant): Promise<void> {
    this.#armedFor = undefined;
    const at = this.#clock.now();
    const late = millis(at - planned);
    // Extended by a little more than the delay, because what the workers sent meanwhile may still be in transit.
    if (late > limits.lateTick) this.#leases.extendAll(millis(late + limits.lateTick));
    this.#nameTheSilent(at);
    if (this.#scheduleAt !== undefined && this.#scheduleAt <= at) {
      this.#scheduleAt = undefined;
      this.#due.schedule();
    }
    try {
      const isDue = this.#nextDueAt !== undefined && this.#nextDueAt <= at;
      if (isDue && this.#pending === 0 && !this.#reading) await this.#readDue(at);
    } catch (error) {
      this.#failed(error);
    }
    this.arm();
  }

  /** Looks again in a while for what is due: what was read may have been lost. */
  #failed(error: unknown): void {
    this.#reading = false;
    if (this.#due.failed(error)) this.#nextDueAt = later(this.#clock.now(), limits.turnRetry);
  }

  #nameTheSilent(at: Instant): void {
    for (const session of this.#unheard.splice(0)) this.#leases.retell(session);
    for (const session of this.#leases.ended(at)) {
      if (!this.#due.silent(session)) this.#unheard.push(session);
    }
    this.#unheardAt = this.#unheard.length > 0 ? later(at, limits.dueRetry) : undefined;
  }

  async #readDue(at: Instant): Promise<void> {
    this.#reading = true;
    const read = await this.#store.due(at, this.#batch + this.#delayed.size);
    const due = read.filter((deadline) => !this.#delayed.has(keyOf(deadline)));
    if (due.length === 0) await this.#readNext();
    this.#reading = false;
    this.#batchBegan = this.#clock.monotonic();
    for (const deadline of due) {
      this.#pending += 1;
      if (!this.#tell(deadline)) this.#pending -= 1;
    }
    if (due.length > 0 && this.#pending === 0) this.#nextDueAt = later(at, limits.dueRetry);
  }

  #tell(deadline: Deadline): boolean {
    const key = keyOf(deadline);
    const handled = () => {
      if (!this.#delayed.delete(key)) this.#pending -= 1;
      void this.#goOn();
    };
    const delayed = () => {
      if (this.#delayed.has(key)) return;
      this.#delayed.add(key);
      this.#pending -= 1;
      void this.#goOn();
    };
    return this.#due.deadline(deadline, handled, delayed);
  }

  /** Reads the next due instant. Keeps one set during the read, which may be missing from the answer. */
  async #readNext(): Promise<void> {
    this.#nextDueAt = undefined;
    const stored = this.#delayed.size === 0 ? await this.#store.nextDueAt() : await this.#nextAfterDelayed();
    this.#nextDueAt = earliest(this.#nextDueAt, stored);
  }

  async #nextAfterDelayed(): Promise<Instant | undefined> {
    // Starts may come last and fill as little as a quarter of the answer: ask for four times as many.
    const first = await this.#store.due(LAST, 4 * (this.#delayed.size + 1));
    const left = first.filter((deadline) => !this.#delayed.has(keyOf(deadline)));
    return left.reduce<Instant | undefined>((next, { at }) => earliest(next, at), undefined);
  }

  /**
   * Adapts the batch to the time that the last one took: one deadline may make a thousand rows or end a thousand
   * Runs.
   */
  #fitBatch(tookMs: number): void {
    const fits = tookMs > limits.dueBatch ? (this.#batch * limits.dueBatch) / tookMs : 2 * this.#batch;
    this.#batch = Math.max(limits.dueDeadlinesLeast, Math.min(limits.dueDeadlines, Math.floor(fits)));
  }

  async #goOn(): Promise<void> {
    if (this.#pending > 0 || this.#stopped) return;
    this.#fitBatch(this.#clock.monotonic() - this.#batchBegan);
    try {
      await this.#readNext();
    } catch (error) {
      this.#failed(error);
    }
    this.arm();
  }
}

function keyOf({ taskId, stepName, kind, at }: Deadline): string {
  return `${at} ${kind} ${taskId} ${stepName}`;
}
