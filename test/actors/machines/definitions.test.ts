/** What charts are drawn of: plain JSON that XState reads again, with every deadline in it. */
import { expect, test } from "vitest";
import { type AnyStateMachine, type AnyStateNode, createMachine } from "xstate";
import { definitions, type StateDefinition, timeouts } from "#actors/definitions";
import { type MachineId, machines } from "#actors/machines";
import { nodesOf } from "../kit/definition.js";

const ids = Object.keys(machines) as MachineId[];

const shape = (nodes: readonly AnyStateNode[]) =>
  nodes.map(({ id, type, transitions, always = [] }) => ({
    id,
    type,
    arrows: [
      ...[...transitions.entries()].filter(([event]) => !event.startsWith("xstate.")),
      ["", always] as const,
    ]
      .filter(([, list]) => list.length > 0)
      .map(([event, list]) => [event, list.map(({ target }) => target?.map(({ id }) => id) ?? [])]),
  }));

test.each(ids)("the definition of %s is plain JSON that makes the same machine again", (id) => {
  const definition = definitions[id];
  const json = JSON.parse(JSON.stringify(definition));
  expect(json).toEqual(definition);

  const again: AnyStateMachine = createMachine(json);
  const machine: AnyStateMachine = machines[id];
  expect(machine.id).toBe(id);
  expect(shape(nodesOf(again.root))).toEqual(shape(nodesOf(machine.root)));
});

test.each(ids)("every action and guard of %s has a name", (id) => {
  const text = JSON.stringify(definitions[id]);
  expect(text).not.toMatch(/undefined|\[object|xstate\./);
});

function statesOf(definition: StateDefinition): [string, StateDefinition][] {
  return Object.entries(definition.states ?? {}).flatMap(([key, state]) => [
    [key, state] as [string, StateDefinition],
    ...statesOf(state),
  ]);
}

test.each(Object.entries(timeouts))("deadline %s is shown where it is waited for", (_, timeout) => {
  const { machine, states, message, delay } = timeout;
  const shown = new Map(statesOf(definitions[machine]));
  for (const name of states) {
    const state = shown.get(name);
    expect(state?.description).toContain(delay);
    expect(state?.after?.[delay], `${machine}.${name}`).toEqual(state?.on?.[message]);
    expect(state?.on?.[message]?.length, `${machine}.${name} hears ${message}`).toBeGreaterThan(0);
  }
});

test("no machine that runs waits by itself", () => {
  for (const machine of Object.values(machines) as AnyStateMachine[]) {
    for (const { after } of nodesOf(machine.root)) expect(after).toEqual([]);
  }
});
