import { limits } from "#limits/index";
import type { InspectionItem } from "./events.js";
import { parentIdOf, type Shown } from "./names.js";

/** What a viewer takes at a time. */
export interface Taken {
  /** Events dropped since the last time, because they were not taken fast enough. */
  readonly dropped: number;
  readonly items: readonly InspectionItem[];
}

/**
 * The events that wait for one viewer, bounded in number and bytes. When there are too many the oldest are dropped.
 * An actor whose state was dropped is told of anew, before its next event or when the viewer has caught up: whoever
 * replays what it got has the present state of every actor, whatever it missed in between.
 */
export class ViewerBuffer {
  readonly #actorOf: (entity: Shown) => InspectionItem;
  readonly #waiting: InspectionItem[] = [];
  #first = 0;
  #bytes = 0;
  #dropped = 0;
  /** The newest dropped state of each actor, by session id. */
  readonly #lost = new Map<string, Shown>();
  /** Session ids of actors that the viewer has been told of, or will be. */
  readonly #known = new Set<string>();
  /** Called when there is something to take after there was nothing. */
  onReady: () => void = () => undefined;

  /** @param actorOf makes the event that tells of an actor anew */
  constructor(actorOf: (entity: Shown) => InspectionItem) {
    this.#actorOf = actorOf;
  }

  get isEmpty(): boolean {
    return this.#waiting.length === this.#first && this.#lost.size === 0 && this.#dropped === 0;
  }

  knows(sessionId: string): boolean {
    return this.#known.has(sessionId);
  }

  push(item: InspectionItem): void {
    const wasEmpty = this.isEmpty;
    if (item.entity) this.#note(item.sessionId);
    this.#waiting.push(item);
    this.#bytes += item.bytes;
    const { inspectBuffered, inspectBufferedBytes } = limits;
    while (this.#waiting.length - this.#first > inspectBuffered || this.#bytes > inspectBufferedBytes)
      this.#drop();
    if (wasEmpty) this.onReady();
  }

  /** Takes up to `most` events, oldest first; some more if actors have to be told of anew, fewer if they are large. */
  take(most: number): Taken {
    const items: InspectionItem[] = [];
    let bytes = 0;
    while (items.length < most && bytes < limits.inspectAtOnceBytes) {
      const item = this.#shift();
      if (!item) break;
      if (this.#lost.size > 0) this.#tellAnew(item, items);
      items.push(item);
      bytes += item.bytes;
    }
    if (this.#first === this.#waiting.length) {
      for (const id of this.#lost.keys()) {
        if (items.length >= most) break;
        this.#refresh(id, items);
      }
    }
    const dropped = this.#dropped;
    this.#dropped = 0;
    return { dropped, items };
  }

  #note(sessionId: string): void {
    this.#known.add(sessionId);
    if (this.#known.size <= limits.inspectKnown) return;
    for (const oldest of this.#known) {
      this.#known.delete(oldest);
      return;
    }
  }

  #shift(): InspectionItem | undefined {
    const item = this.#waiting[this.#first];
    if (!item) return undefined;
    this.#first += 1;
    this.#bytes -= item.bytes;
    if (this.#first === this.#waiting.length || this.#first >= limits.inspectBuffered) {
      this.#waiting.splice(0, this.#first);
      this.#first = 0;
    }
    return item;
  }

  #drop(): void {
    const item = this.#shift();
    if (!item) return;
    this.#dropped += 1;
    if (!item.entity) return;
    const { sessionId } = item;
    this.#lost.delete(sessionId);
    this.#lost.set(sessionId, item.entity);
    if (this.#lost.size <= limits.inspectLost) return;
    for (const oldest of this.#lost.keys()) {
      this.#lost.delete(oldest);
      this.#known.delete(oldest);
      return;
    }
  }

  /** What the event is about, and who sent it or is above it, as they were before it. */
  #tellAnew({ type, sessionId, otherId }: InspectionItem, items: InspectionItem[]): void {
    this.#refresh(otherId, items);
    if (type === "@xstate.actor") this.#lost.delete(sessionId);
    else this.#refresh(sessionId, items);
  }

  #refresh(sessionId: string | undefined, items: InspectionItem[]): void {
    const entity = sessionId !== undefined && this.#lost.get(sessionId);
    if (!entity) return;
    this.#lost.delete(sessionId);
    this.#refresh(parentIdOf(entity), items);
    items.push(this.#actorOf(entity));
  }
}
