import { expect } from "vitest";
import { createMachine } from "xstate";
import type { StatelyEvent } from "#inspect/protocol";

/** What the library's own events have; and a machine that XState takes, so that a chart can be drawn. */
export function expectValid(event: StatelyEvent): void {
  expect(event).toMatchObject({ rootId: "taskrun", _version: "0.7.2", id: expect.stringMatching(/^\d+$/) });
  expect(Number(event.createdAt)).toBeGreaterThan(1_600_000_000_000);
  if (event.type !== "@xstate.actor" || !event.sessionId.startsWith("step:")) return;
  const machine = createMachine(JSON.parse(event.definition));
  expect(Object.keys(machine.states)).toContain(event.snapshot.value);
}
