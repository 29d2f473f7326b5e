import { inspectPage } from "#limits/inspect-page";
import { type Loose, looseOf, textOf } from "./event.js";

/**
 * The events of a stream for one who comes late: whoever replays them has the present state of every actor. The newest
 * {@link inspectPage.keptEvents} are kept as they came. Of older ones stays what they led to.
 */
export class History {
  /** The event that tells of each actor, with its state before the oldest kept event; parents come before their children. */
  readonly #actors = new Map<string, Loose>();
  readonly #kept: string[] = [];

  /** @param json an event of the protocol */
  add(json: string): void {
    this.#kept.push(json);
    const { keptEvents, eventsPerCheckpoint } = inspectPage;
    if (this.#kept.length < keptEvents + eventsPerCheckpoint) return;
    for (const old of this.#kept.splice(0, eventsPerCheckpoint)) this.#fold(looseOf(JSON.parse(old)));
    this.#forgetActors();
  }

  /** In the order in which they are to be told. */
  *events(): Generator<Loose, void> {
    yield* this.#actors.values();
    for (const json of this.#kept) yield looseOf(JSON.parse(json));
  }

  #fold(event: Loose): void {
    const id = textOf(event.sessionId);
    const before = this.#actors.get(id);
    if (event.type === "@xstate.actor") this.#actors.set(id, event);
    else if (event.type === "@xstate.snapshot" && before) {
      this.#actors.set(id, { ...before, snapshot: event.snapshot });
    }
  }

  /** Those that have ended first, oldest first, and all below them. */
  #forgetActors(): void {
    const forgotten = new Set<string>();
    for (const onlyEnded of [true, false]) {
      for (const [id, { parentId, snapshot }] of this.#actors) {
        const isKept =
          !/^(task|step|run|worker):/.test(id) || (onlyEnded && looseOf(snapshot).status === "active");
        const isTooMany = this.#actors.size > inspectPage.keptActors;
        if (!forgotten.has(textOf(parentId)) && (isKept || !isTooMany)) continue;
        forgotten.add(id);
        this.#actors.delete(id);
      }
    }
  }
}
