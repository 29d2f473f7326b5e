import type { Entry, Journal } from "./journal.js";

/**
 * Tells an agent what its entries came to in the order in which they came to it, whatever the order in which it asks: so of several that it
 * waits for at once, as by `Promise.race`, the same one is first in each Run.
 */
export class Replay {
  readonly #journal: () => Journal;
  /** Entries that the agent has asked for, whose turn it is not yet. */
  readonly #asked = new Map<Entry, (() => void)[]>();
  #isDue = false;

  constructor(journal: () => Journal) {
    this.#journal = journal;
  }

  /** Resolves when the agent may be told of an entry that is over. */
  async turnOf(entry: Entry): Promise<void> {
    if (entry.isTold) return;
    await new Promise<void>((resolve) => {
      this.#asked.set(entry, [...(this.#asked.get(entry) ?? []), resolve]);
      // Once all that ask wait for it, so that they go on in the order in which they are told.
      queueMicrotask(() => this.#tellInOrder());
    });
  }

  #tellInOrder(): void {
    const journal = this.#journal();
    for (let next = journal.untold; next && this.#asked.has(next); next = journal.untold) this.#tell(next);
    if (this.#asked.size === 0 || this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.#tellFirst());
  }

  /** What would be next is not asked for by what the agent does at once: it does something that is not durable, or does not need it. */
  #tellFirst(): void {
    this.#isDue = false;
    let first: Entry | undefined;
    for (const entry of this.#asked.keys()) if (!first || entry.overSeq < first.overSeq) first = entry;
    if (!first) return;
    this.#tell(first);
    this.#tellInOrder();
  }

  #tell(entry: Entry): void {
    const waiting = this.#asked.get(entry) ?? [];
    this.#asked.delete(entry);
    entry.isTold = true;
    for (const go of waiting) go();
  }
}
