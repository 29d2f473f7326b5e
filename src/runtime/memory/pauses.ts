import type { Pause, PauseScope } from "#domain/pause/pause";
import { NO_PAUSES, PauseSet } from "#domain/pause/pause-set";
import type { Instant } from "#domain/time/time";
import type { PauseChanges } from "#ports/store-turns";
import type { Journal } from "./journal.js";

/**
 * The pauses that count now. Every change goes through the turn's journal. Readers outside turns use only
 * {@link PauseBook.committed}.
 */
export class PauseBook {
  #present = NO_PAUSES;
  #committed = NO_PAUSES;
  /** True if the turn in flight has changed them. */
  #changed = false;
  #version = 0;

  restore(pauses: readonly Pause[]): void {
    this.#present = new PauseSet(pauses);
  }

  get present(): PauseSet {
    return this.#present;
  }

  /** As the last commit left them. */
  get committed(): PauseSet {
    return this.#committed;
  }

  /** Grows while a turn changes them, and again when it ends: what was read from the store in between may be older than its commit. */
  get version(): number {
    return this.#version;
  }

  put(pause: Pause, journal: Journal): void {
    this.#replace(this.#present.with(pause), journal);
  }

  remove(scope: PauseScope, journal: Journal): void {
    if (this.#present.get(scope)) this.#replace(this.#present.without(scope), journal);
  }

  /** Removes those that have ended by themselves. Returns them. */
  end(now: Instant, journal: Journal): readonly Pause[] {
    const ended = this.#present.ended(now);
    if (ended.length > 0) this.#replace(this.#present.current(now), journal);
    return ended;
  }

  /**
   * Takes in what the store has, if it was asked after the last change here. Call while no turn is in flight.
   *
   * @param version the one at which the store was asked
   * @returns true if there is a change
   */
  learn(pauses: readonly Pause[], version: number): boolean {
    if (version !== this.#version || isSame(pauses, this.#present)) return false;
    this.#present = new PauseSet(pauses);
    this.#committed = this.#present;
    return true;
  }

  /** Call after a commit or roll-back, before {@link learn}. */
  turnEnded(): void {
    if (this.#changed) this.#version += 1;
    this.#changed = false;
    this.#committed = this.#present;
  }

  #replace(pauses: PauseSet, journal: Journal): void {
    const before = this.#present;
    this.#present = pauses;
    this.#changed = true;
    this.#version += 1;
    journal.changed(() => {
      this.#present = before;
    });
  }
}

function isSame(pauses: readonly Pause[], known: PauseSet): boolean {
  if (pauses.length !== known.size) return false;
  return pauses.every(({ scope, at, until, by, reason }) => {
    const other = known.get(scope);
    return other?.at === at && other.until === until && other.by === by && other.reason === reason;
  });
}

/** What a turn writes of pauses. Every change goes through the journal. */
export class PauseWrites {
  readonly #journal: Journal;
  readonly #changes: PauseChanges[number][] = [];

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  put(pause: Pause): void {
    this.#journal.push(this.#changes, { type: "put", pause });
  }

  /** @param until only a pause that ends then: another node may have put another one since */
  remove(scope: PauseScope, until?: Instant): void {
    this.#journal.push(this.#changes, { type: "remove", scope, ...(until !== undefined && { until }) });
  }

  /** In the order in which they were made; undefined if there are none. */
  toCommit(): PauseChanges | undefined {
    return this.#changes.length === 0 ? undefined : this.#changes;
  }
}
