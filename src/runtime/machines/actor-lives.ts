import type { ActorName } from "#actors/commands";
import type { ActorLife } from "#actors/life";
import type { Bus } from "#bus/bus";
import type { Publisher } from "../turn/publish.js";
import { type Actors, actorNames } from "./actors.js";

/** Tells actors what goes on in their lives, and inspectors that they were told. */
export class ActorLives {
  readonly #actors: Actors;
  readonly #publisher: Publisher;

  constructor(actors: Actors, publisher: Publisher) {
    this.#actors = actors;
    this.#publisher = publisher;
  }

  /** Tells one actor, or all. */
  tell(message: ActorLife, name?: ActorName): void {
    this.#publisher.lived(message, this.#actors.live(message, name));
  }

  /** Call when the actor's mailbox has refused a message. */
  full(name: ActorName): void {
    this.tell({ type: "fill" }, name);
  }

  /** Tells those whose mailboxes have emptied to half again. Call when messages were taken. */
  easeAll(bus: Pick<Bus<ActorName, unknown>, "depth">): void {
    for (const name of actorNames) {
      const { size, capacity } = bus.depth(name);
      if (size * 2 <= capacity && this.#actors.stateOf(name) === "saturated")
        this.tell({ type: "ease" }, name);
    }
  }
}
