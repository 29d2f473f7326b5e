import type { InspectionEvent, Observer } from "xstate";
import { limits } from "#limits/index";
import type { Log } from "#ports/telemetry";
import type { InspectionHub } from "./hub.js";
import { Pacer } from "./pacer.js";
import { droppedEvent, type InspectedSnapshot, type StatelyEvent } from "./protocol.js";
import type { Viewer } from "./viewer.js";

/** What the option `inspect` of XState's `createActor` takes: an observer of inspection events, or a function of one. */
export type XStateInspect = Observer<InspectionEvent> | ((event: InspectionEvent) => void);

/**
 * Stands for an actor where XState passes a reference to one: with its ids, its parent, its machine's definition and its
 * present state. It can be looked at, and told nothing.
 */
class StandIn {
  id: string;
  readonly sessionId: string;
  _parent: StandIn | undefined;
  logic: { readonly config: object };
  snapshot: InspectedSnapshot = { status: "active", value: {}, context: {} };

  constructor(sessionId: string) {
    this.id = sessionId;
    this.sessionId = sessionId;
    this.logic = { config: { id: sessionId } };
  }

  getSnapshot(): InspectedSnapshot {
    return this.snapshot;
  }
}

export interface ObserverParts {
  readonly hub: Pick<InspectionHub, "attach">;
  readonly log: Log;
}

/** Gives an observer the events of XState that a plane of live actors would give it. */
export class InspectionObserver {
  readonly #next: (event: InspectionEvent) => void;
  readonly #log: Log;
  readonly #viewer: Viewer | undefined;
  readonly #pacer: Pacer | undefined;
  readonly #standIns = new Map<string, StandIn>();
  /** Machines by their definitions, which are the same few texts. */
  readonly #configs = new Map<string, object>();
  #hasFailed = false;

  constructor(inspect: XStateInspect, { hub, log }: ObserverParts) {
    this.#next = typeof inspect === "function" ? inspect : (event) => inspect.next?.(event);
    this.#log = log;
    this.#viewer = hub.attach();
    if (this.#viewer) this.#pacer = new Pacer(this.#viewer, () => this.#pass(limits.inspectAtOnce));
  }

  /** Gives it what still waits, and no more. */
  stop(): void {
    this.#pacer?.stop();
    while (this.#viewer?.isIdle === false) this.#pass(limits.inspectBuffered);
    this.#viewer?.close();
  }

  #pass(most: number): void {
    const taken = this.#viewer?.take(most);
    if (!taken) return;
    if (taken.dropped > 0) this.#tell(droppedEvent(taken.dropped));
    for (const { event } of taken.items) this.#tell(event);
  }

  #tell(event: StatelyEvent): void {
    try {
      this.#next(this.#asXState(event));
    } catch (error) {
      if (this.#hasFailed) return;
      this.#hasFailed = true;
      this.#log.error("the function given as `inspect` has thrown; further errors of it are not logged", {
        err: error,
      });
    }
  }

  #asXState(event: StatelyEvent): InspectionEvent {
    const { type, rootId, sessionId } = event;
    const actorRef = this.#standIn(sessionId);
    if (type === "@xstate.actor") {
      actorRef.id = event.name;
      actorRef._parent = event.parentId === undefined ? undefined : this.#standIn(event.parentId);
      actorRef.logic = { config: this.#configOf(event.definition) };
    }
    if (type !== "@xstate.event") actorRef.snapshot = event.snapshot;
    const sourceRef = type === "@xstate.event" && event.sourceId ? this.#standIn(event.sourceId) : undefined;
    const made = {
      type,
      rootId,
      actorRef,
      ...(type !== "@xstate.actor" && { event: event.event }),
      ...(type === "@xstate.event" && { sourceRef }),
      ...(type === "@xstate.snapshot" && { snapshot: event.snapshot }),
    };
    return made as unknown as InspectionEvent;
  }

  /** The same object for an actor as long as it is among the last {@link limits.inspectKnown}. */
  #standIn(sessionId: string): StandIn {
    const known = this.#standIns.get(sessionId);
    if (known) return known;
    const made = new StandIn(sessionId);
    this.#standIns.set(sessionId, made);
    if (this.#standIns.size > limits.inspectKnown) {
      for (const oldest of this.#standIns.keys()) {
        this.#standIns.delete(oldest);
        break;
      }
    }
    return made;
  }

  #configOf(definition: string): object {
    const known = this.#configs.get(definition) ?? (JSON.parse(definition) as object);
    this.#configs.set(definition, known);
    return known;
  }
}
