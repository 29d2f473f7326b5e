import type { Lane } from "#domain/task/lane";
import type { Journal } from "./journal.js";

/** The lanes that a turn adds and removes; one that does both writes neither. Every change goes through the journal. */
export class LaneWrites {
  readonly #journal: Journal;
  readonly #added = new Map<string, Lane>();
  readonly #removed = new Map<string, true>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  add(lane: Lane): void {
    if (this.#removed.has(lane.key)) this.#journal.delete(this.#removed, lane.key);
    else this.#journal.set(this.#added, lane.key, lane);
  }

  remove(key: string): void {
    if (this.#added.has(key)) this.#journal.delete(this.#added, key);
    else this.#journal.set(this.#removed, key, true);
  }

  toCommit(): { readonly lanesAdded: readonly Lane[]; readonly lanesRemoved: readonly string[] } {
    return { lanesAdded: [...this.#added.values()], lanesRemoved: [...this.#removed.keys()] };
  }
}
