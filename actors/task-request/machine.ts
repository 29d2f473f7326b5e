import { setup } from "xstate";
import { Fault } from "#domain/fault";
import { millis } from "#domain/time";
import { commands } from "../commands.js";
import { actorStates } from "../life.js";
import { admit, register } from "./admit.js";
import type { TaskRequestEvent } from "./messages.js";

const parts = setup({
  types: { context: {} as Record<string, never>, events: {} as TaskRequestEvent },
  actions: commands,
});

const decide = parts.enqueueActions(({ enqueue, event }) => {
  if (event.type === "submit") for (const command of admit(event, event.found, event.at)) enqueue(command);
  if (event.type === "register")
    for (const command of register(event, event.found, event.at)) enqueue(command);
});

const refuse = parts.enqueueActions(({ enqueue }) => {
  const fault = new Fault("unavailable", "the plane is draining and takes no new tasks; nothing was stored", {
    reason: "DRAINING",
    retryAfter: millis(1_000),
  });
  enqueue({ type: "reply", params: { answer: { type: "fault", fault } } });
});

/** Admits new Tasks or refuses them: idempotency keys, limits, the rows of a Task and its Steps. */
export const taskRequestMachine = parts.extend({ actions: { admit: decide, refuse } }).createMachine({
  id: "task-request",
  context: {},
  initial: "starting",
  states: actorStates(
    { submit: { actions: "admit" }, register: { actions: "admit" } },
    { submit: { actions: "refuse" }, register: { actions: "refuse" } },
  ),
});
