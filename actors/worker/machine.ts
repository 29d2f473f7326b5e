import { assign, setup } from "xstate";
import { Fault } from "#domain/fault";
import { superseded } from "#domain/refusals";
import type { SessionRow } from "#domain/worker/worker";
import { commands } from "../commands.js";
import type { WorkerMessage } from "./messages.js";

const parts = setup({
  types: { context: {} as SessionRow, events: {} as WorkerMessage, input: {} as SessionRow },
  actions: commands,
});

const sayDrain = parts.enqueueActions(({ enqueue, context, event }) => {
  if (event.type !== "drain") return;
  enqueue({ type: "send", params: { session: context.id, frame: { type: "drain", reason: event.message } } });
});

const hangUp = parts.enqueueActions(({ enqueue, context, event }) => {
  const fault =
    event.type === "superseded"
      ? superseded(context.info.workerId, event.by)
      : new Fault("unavailable", "no heartbeat within the lease; connect again", { reason: "LEASE_ENDED" });
  enqueue({ type: "disconnect", params: { session: context.id, fault } });
});

const beat = [
  { guard: "failing", target: "failing", actions: "noteChanges" },
  { guard: "draining", target: "draining", actions: "noteChanges" },
  { target: "serving", actions: "noteChanges" },
] as const;
const drain = { target: "draining", actions: "sayDrain" } as const;
const closed = "detached";
const ended = { silent: "gone", superseded: "gone" } as const;

/**
 * The life of one worker session: takes Runs while serving; keeps what it has while failing, draining
 * or detached (its stream gone, its lease not); is gone when the lease ends or another stream takes over.
 */
export const workerMachine = parts
  .extend({
    actions: {
      sayDrain,
      hangUp,
      noteChanges: assign(({ context, event }) => {
        if (event.type !== "beat") return {};
        const { capacity, agents, lostTasks } = event;
        const info = { ...context.info, ...(agents && { agents }), ...(lostTasks && { lostTasks }) };
        return { ...(capacity !== undefined && { capacity }), ...((agents || lostTasks) && { info }) };
      }),
    },
    guards: {
      failing: ({ event }) => event.type === "beat" && event.status === "ERROR",
      draining: ({ event }) => event.type === "beat" && event.status === "DRAINING",
    },
  })
  .createMachine({
    id: "worker",
    context: ({ input }) => input,
    initial: "serving",
    states: {
      serving: { on: { beat, drain, closed, ...ended } },
      failing: { on: { beat, drain, closed, ...ended } },
      /** Once draining, always draining: a worker that wants work again says hello anew. */
      draining: {
        on: { beat: { actions: "noteChanges" }, drain: { actions: "sayDrain" }, closed, ...ended },
      },
      detached: { on: ended },
      gone: { type: "final", entry: "hangUp" },
    },
  });
