import type { StatelyEvent } from "#inspect/protocol";

/** An actor as a viewer knows it from the events alone. */
export interface SeenActor {
  readonly name: string;
  readonly parentId: string | undefined;
  readonly definition: string;
  readonly status: string;
  readonly value: unknown;
  readonly context: Readonly<Record<string, unknown>>;
}

/** What a viewer makes of the events that it gets, in their order, and what is wrong with them. */
export class Replay {
  readonly actors = new Map<string, SeenActor>();
  readonly problems: string[] = [];
  readonly events: StatelyEvent[] = [];

  /** @param json an event as it was sent */
  take(json: string): void {
    const event = JSON.parse(json) as StatelyEvent;
    this.events.push(event);
    const { sessionId } = event;
    const before = this.actors.get(sessionId);
    if (event.type === "@xstate.actor") {
      const { name, parentId, definition, snapshot } = event;
      if (parentId === undefined ? sessionId !== "taskrun" : !this.actors.has(parentId)) {
        this.problems.push(`${sessionId} comes before its parent ${parentId}`);
      }
      this.actors.set(sessionId, { name, parentId, definition, ...snapshot });
      return;
    }
    if (!before) {
      this.problems.push(`${event.event.type}: ${sessionId} is not known`);
      return;
    }
    if (event.type === "@xstate.snapshot") this.actors.set(sessionId, { ...before, ...event.snapshot });
    else if (event.sourceId === undefined || !this.actors.has(event.sourceId)) {
      this.problems.push(`${event.event.type} to ${sessionId}: its sender ${event.sourceId} is not known`);
    }
  }

  /** The messages among the events, as one would tell of them. */
  get messages(): string[] {
    return this.events.flatMap((event) =>
      event.type === "@xstate.event" ? [`${event.sourceId} → ${event.sessionId}: ${event.event.type}`] : [],
    );
  }
}
