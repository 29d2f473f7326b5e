import type { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { CANCELLED } from "../outcome.js";
import { type BufferBudget, type BufferedBytes, BufferUse } from "./buffered-bytes.js";

/** One connection's share of the bytes that answers may take before they are read. */
export class AnswerQuota {
  /** Bytes that are reserved for its answers, or written and not read by the peer. */
  bytes = 0;
  /** Its requests that wait for room, in the order of their arrival. */
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
 * Admits requests whose answers may be large, before anything is read for them: so an answer that nobody takes is
 * never built. An answer counts with the most that it may be until it is written, and with its size until it is read.
 *
 * A connection has a bound of its own, and all have the budget they share with whatever else is held for peers. A
 * connection without any answer is admitted above the usual bound of the budget, so that those who read are served
 * while others do not. Requests that find no room wait, in turn by connection.
 */
export class AnswerAdmission {
  readonly #budget: BufferBudget;
  readonly #untaken: BufferedBytes;
  readonly #waiting: BufferedBytes;
  /** Those with waiting requests; whoever was admitted last comes last. */
  readonly #quotas = new Set<AnswerQuota>();
  #admitting = false;
  #sweeping: NodeJS.Timeout | undefined;

  /**
   * @param untaken where answers count
   * @param waiting where requests count that wait for room: bounds their number and time
   */
  constructor(budget: BufferBudget, untaken: BufferedBytes, waiting: BufferedBytes) {
    this.#budget = budget;
    this.#untaken = untaken;
    this.#waiting = waiting;
    budget.onLess = () => this.#changed();
  }

  /**
   * Counts `sending` with so many bytes as soon as there is room for them.
   *
   * @returns undefined if there is room at once
   * @throws {Fault} `overloaded`, by the promise, if there was none in time
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

  /** The peer has given up: its request waits no more. */
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

  /** After what peers have said meanwhile has been heard: some of those that wait may be gone. */
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
      // Behind all others that wait.
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
