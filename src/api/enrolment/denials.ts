import type { EnrolledWorker } from "#domain/access/enrolment";
import type { Instant } from "#domain/time/time";
import type { EnrolmentStore } from "#ports/enrolment";

/** Serial numbers of certificates that were revoked and have not ended, at hand: a handshake reads no store. */
export class Denials {
  readonly #store: EnrolmentStore;
  readonly #now: () => Instant;
  #serials: ReadonlyMap<string, Instant> = new Map();

  constructor(store: EnrolmentStore, now: () => Instant) {
    this.#store = store;
    this.#now = now;
  }

  has(serial: string): boolean {
    return this.#serials.has(serial);
  }

  /** Reads what other servers have revoked. */
  async load(): Promise<void> {
    const workers = await this.#store.denied(this.#now());
    this.#serials = new Map();
    for (const worker of workers) this.add(worker);
  }

  /** Adds what was revoked here. */
  add({ revoked }: EnrolledWorker): void {
    const now = this.#now();
    const all = new Map([...this.#serials].filter(([, ends]) => ends > now));
    for (const { serial, notAfter } of revoked) all.set(serial, notAfter);
    this.#serials = all;
  }
}
