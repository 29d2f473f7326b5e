import { inspectPage } from "#limits/inspect-page";
import { type InspectEvent, textOf } from "./event.js";
import { taskOf } from "./names.js";
import { type Actor, changedActor, changeText, isOver, Machines, type World } from "./world.js";

/** A line of the sequence of messages. */
export interface Row {
  /** Counts all rows of this timeline, from 1. */
  readonly n: number;
  readonly at: number;
  readonly kind: "message" | "created" | "changed" | "note";
  /** Session ids; `from` is empty if it is not known who sent it. */
  readonly from: string;
  readonly to: string;
  readonly message: string;
  /** The Task that it is about; empty if it is about none, or that is not known. */
  readonly task: string;
  /** What changed, in words. */
  change: string;
  /** The event with which all of this row has happened. */
  upTo: number;
}

/**
 * The events of a stream: the newest {@link inspectPage.keptEvents} of them, the world after each, and the sequence of
 * messages. Older events are dropped and counted; what they led to stays.
 */
export class Timeline {
  readonly #machines = new Machines();
  readonly #events: InspectEvent[] = [];
  /** Worlds as of an event, ascending; the first is the one before the oldest kept event. */
  readonly #checkpoints: { readonly upTo: number; readonly world: World }[] = [{ upTo: 0, world: new Map() }];
  readonly #world = new Map<string, Actor>();
  /** The newest message of each actor whose snapshot has not come yet. */
  readonly #open = new Map<string, Row>();
  readonly rows: Row[] = [];
  /** Number of events so far, the dropped ones included. */
  count = 0;
  /** Events that are kept no more, and actors. */
  droppedEvents = 0;
  droppedActors = 0;
  #rowCount = 0;

  /** The world after the last event. Changes with the next one. */
  get world(): World {
    return this.#world;
  }

  get events(): readonly InspectEvent[] {
    return this.#events;
  }

  add(event: InspectEvent): void {
    this.count += 1;
    this.#events.push(event);
    const before = this.#world.get(event.sessionId);
    const after = changedActor(this.#world, event, this.#machines);
    this.#addRow(event, before, after);
    if (after) this.#set(after);
    if (this.count % inspectPage.eventsPerCheckpoint === 0) {
      this.#checkpoints.push({ upTo: this.count, world: new Map(this.#world) });
    }
    this.#dropOld();
  }

  /** Adds a remark between the messages, such as that events were lost. */
  note(message: string, at: number): void {
    this.#push({ kind: "note", at, from: "", to: "", task: "", message, change: "" });
  }

  /** The world as of an event, counted from 1 over all events; older than the kept ones is the oldest known. */
  worldAt(upTo: number): World {
    if (upTo >= this.count) return this.#world;
    const start = this.#checkpoints.findLast((checkpoint) => checkpoint.upTo <= upTo) ?? this.#checkpoints[0];
    if (!start) return this.#world;
    const world = new Map(start.world);
    for (let n = start.upTo + 1; n <= upTo; n += 1) {
      const event = this.#events[n - 1 - this.droppedEvents];
      const after = event && changedActor(world, event, this.#machines);
      if (after) world.set(after.id, after);
    }
    return world;
  }

  #addRow(event: InspectEvent, before: Actor | undefined, after: Actor | undefined): void {
    const { sessionId: to, at } = event;
    const task = this.#taskOf(event);
    if (event.type === "message") {
      const { sourceId: from, message } = event;
      this.#open.set(to, this.#push({ kind: "message", at, from, to, task, message, change: "" }));
      return;
    }
    const change = after ? changeText(before?.snapshot, after.snapshot) : "";
    if (event.type === "actor") {
      if (before && change === "") return;
      const { parentId: from } = event;
      this.#push({ kind: before ? "changed" : "created", at, from, to, task, message: event.name, change });
      return;
    }
    const open = this.#open.get(to);
    this.#open.delete(to);
    if (open && (event.message === "" || event.message === open.message)) {
      open.change = change;
      open.upTo = this.count;
    } else {
      this.#push({ kind: "changed", at, from: "", to, task, message: event.message, change });
    }
  }

  #taskOf(event: InspectEvent): string {
    const own = taskOf(event.sessionId, this.#world);
    if (own !== "" || event.type === "snapshot") return own;
    if (event.type === "actor")
      return textOf(event.snapshot.context.taskId) || taskOf(event.parentId, this.#world);
    return taskOf(event.sourceId, this.#world) || textOf(event.raw.taskId);
  }

  #push(row: Omit<Row, "n" | "upTo">): Row {
    this.#rowCount += 1;
    const whole = { ...row, n: this.#rowCount, upTo: this.count };
    this.rows.push(whole);
    return whole;
  }

  #set(actor: Actor): void {
    const isNew = !this.#world.has(actor.id);
    this.#world.set(actor.id, actor);
    if (isNew && this.#world.size > inspectPage.keptActors) this.#forgetActors();
  }

  /** Forgets a tenth of the actors at once, with all below them: those that have ended first, oldest first. */
  #forgetActors(): void {
    const least = this.#world.size - Math.ceil(inspectPage.keptActors / 10);
    const forgotten = new Set<string>();
    for (const onlyEnded of [true, false]) {
      for (const actor of this.#world.values()) {
        const { id, parentId } = actor;
        const isKept = parentId === "" || id.startsWith("actor:") || (onlyEnded && !isOver(actor));
        // A child comes after its parent.
        const isOrphan = forgotten.has(parentId);
        if (isOrphan || (!isKept && this.#world.size > least)) {
          forgotten.add(id);
          this.#world.delete(id);
          this.#open.delete(id);
        }
      }
    }
    this.droppedActors += forgotten.size;
  }

  /** Drops as many of the oldest events as lie between two checkpoints, once there are that many too many. */
  #dropOld(): void {
    const { keptEvents, eventsPerCheckpoint } = inspectPage;
    if (this.#events.length < keptEvents + eventsPerCheckpoint) return;
    this.#checkpoints.shift();
    const first = this.#checkpoints[0]?.upTo ?? this.count;
    this.#events.splice(0, first - this.droppedEvents);
    this.droppedEvents = first;
    const kept = this.rows.findIndex(({ upTo }) => upTo > first);
    this.rows.splice(0, kept < 0 ? this.rows.length : kept);
  }
}
