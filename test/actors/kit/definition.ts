import { type AnyStateMachine, type AnyStateNode, type AnyTransitionDefinition, createActor } from "xstate";
import { commands } from "#actors/commands";

/** A copy of the machine that runs alone: whatever it asks for is let fall. */
export function muted(machine: AnyStateMachine): AnyStateMachine {
  return machine.provide({
    actions: Object.fromEntries(Object.keys(commands).map((name) => [name, () => {}])),
  });
}

/** The machine's states, its regions' states included. */
export function nodesOf(root: AnyStateNode): AnyStateNode[] {
  return [root, ...Object.values(root.states).flatMap(nodesOf)];
}

/** Every transition a machine's definition has, those without a message included. */
export function transitionsOf({ root }: AnyStateMachine): AnyTransitionDefinition[] {
  return nodesOf(root).flatMap((node) => [...[...node.transitions.values()].flat(), ...(node.always ?? [])]);
}

/** The transitions a message takes, in order: its own, then those without a message that follow. */
export function takenBy(
  machine: AnyStateMachine,
  value: unknown,
  context: unknown,
  message: { readonly type: string },
): AnyTransitionDefinition[] {
  const taken: AnyTransitionDefinition[] = [];
  const actor = createActor(machine, {
    snapshot: machine.resolveState({ value: value as never, context }),
    inspect: (loader) => {
      if (loader.type === "@xstate.microstep") taken.push(...loader._transitions);
    },
  });
  actor.start();
  if (actor.getSnapshot().status !== "active") return [];

  taken.length = 0;
  actor.send(message);
  return taken;
}

/** `from --message--> to`, to tell a reader which transition is meant. */
export function named({ source, eventType, target, guard }: AnyTransitionDefinition): string {
  const to = target?.map(({ key }) => key).join(" ") ?? source.key;
  const where = typeof guard === "string" ? ` [${guard}]` : "";
  return `${source.key} --${eventType}${where}--> ${to}`;
}
