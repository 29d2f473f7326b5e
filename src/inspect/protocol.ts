import { ROOT } from "./names.js";

/**
 * The events of the protocol that `@statelyai/inspect` 0.7 speaks, as its receivers take them. Written out, so that
 * nothing of that library is needed where they are sent.
 */

/** What `_version` says: the release of the library whose events these are. */
export const PROTOCOL_VERSION = "0.7.2";

/** The state of an actor. */
export interface InspectedSnapshot {
  /** `done` once a final state is reached. */
  readonly status: "active" | "done";
  /** The state's name; of a Run a record of two. */
  readonly value: unknown;
  /** Ids, counters and deadlines. */
  readonly context: InspectedContext;
}

export type InspectedContext = Readonly<Record<string, unknown>>;

/** A message: its type, and fields of it. */
export interface InspectedFields {
  readonly type: string;
  readonly [field: string]: unknown;
}

interface BaseEvent {
  /** The actor that it is about; see `names.ts`. */
  readonly sessionId: string;
  readonly rootId: string;
  /** Unix milliseconds of plane time, as text. */
  readonly createdAt: string;
  readonly id: string;
  readonly _version: typeof PROTOCOL_VERSION;
}

/** An actor appears, or is told of anew with its present state. */
export interface ActorEvent extends BaseEvent {
  readonly type: "@xstate.actor";
  readonly name: string;
  /** The machine as JSON text. */
  readonly definition: string;
  /** Absent for the root. */
  readonly parentId: string | undefined;
  readonly snapshot: InspectedSnapshot;
}

/** An actor is told something. */
export interface MessageEvent extends BaseEvent {
  readonly type: "@xstate.event";
  readonly sourceId: string | undefined;
  readonly event: InspectedFields;
}

/** An actor has changed, by the message that is given. */
export interface SnapshotEvent extends BaseEvent {
  readonly type: "@xstate.snapshot";
  readonly event: InspectedFields;
  readonly snapshot: InspectedSnapshot;
}

export type StatelyEvent = ActorEvent | MessageEvent | SnapshotEvent;

/** The type of the message to the root by which a viewer hears that it has missed `count` events. */
export const DROPPED = "taskrun.dropped";

/** Tells of a gap in the words of the protocol, which has none of its own for that. */
export function droppedEvent(count: number): MessageEvent {
  return {
    type: "@xstate.event",
    sessionId: ROOT,
    sourceId: ROOT,
    rootId: ROOT,
    event: { type: DROPPED, count },
    createdAt: String(Date.now()),
    id: "",
    _version: PROTOCOL_VERSION,
  };
}
