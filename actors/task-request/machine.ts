import { setup } from "xstate";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { commands } from "../commands.js";
import { type Handlers, isMessage } from "../handler.js";
import { actorStates } from "../life.js";
import { refuse } from "../make-command.js";
import type { TaskRequestEvent, TaskRequestHandler } from "./handler.js";
import type { TaskRequestMessage } from "./messages.js";
import { register } from "./register.js";
import { submit } from "./submit.js";

export const requestHandlers = { submit, register } as const satisfies Handlers<TaskRequestMessage>;

const parts = setup({
  types: { context: {} as Record<string, never>, events: {} as TaskRequestEvent },
  actions: commands,
});

/** The action of a message: enqueues the commands that its handler decides on. */
function decided<Type extends TaskRequestMessage["type"]>(type: Type, handler: TaskRequestHandler<Type>) {
  return parts.enqueueActions(({ enqueue, event }) => {
    if (!isMessage(event, type)) return;
    for (const command of handler.decide(event, event.view, event)) enqueue(command);
  });
}

const refuseAll = parts.enqueueActions(({ enqueue }) => {
  const text = "the plane is draining and takes no new tasks; nothing was stored";
  enqueue(refuse(new Fault("unavailable", text, { reason: "DRAINING", retryAfter: limits.retryAfter })));
});

/** Admits new Tasks or refuses them: idempotency keys, limits, the rows of a Task and its Steps. */
export const taskRequestMachine = parts
  .extend({
    actions: {
      admit: decided("submit", submit),
      register: decided("register", register),
      refuse: refuseAll,
    },
  })
  .createMachine({
    id: "task-request",
    context: {},
    initial: "starting",
    states: actorStates(
      { submit: { actions: "admit" }, register: { actions: "register" } },
      { submit: { actions: "refuse" }, register: { actions: "refuse" } },
    ),
  });
