import { definitions } from "#actors/definitions";
import type { MachineId } from "#actors/machines";
import type { Instant } from "#domain/time/time";
import { limits } from "#limits/index";
import type { InspectedMessage, Outside } from "#ports/inspection";
import { type SnapshotParts, snapshotOf } from "./context.js";
import { fieldsOf } from "./message-fields.js";
import { nameOf, parentIdOf, ROOT, type Shown } from "./names.js";
import { type InspectedFields, PROTOCOL_VERSION, type StatelyEvent } from "./protocol.js";

/** A machine's definition as text, and that text as it stands in JSON: it is the larger part of an event, and always the same. */
interface Definition {
  readonly text: string;
  readonly json: string;
}

function definitionOf(value: object): Definition {
  const text = JSON.stringify(value);
  return { text, json: JSON.stringify(text) };
}

const ofMachine = Object.fromEntries(
  Object.entries(definitions).map(([id, definition]) => [id, definitionOf(definition)]),
) as Readonly<Record<MachineId, Definition>>;

/** The root, and sources outside the plane, have no machine: their definition is a name. */
const ofOutside: Readonly<Record<Outside["name"], Definition>> = {
  runtime: definitionOf({ id: ROOT }),
  gateway: definitionOf({ id: "gateway" }),
  worker: definitionOf({ id: "worker" }),
  timer: definitionOf({ id: "timer" }),
};

function definitionFor(entity: Shown): Definition {
  if (entity.kind === "outside") return ofOutside[entity.name];
  return ofMachine[entity.kind === "actor" ? entity.name : entity.kind];
}

/** What an event is made of, when somebody takes it: most events of a server under load are dropped before. */
interface Making {
  readonly type: StatelyEvent["type"];
  readonly sessionId: string;
  readonly at: Instant;
  /** Of a state: whose it is. */
  readonly entity: Shown | undefined;
  /** Of a message: the sender. Of an actor: the parent. */
  readonly otherId: string | undefined;
  /** The message, or what a snapshot follows from. */
  readonly fields: InspectedFields | undefined;
}

/** An event of the protocol, and what a viewer's buffer has to know of it. */
export class InspectionItem {
  readonly #making: Making;
  readonly #maker: EventMaker;
  #event: StatelyEvent | undefined;
  #json: string | undefined;
  /** Roughly the length as JSON text. */
  readonly bytes: number;

  /** @param bytes roughly its length */
  constructor(making: Making, maker: EventMaker, bytes: number) {
    this.#making = making;
    this.#maker = maker;
    this.bytes = bytes;
  }

  get type(): StatelyEvent["type"] {
    return this.#making.type;
  }

  get sessionId(): string {
    return this.#making.sessionId;
  }

  /** Of a state: whose it is. */
  get entity(): Shown | undefined {
    return this.#making.entity;
  }

  /** Of a message: the sender. Of an actor: the parent. */
  get otherId(): string | undefined {
    return this.#making.otherId;
  }

  get event(): StatelyEvent {
    this.#event ??= this.#maker.make(this.#making);
    return this.#event;
  }

  /** The event as JSON text, made once for all viewers. */
  get json(): string {
    this.#json ??= jsonOf(this.event, this.entity);
    return this.#json;
  }
}

/** An actor's definition stands in its JSON as it is, instead of being quoted anew each time. */
function jsonOf(event: StatelyEvent, entity: Shown | undefined): string {
  if (event.type !== "@xstate.actor" || !entity) return JSON.stringify(event);
  const rest = JSON.stringify({ ...event, definition: undefined });
  return `{"definition":${definitionFor(entity).json},${rest.slice(1)}`;
}

/** The length of an event without its definition; with payloads, of one with as many as it may have. */
const USUAL_BYTES = 600;

/** Makes the events of one hub, numbered in the order in which they are taken. */
export class EventMaker {
  readonly #parts: SnapshotParts;
  readonly #usualBytes: number;
  #count = 0;
  /** The fields of the last message: it is told of twice, alone and with what it led to. */
  #last: { readonly message: InspectedMessage; readonly fields: InspectedFields } | undefined;

  constructor(parts: SnapshotParts) {
    this.#parts = parts;
    this.#usualBytes = USUAL_BYTES + (parts.payloads ? limits.inspectEventBytes : 0);
  }

  /** The entity appears, or is told of anew. @param parentId if the entity's own parent is not shown */
  actor(
    entity: Shown,
    sessionId: string,
    at: Instant,
    parentId: string | undefined = parentIdOf(entity),
  ): InspectionItem {
    const bytes = this.#usualBytes + definitionFor(entity).json.length;
    const making = { sessionId, at, entity, otherId: parentId, fields: undefined };
    return new InspectionItem({ type: "@xstate.actor", ...making }, this, bytes);
  }

  message(sessionId: string, sourceId: string, message: InspectedMessage, at: Instant): InspectionItem {
    const making = { sessionId, at, entity: undefined, otherId: sourceId, fields: this.#fieldsOf(message) };
    return new InspectionItem({ type: "@xstate.event", ...making }, this, this.#usualBytes);
  }

  snapshot(entity: Shown, sessionId: string, cause: InspectedMessage, at: Instant): InspectionItem {
    const making = { sessionId, at, entity, otherId: undefined, fields: this.#fieldsOf(cause) };
    return new InspectionItem({ type: "@xstate.snapshot", ...making }, this, this.#usualBytes);
  }

  /** Called when an item is taken. */
  make({ type, sessionId, at, entity, otherId, fields = NO_FIELDS }: Making): StatelyEvent {
    this.#count += 1;
    const base = {
      sessionId,
      rootId: ROOT,
      createdAt: String(at),
      id: String(this.#count),
      _version: PROTOCOL_VERSION,
    } as const;
    if (type === "@xstate.event" || !entity) {
      return { type: "@xstate.event", ...base, sourceId: otherId, event: fields };
    }
    const snapshot = snapshotOf(entity, this.#parts);
    if (type === "@xstate.snapshot") return { type, ...base, event: fields, snapshot };
    const { text: definition } = definitionFor(entity);
    return { type, ...base, name: nameOf(entity), parentId: otherId, definition, snapshot };
  }

  /** Taken at once: the message itself may have large texts, which must not be kept. */
  #fieldsOf(message: InspectedMessage): InspectedFields {
    if (this.#last?.message === message) return this.#last.fields;
    const fields = fieldsOf(message, this.#parts.payloads);
    this.#last = { message, fields };
    return fields;
  }
}

const NO_FIELDS: InspectedFields = { type: "" };
