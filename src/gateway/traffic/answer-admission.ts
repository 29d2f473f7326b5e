import type { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { CANCELLED } from "../outcome.js";
import { type BufferBudget, type BufferedBytes, BufferUse } from "./buffered-bytes.js";

/** One connection's quota of bytes for answers that its peer has not read. */
export class AnswerQuota {
  /** Bytes reserved for its answers, or written and not read by the peer. */
  bytes = 0;
  /** Its requests that wait for room, oldest first. */
  readonly waiting = new Set<WaitingAnswer>();
}

class WaitingAnswer extends BufferUse {
  readonly sending: BufferUse;
  readonly connection: AnswerQuota;
  readonly size: number;
  readonly admit: () => void;

  constructor(sending: BufferUse, connection: AnswerQuota, size: number, end: WaitingEnd) {
    super(end.refuse);
    this.sending = sending;
    this.connection = connection;
    this.size = size;
    this.admit = end.admit;
  }
}

interface WaitingEnd {
  readonly admit: () => void;
  readonly refuse: (fault: Fault) => void;
}

/**
 * Admits requests whose answers may be large, before anything is read for them, so that no answer is built while
 * earlier ones are unread. An answer counts with its largest possible size until it is written, then with its actual
 * size until the peer has read it.
 *
 * Each connection has its own bound, and all share the budget of buffered bytes. A connection without any open answer
 * is admitted above the usual bound of the budget, so that peers that read are served while others do not read.
 * Requests without room wait; connections take turns.
 */
export class AnswerAdmission {
  readonly #budget: BufferBudget;
  readonly #untaken: BufferedBytes;
  readonly #waiting: BufferedBytes;
  /** Connections with waiting requests; the one admitted last comes last. */
  readonly #quotas = new Set<AnswerQuota>();
  #admitting = false;
  #sweeping: NodeJS.Timeout | undefined;

  /**
   * @param untaken counts the answers
   * @param waiting counts the requests that wait for room, and bounds their number and time
   */
  constructor(budget: BufferBudget, untaken: BufferedBytes, waiting: BufferedBytes) {
    this.#budget = budget;
    this.#untaken = untaken;
    this.#waiting = waiting;
    budget.onLess = () => this.#changed();
  }

  /**
   * Reserves `bytes` for `sending` as soon as there is room.
   *
   * @returns undefined if there is room at once
   * @throws {Fault} `overloaded`, by the promise, if there was no room in time
   */
  reserve(sending: BufferUse, quota: AnswerQuota, bytes: number): Promise<void> | undefined {
    if (quota.waiting.size === 0 && this.#fits(quota, bytes)) {
      this.#untaken.use(sending, bytes);
      return undefined;
    }
    return new Promise((admit, reject) => {
      const refuse = (fault: Fault) => {
        this.#remove(waiting);
        reject(fault);
      };
      const waiting = new WaitingAnswer(sending, quota, bytes, { admit, refuse });
      quota.waiting.add(waiting);
      this.#quotas.add(quota);
      this.#startSweeping();
      this.#waiting.use(waiting, 0);
    });
  }

  /** Call when the peer has cancelled: its request stops waiting. */
  abandon(sending: BufferUse, quota: AnswerQuota): void {
    for (const waiting of quota.waiting) {
      if (waiting.sending === sending) waiting.cut(CANCELLED.fault);
    }
  }

  #fits(quota: AnswerQuota, bytes: number): boolean {
    const most = quota.bytes === 0 ? limits.bufferedBytesMost : limits.bufferedBytes;
    return this.#budget.bytes + bytes <= most && withinShare(quota, bytes);
  }

  #remove(waiting: WaitingAnswer): void {
    this.#waiting.release(waiting);
    waiting.connection.waiting.delete(waiting);
    if (waiting.connection.waiting.size === 0) this.#quotas.delete(waiting.connection);
  }

  /** Admits waiting requests after the next input of the event loop, which may say that some peers are gone. */
  #changed(): void {
    if (this.#admitting || this.#quotas.size === 0) return;
    this.#admitting = true;
    setImmediate(() => {
      this.#admitting = false;
      for (const quota of [...this.#quotas]) this.#admitFrom(quota);
    });
  }

  #admitFrom(quota: AnswerQuota): void {
    for (const waiting of quota.waiting) {
      if (!this.#fits(quota, waiting.size)) return;
      this.#remove(waiting);
      // Goes to the end of the queue of connections.
      if (this.#quotas.delete(quota)) this.#quotas.add(quota);
      this.#untaken.use(waiting.sending, waiting.size);
      waiting.admit();
    }
  }

  #startSweeping(): void {
    this.#sweeping ??= setInterval(() => {
      for (const quota of this.#quotas) {
        const [next] = quota.waiting;
        if (next && withinShare(quota, next.size)) return this.#budget.makeRoom(next.size);
      }
      if (this.#quotas.size > 0) return;
      clearInterval(this.#sweeping);
      this.#sweeping = undefined;
    }, limits.answersEvery).unref();
  }
}

/** The first answer always is. */
function withinShare(quota: AnswerQuota, bytes: number): boolean {
  return quota.bytes === 0 || quota.bytes + bytes <= limits.answersPerConnection;
}
