import { type Pause, pauseKey } from "#domain/pause/pause";
import type { PauseChanges } from "#ports/store-turns";

/** The pauses of a store in memory. */
export class MemoryPauses {
  readonly #rows = new Map<string, Pause>();

  all(): readonly Pause[] {
    return [...this.#rows.values()];
  }

  change(changes: PauseChanges): void {
    for (const change of changes) {
      if (change.type === "put") this.#rows.set(pauseKey(change.pause.scope), change.pause);
      else {
        const key = pauseKey(change.scope);
        const until = change.until ?? this.#rows.get(key)?.until;
        if (this.#rows.get(key)?.until === until) this.#rows.delete(key);
      }
    }
  }
}
