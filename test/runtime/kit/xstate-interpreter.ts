import { type AnyStateMachine, type EventObject, transition } from "xstate";
import type { Command } from "#actors/commands";
import type { Decide } from "#runtime/machines/flat-interpreter";

/** What `#runtime/machines/flat-interpreter` exports, carried out by XState's own `transition()`. */
export function decider<Context, Message extends EventObject>(
  machine: AnyStateMachine,
): Decide<Context, Message> {
  return ({ value, context }, message) => {
    const before = machine.resolveState({ value: value as never, context });
    const [after, actions] = transition(machine, before, message);
    return {
      value: after.value,
      context: after.context,
      commands: actions.map(({ type, params }) => ({ type, params }) as unknown as Command),
      ignored: after === before && actions.length === 0,
    };
  };
}
