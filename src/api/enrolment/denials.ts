import type { EnrolledWorker } from "#domain/access/enrolment";
import type { Instant } from "#domain/time/time";
import type { EnrolmentStore } from "#ports/enrolment";

/** Serial numbers of certificates that were revoked and have not ended, at hand: a handshake reads no store. */
export class Denials {
  readonly #store: EnrolmentStore;
  readonly #now: () => Instant;
  readonly #serials = new Map<string, Instant>();

  constructor(store: EnrolmentStore, now: () => Instant) {
    this.#store = store;
    this.#now = now;
  }

  has(serial: string): boolean {
    return this.#serials.has(serial);
  }

  /** Adds what other servers have revoked. What was revoked here meanwhile stays: nothing is ever let in again. */
  async load(): Promise<void> {
    this.#addAll(await this.#store.denied(this.#now()));
  }

  /** Adds what was revoked here. */
  add(worker: EnrolledWorker): void {
    this.#addAll([worker]);
  }

  #addAll(workers: readonly EnrolledWorker[]): void {
    const now = this.#now();
    for (const [serial, ends] of this.#serials) if (ends <= now) this.#serials.delete(serial);
    for (const { revoked } of workers)
      for (const { serial, notAfter } of revoked) this.#serials.set(serial, notAfter);
  }
}
