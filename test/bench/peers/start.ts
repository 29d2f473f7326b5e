/** A system that does jobs over PostgreSQL, in this process. */
export interface Peer {
  /** Adds a job that does nothing, and resolves when it has been done. */
  job(): Promise<void>;
}

/** Starts one on a database of its own, with `inFlight` the most jobs that are under way at a time. */
export type StartPeer = (url: string) => Promise<Peer>;

/** Jobs that have been added, by a key that their data has, and who waits for their end. */
export class Awaited {
  readonly #waiting = new Map<string, () => void>();
  #last = 0;

  /** A key for a new job, and a promise that resolves once the job is {@link done}. */
  next(): { readonly key: string; readonly end: Promise<void> } {
    const key = String(++this.#last);
    const end = new Promise<void>((resolve) => this.#waiting.set(key, resolve));
    return { key, end };
  }

  done(key: string): void {
    this.#waiting.get(key)?.();
    this.#waiting.delete(key);
  }
}
