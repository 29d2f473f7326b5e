import { setup } from "xstate";
import { commands } from "../commands.js";
import { type Handlers, isMessage } from "../handler.js";
import { actorStates } from "../life.js";
import { adopt } from "./adopt.js";
import { closed } from "./closed.js";
import { drainWorker } from "./drain-worker.js";
import type { RunTrackerEvent, RunTrackerHandler } from "./handler.js";
import { held } from "./held.js";
import { hello } from "./hello.js";
import type { RunTrackerMessage } from "./messages.js";
import { report } from "./report.js";
import { silent } from "./silent.js";
import { workerChanged } from "./worker-changed.js";
import { workerMoved } from "./worker-moved.js";

export const trackerHandlers = {
  hello,
  report,
  held,
  "worker.changed": workerChanged,
  closed,
  silent,
  "worker.moved": workerMoved,
  adopt,
  "drain.worker": drainWorker,
} as const satisfies Handlers<RunTrackerMessage>;

const parts = setup({
  types: { context: {} as Record<string, never>, events: {} as RunTrackerEvent },
  actions: commands,
});

/** The action of a message: enqueues the commands that its handler decides on. */
function decided<Type extends RunTrackerMessage["type"]>(type: Type, handler: RunTrackerHandler<Type>) {
  return parts.enqueueActions(({ enqueue, event }) => {
    if (!isMessage(event, type)) return;
    for (const command of handler.decide(event, event.view, event)) enqueue(command);
  });
}

const listens = {
  hello: { actions: "openSession" },
  report: { actions: "handleReport" },
  held: { actions: "reconcile" },
  "worker.changed": { actions: "noteChange" },
  closed: { actions: "detach" },
  silent: { actions: "loseSilent" },
  "worker.moved": { actions: "followMove" },
  adopt: { actions: "adoptRuns" },
  "drain.worker": { actions: "drainWorker" },
} as const satisfies Record<RunTrackerMessage["type"], { readonly actions: string }>;

/** Owns every Run from its assignment on, and every worker session. While draining it goes on listening. */
export const runTrackerMachine = parts
  .extend({
    actions: {
      openSession: decided("hello", hello),
      handleReport: decided("report", report),
      reconcile: decided("held", held),
      noteChange: decided("worker.changed", workerChanged),
      detach: decided("closed", closed),
      loseSilent: decided("silent", silent),
      followMove: decided("worker.moved", workerMoved),
      adoptRuns: decided("adopt", adopt),
      drainWorker: decided("drain.worker", drainWorker),
    },
  })
  .createMachine({
    id: "run-tracker",
    context: {},
    initial: "starting",
    states: actorStates(listens, listens),
  });
