import { inspectPage } from "#limits/inspect-page";

/**
 * One inspection event as it is kept: the three kinds of `@statelyai/inspect`, read from JSON that may come from anywhere.
 */
export type InspectEvent = { readonly sessionId: string; readonly at: number } & (
  | {
      readonly type: "actor";
      readonly name: string;
      readonly parentId: string;
      readonly definition: string;
      readonly snapshot: InspectSnapshot;
    }
  | { readonly type: "message"; readonly sourceId: string; readonly message: string; readonly raw: Loose }
  | { readonly type: "snapshot"; readonly message: string; readonly snapshot: InspectSnapshot }
);

export interface InspectSnapshot {
  readonly status: string;
  readonly value: unknown;
  readonly context: Loose;
}

export type Loose = Readonly<Record<string, unknown>>;

/** Reads an event from a line of JSON; undefined if it is none, or too long. */
export function readEvent(json: string): InspectEvent | undefined {
  if (json.length > inspectPage.eventChars) return undefined;
  try {
    return fromStately(JSON.parse(json));
  } catch {
    return undefined;
  }
}

/** Takes an event of the protocol; undefined if it is none. */
export function fromStately(value: unknown): InspectEvent | undefined {
  const event = looseOf(value);
  const sessionId = textOf(event.sessionId);
  if (sessionId === "") return undefined;
  const at = Number(event.createdAt);
  const base = { sessionId, at: Number.isFinite(at) ? at : 0 };
  switch (event.type) {
    case "@xstate.actor":
      return {
        ...base,
        type: "actor",
        name: textOf(event.name) || sessionId,
        parentId: textOf(event.parentId),
        definition: textOf(event.definition),
        snapshot: snapshotOf(event.snapshot),
      };
    case "@xstate.event": {
      const raw = looseOf(event.event);
      return { ...base, type: "message", sourceId: textOf(event.sourceId), message: textOf(raw.type), raw };
    }
    case "@xstate.snapshot":
      return {
        ...base,
        type: "snapshot",
        message: textOf(looseOf(event.event).type),
        snapshot: snapshotOf(event.snapshot),
      };
    default:
      return undefined;
  }
}

function snapshotOf(value: unknown): InspectSnapshot {
  const { status, value: state, context } = looseOf(value);
  return { status: textOf(status) || "active", value: state ?? "", context: looseOf(context) };
}

/** An object as it is, anything else as an empty one. */
export function looseOf(value: unknown): Loose {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Loose) : {};
}

export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** A number of a context, or 0. */
export function numberOf(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

/** What an actor waits for at the latest: the deadlines of its context, the next one first. */
export function deadlinesOf(context: Loose): readonly { readonly kind: string; readonly at: number }[] {
  const all: readonly unknown[] = Array.isArray(context.deadlines) ? context.deadlines : [];
  return all
    .map((each) => ({ kind: textOf(looseOf(each).kind), at: numberOf(looseOf(each).at) }))
    .filter(({ kind, at }) => kind !== "" && at > 0);
}
