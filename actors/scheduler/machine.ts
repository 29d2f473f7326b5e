import { setup } from "xstate";
import { commands } from "../commands.js";
import { isMessage, type Readers } from "../handler.js";
import { actorStates } from "../life.js";
import { assign } from "./assign.js";
import type { SchedulerEvent, SchedulerHandler } from "./handler.js";
import type { SchedulerMessage, Served } from "./messages.js";
import { pause, resume } from "./pause.js";
import { schedule } from "./schedule.js";
import { shelve } from "./shelve.js";
import { weigh } from "./weigh.js";

export const schedulerHandlers = {
  schedule,
  pause,
  resume,
  weigh,
  shelve,
  assign,
} as const satisfies Readers<SchedulerMessage>;

export interface SchedulerContext {
  readonly served: Served;
}

const parts = setup({
  types: { context: {} as SchedulerContext, events: {} as SchedulerEvent },
  actions: commands,
});

/** The action of a message: enqueues the commands that its handler decides on, and notes who was served. */
function decided<Type extends SchedulerMessage["type"]>(type: Type, handler: SchedulerHandler<Type>) {
  return parts.enqueueActions(({ enqueue, context, event }) => {
    if (!isMessage(event, type)) return;
    const { commands, served } = handler.decide(event, event.view, event, context.served);
    if (served) enqueue.assign({ served });
    for (const command of commands) enqueue(command);
  });
}

const listens = {
  schedule: { actions: "placeSteps" },
  pause: { actions: "pauseScope" },
  resume: { actions: "resumeScope" },
  weigh: { actions: "weighPlacements" },
  shelve: { actions: "shelveSteps" },
  assign: { actions: "assignRuns" },
} as const satisfies Record<SchedulerMessage["type"], { readonly actions: string }>;

/** Decides which ready Step gets which worker now, and what is paused. Remembers only how often each namespace was served. */
export const schedulerMachine = parts
  .extend({
    actions: {
      placeSteps: decided("schedule", schedule),
      pauseScope: decided("pause", pause),
      resumeScope: decided("resume", resume),
      weighPlacements: decided("weigh", weigh),
      shelveSteps: decided("shelve", shelve),
      assignRuns: decided("assign", assign),
    },
  })
  .createMachine({
    id: "scheduler",
    context: { served: {} },
    initial: "starting",
    states: actorStates(listens, {}),
  });
