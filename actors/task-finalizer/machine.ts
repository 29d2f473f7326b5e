import { setup } from "xstate";
import { isTerminal } from "#domain/task";
import { type Command, commands } from "../commands.js";
import { actorStates } from "../life.js";
import { abort } from "./abort.js";
import { endChild, startChild } from "./child.js";
import { meetDeadline } from "./deadlines.js";
import { unblock } from "./done.js";
import { cancel, endTheRest } from "./ending.js";
import type { TaskFinalizerEvent } from "./messages.js";
import { resolve, signal, takeSignal } from "./outside.js";
import { settle } from "./settle.js";
import { collect, openMap } from "./spread.js";
import { beginUndoing } from "./undo.js";
import { unfold } from "./unfold.js";

const parts = setup({
  types: { context: {} as Record<string, never>, events: {} as TaskFinalizerEvent },
  actions: commands,
});

/** What may still be said of a Task that has ended: each of these looks for itself. */
const OUTLIVE: ReadonlySet<TaskFinalizerEvent["type"]> = new Set([
  "task.ended",
  "run.released",
  "deadline.passed",
  "cancel",
  "signal",
  "resolve",
]);

function decide(event: TaskFinalizerEvent): Command[] {
  // Of several things that one message led to, an earlier one may have ended the Task: then nothing fires any more.
  const task = "found" in event ? event.found.task : undefined;
  if (task && isTerminal(task.state) && !OUTLIVE.has(event.type)) return [];
  switch (event.type) {
    case "run.ended":
      return settle(event, event.found, event.at, event.draw);
    case "run.released":
      return beginUndoing(event.found, event.at);
    case "step.settled": {
      const { task, step, steps } = event.found;
      return task && step ? unblock(task, step, steps, event.at) : [];
    }
    case "unfold":
      return unfold(event, event.found, event.at);
    case "map.open":
      return openMap(event.found, event.at);
    case "map.collect":
      return collect(event.found, event.at);
    case "child.start":
      return startChild(event.found, event.at);
    case "child.ended":
      return endChild(event, event.found, event.at, event.draw);
    case "signal.taken":
      return takeSignal(event.found, event.at);
    case "signal":
      return signal(event, event.found, event.at);
    case "resolve":
      return resolve(event, event.found, event.at);
    case "cancel":
      return cancel(event, event.found, event.at);
    case "task.ended":
      return endTheRest(event, event.found, event.at);
    case "abort":
      return abort(event, event.found, event.at);
    case "deadline.passed":
      return meetDeadline(event, event.found, event.at, event.draw);
    default:
      return [];
  }
}

const enqueueAll = parts.enqueueActions(({ enqueue, event }) => {
  for (const command of decide(event)) enqueue(command);
});

const listens = {
  "run.ended": { actions: "settle" },
  "run.released": { actions: "beginUndoing" },
  "step.settled": { actions: "unblock" },
  unfold: { actions: "unfold" },
  "map.open": { actions: "openMap" },
  "map.collect": { actions: "collect" },
  "child.start": { actions: "startChild" },
  "child.ended": { actions: "endChild" },
  "signal.taken": { actions: "takeSignal" },
  signal: { actions: "signal" },
  resolve: { actions: "resolve" },
  cancel: { actions: "cancelTask" },
  "task.ended": { actions: "endTheRest" },
  abort: { actions: "abort" },
  "deadline.passed": { actions: "meetDeadline" },
} as const;

/** Decides over Steps and Tasks after admission: what may go on, what is tried again, done, failed or undone. */
export const taskFinalizerMachine = parts
  .extend({
    actions: {
      settle: enqueueAll,
      beginUndoing: enqueueAll,
      unblock: enqueueAll,
      unfold: enqueueAll,
      openMap: enqueueAll,
      collect: enqueueAll,
      startChild: enqueueAll,
      endChild: enqueueAll,
      takeSignal: enqueueAll,
      signal: enqueueAll,
      resolve: enqueueAll,
      cancelTask: enqueueAll,
      endTheRest: enqueueAll,
      abort: enqueueAll,
      meetDeadline: enqueueAll,
    },
  })
  .createMachine({
    id: "task-finalizer",
    context: {},
    initial: "starting",
    states: actorStates(listens, listens),
  });
