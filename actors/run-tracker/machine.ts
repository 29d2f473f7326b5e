import { setup } from "xstate";
import { type Command, commands } from "../commands.js";
import { actorStates } from "../life.js";
import type { RunTrackerEvent } from "./messages.js";
import { handleReport } from "./report.js";
import { drainWorker, loseSilent, openSession, reconcile } from "./session.js";

const parts = setup({
  types: { context: {} as Record<string, never>, events: {} as RunTrackerEvent },
  actions: commands,
});

function decide(event: RunTrackerEvent): Command[] {
  switch (event.type) {
    case "hello":
      return openSession(event, event.found, event.at);
    case "report":
      return handleReport(event, event.found, event.at);
    case "held":
      return reconcile(event, event.found, event.at);
    case "worker.changed": {
      const { session, status, capacity, at } = event;
      return [
        { type: "advanceWorker", params: { session, message: { type: "beat", at, status, capacity } } },
      ];
    }
    case "closed": {
      const message = { type: "closed", at: event.at } as const;
      return [{ type: "advanceWorker", params: { session: event.session, message } }];
    }
    case "silent":
      return loseSilent(event, event.found, event.at);
    case "drain.worker":
      return drainWorker(event, event.found, event.at);
    default:
      return [];
  }
}

const enqueueAll = parts.enqueueActions(({ enqueue, event }) => {
  for (const command of decide(event)) enqueue(command);
});

const listens = {
  hello: { actions: "openSession" },
  report: { actions: "handleReport" },
  held: { actions: "reconcile" },
  "worker.changed": { actions: "noteChange" },
  closed: { actions: "detach" },
  silent: { actions: "loseSilent" },
  "drain.worker": { actions: "drainWorker" },
} as const;

/** Owns every Run from its assignment on, and every worker session. While draining it goes on listening. */
export const runTrackerMachine = parts
  .extend({
    actions: {
      openSession: enqueueAll,
      handleReport: enqueueAll,
      reconcile: enqueueAll,
      noteChange: enqueueAll,
      detach: enqueueAll,
      loseSilent: enqueueAll,
      drainWorker: enqueueAll,
    },
  })
  .createMachine({
    id: "run-tracker",
    context: {},
    initial: "starting",
    states: actorStates(listens, listens),
  });
