import { setup } from "xstate";
import { type Ask, asks } from "../asks.js";
import { actorStates } from "../life.js";
import type { TaskFinalizerEvent } from "./messages.js";
import { cancel, endTheRest, meetDeadline, settle } from "./settle.js";

const parts = setup({
  types: { context: {} as Record<string, never>, events: {} as TaskFinalizerEvent },
  actions: asks,
});

function decide(event: TaskFinalizerEvent): Ask[] {
  switch (event.type) {
    case "run.ended":
      return settle(event, event.found, event.at, event.draw);
    case "cancel":
      return cancel(event, event.found, event.at);
    case "task.ended":
      return endTheRest(event, event.found, event.at);
    case "deadline.passed":
      return meetDeadline(event, event.found, event.at);
    default:
      return [];
  }
}

const askAll = parts.enqueueActions(({ enqueue, event }) => {
  for (const ask of decide(event)) enqueue(ask);
});

const listens = {
  "run.ended": { actions: "settle" },
  cancel: { actions: "cancelTask" },
  "task.ended": { actions: "endTheRest" },
  "deadline.passed": { actions: "meetDeadline" },
} as const;

/** Decides over Steps and Tasks after admission: done, tried again, failed, cancelled, out of time. */
export const taskFinalizerMachine = parts
  .extend({ actions: { settle: askAll, cancelTask: askAll, endTheRest: askAll, meetDeadline: askAll } })
  .createMachine({
    id: "task-finalizer",
    context: {},
    initial: "starting",
    states: actorStates(listens, listens),
  });
