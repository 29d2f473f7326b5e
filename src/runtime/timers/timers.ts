import type { SessionId } from "#domain/id";
import type { Deadline } from "#domain/task/deadline";
import { earliest, type Instant, instant, later, millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Clock } from "#ports/clock";
import type { TurnStore } from "#ports/store-turns";
import type { Leases } from "./leases.js";

/** What a tick finds due. Both return false if a mailbox has no room; they are asked again soon. */
export interface Due {
  silent(session: SessionId): boolean;
  /**
   * @param handled call when the message has been decided and committed
   * @param delayed call first if that will take time: others that are due need not wait for it
   */
  deadline(deadline: Deadline, handled: () => void, delayed: () => void): boolean;
  /** Steps that kept away from a worker may go to it again. */
  schedule(): void;
  /** The store could not be read. */
  failed(error: unknown): void;
}

/** No deadline is set later. */
const LAST = instant(Number.MAX_SAFE_INTEGER);

/**
 * One wake-up for everything that is due some time: leases in memory, deadlines in the store, Steps
 * that avoid a worker. Idle, it sleeps until the first of them and issues no statement.
 */
export class Timers {
  readonly #clock: Clock;
  readonly #store: Pick<TurnStore, "due" | "nextDueAt">;
  readonly #leases: Leases;
  readonly #due: Due;
  #nextDueAt: Instant | undefined;
  #avoidEnd: Instant | undefined;
  #armedFor: Instant | undefined;
  #disarm: (() => void) | undefined;
  /** Deadlines read from the store and not yet committed away, less those that are delayed. */
  #pending = 0;
  /** Deadlines that are decided later: the store goes on to name them, and they are passed over. */
  readonly #delayed = new Set<string>();
  /** How many are read at once: so many that what others ask for need not wait long behind them. */
  #batch: number = limits.dueDeadlines;
  #batchBegan = 0;
  /** True while the store is asked what is due. */
  #reading = false;
  /** Sessions whose silence found no room in the mailbox, and when they are named again. */
  #unheard: SessionId[] = [];
  #unheardAt: Instant | undefined;
  #stopped = false;

  constructor(clock: Clock, store: Pick<TurnStore, "due" | "nextDueAt">, leases: Leases, due: Due) {
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
    const stored = this.#pending > 0 || this.#reading ? undefined : this.#nextDueAt;
    const own = earliest(this.#avoidEnd, this.#unheardAt);
    const next = earliest(earliest(stored, own), this.#leases.earliest());
    if (next === undefined || (this.#armedFor !== undefined && this.#armedFor <= next)) return;

    this.#disarm?.();
    this.#armedFor = next;
    // What was due before we could look is no sign of a clock that stood still.
    const planned = Math.max(next, this.#clock.now()) as Instant;
    this.#disarm = this.#clock.wakeAt(next, () => void this.#tick(planned));
  }

  stop(): void {
    this.#stopped = true;
    this.#disarm?.();
  }

  async #tick(planned: Instant): Promise<void> {
    this.#armedFor = undefined;
    const at = this.#clock.now();
    const late = millis(at - planned);
    // Beyond the delay itself one more moment: what the workers sent meanwhile may still be on its way.
    if (late > limits.lateTick) this.#leases.extendAll(millis(late + limits.lateTick));
    this.#nameTheSilent(at);
    if (this.#avoidEnd !== undefined && this.#avoidEnd <= at) {
      this.#avoidEnd = undefined;
      this.#due.schedule();
    }
    try {
      const isDue = this.#nextDueAt !== undefined && this.#nextDueAt <= at;
      if (isDue && this.#pending === 0 && !this.#reading) await this.#readDue(at);
    } catch (error) {
      this.#due.failed(error);
    }
    this.arm();
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

  /** A deadline set while the store was asked may be missing from its answer. */
  async #readNext(): Promise<void> {
    this.#nextDueAt = undefined;
    const stored = this.#delayed.size === 0 ? await this.#store.nextDueAt() : await this.#nextAfterDelayed();
    this.#nextDueAt = earliest(this.#nextDueAt, stored);
  }

  async #nextAfterDelayed(): Promise<Instant | undefined> {
    // A quarter of them may be starts.
    const first = await this.#store.due(LAST, 4 * (this.#delayed.size + 1));
    const left = first.filter((deadline) => !this.#delayed.has(keyOf(deadline)));
    return left.reduce<Instant | undefined>((next, { at }) => earliest(next, at), undefined);
  }

  /** One deadline may make a thousand rows, or end a thousand Runs: then fewer of them are one turn's work. */
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
      this.#due.failed(error);
    }
    this.arm();
  }
}

function keyOf({ taskId, stepName, kind, at }: Deadline): string {
  return `${at} ${kind} ${taskId} ${stepName}`;
}
