import { type AnyStateMachine, createActor, type EventObject } from "xstate";
import type { Ask } from "#actors/asks";
import { invariant } from "#domain/invariant";

/** What a machine looks like in a row: plain JSON. */
export interface Rest<Context> {
  readonly value: unknown;
  readonly context: Context;
}

/** Where a message led, and what the machine asks for. `ignored` if the state does not listen for it. */
export interface Decision<Context> extends Rest<Context> {
  readonly asks: readonly Ask[];
  readonly ignored: boolean;
}

interface Snapshot {
  readonly value: unknown;
  readonly context: unknown;
  readonly status: string;
}

/** The part of a machine that decides; XState's own types would carry every machine's generics here. */
interface Decides {
  resolveState(rest: { value: unknown; context: unknown }): Snapshot;
  transition(snapshot: Snapshot, event: EventObject, scope: unknown): Snapshot;
}

/**
 * Makes a machine a function from (state, message) to (state, asks).
 *
 * XState's `transition()` does the same but builds a throw-away actor at each call, four times the
 * cost; this keeps one inert scope for all calls. A test holds the two equal on every machine.
 */
export function decider<Context, Message extends { readonly type: string }>(machine: AnyStateMachine) {
  const logic = machine as unknown as Decides;
  const self = createActor(machine, { input: {} as never });
  let asks: Ask[] = [];
  const scope = {
    self,
    id: "",
    sessionId: "",
    system: self.system,
    logger: () => {},
    defer: () => {},
    stopChild: () => {},
    emit: () => {},
    actionExecutor: ({ type, params }: { type: string; params: unknown }) => {
      asks.push({ type, params } as Ask);
    },
  };

  const resolved = new Map<string, Snapshot>();

  /** The snapshot of a state, with this context: resolved once a state, since only the context differs. */
  const snapshotOf = ({ value, context }: Rest<Context>): Snapshot => {
    const key = typeof value === "string" ? value : JSON.stringify(value);
    let snapshot = resolved.get(key);
    if (!snapshot) {
      snapshot = logic.resolveState({ value, context });
      resolved.set(key, snapshot);
    }
    return { ...snapshot, context };
  };

  return (rest: Rest<Context>, message: Message): Decision<Context> => {
    asks = [];
    const before = snapshotOf(rest);
    const after = logic.transition(before, message, scope);
    invariant(after.status !== "error", `${machine.id} failed on "${message.type}"`);

    const ignored = after === before && asks.length === 0;
    return { value: after.value, context: after.context as Context, asks, ignored };
  };
}
