import { assign, setup } from "xstate";
import type { StepRow, StepState } from "#domain/step";
import { NEVER } from "#domain/time";
import { asks } from "../asks.js";
import type { StepMessage } from "./messages.js";

type Told = { context: StepRow; event: StepMessage };

/** Every state tells the Task that the Step has come to it, and from where, so that the Task can count. */
function tellTask(to: StepState) {
  const tell = {
    type: "advanceTask",
    params: ({ context, event: { at } }: Told) => ({
      taskId: context.taskId,
      message: {
        type: "stepChanged" as const,
        at,
        from: context.state,
        to,
        errorMessage: context.errorMessage,
      },
    }),
  } as const;
  return [tell, { type: "noteState", params: { state: to } }] as const;
}

const cancel = "cancelled";

/**
 * The life of one Step: waits for its dependencies, then for a worker, is worked on, and is done, or
 * tried again. `error` ends it unless an operator settles it by hand.
 */
export const stepMachine = setup({
  types: { context: {} as StepRow, events: {} as StepMessage, input: {} as StepRow },
  actions: {
    ...asks,
    /** For the next `from`. */
    noteState: assign((_, { state }: { readonly state: StepState }) => ({ state })),
    takePlace: assign(({ event }) =>
      event.type === "enqueue" || event.type === "handBack" ? { lane: event.lane, rank: event.rank } : {},
    ),
    beginAttempt: assign(({ context, event }) =>
      event.type === "start"
        ? {
            runId: event.runId,
            fence: context.fence + 1,
            attempts: context.attempts + 1,
            nextAttemptAt: NEVER,
          }
        : {},
    ),
    takeAttemptBack: assign(({ context, event }) =>
      event.type === "handBack"
        ? {
            attempts: context.attempts - 1,
            declines: context.declines + 1,
            avoidWorker: event.avoidWorker,
            avoidUntil: event.avoidUntil,
          }
        : {},
    ),
    noteResult: assign(({ event }) =>
      event.type === "succeeded" ? { outputBytes: event.outputBytes, errorMessage: "", declines: 0 } : {},
    ),
    noteFailure: assign(({ event }) =>
      event.type === "failed" ? { errorMessage: event.errorMessage, declines: 0 } : {},
    ),
    noteWait: assign(({ event }) => (event.type === "waitForRetry" ? { nextAttemptAt: event.until } : {})),
    noteEndOfWait: assign({ nextAttemptAt: NEVER }),
  },
  guards: {
    dependenciesSatisfied: ({ context }) => context.unsatisfied === 0,
  },
}).createMachine({
  id: "step",
  context: ({ input }) => input,
  initial: "pending",
  states: {
    pending: {
      on: {
        enqueue: { guard: "dependenciesSatisfied", target: "enqueued", actions: "takePlace" },
        cancel,
      },
    },
    enqueued: {
      entry: tellTask("enqueued"),
      on: { start: { target: "in_progress", actions: "beginAttempt" }, cancel },
    },
    in_progress: {
      entry: tellTask("in_progress"),
      on: {
        succeeded: { target: "enqueued_for_orchestration", actions: "noteResult" },
        failed: { target: "enqueued_as_error_for_orchestration", actions: "noteFailure" },
        handBack: { target: "enqueued", actions: ["takeAttemptBack", "takePlace"] },
        cancel,
      },
    },
    enqueued_for_orchestration: {
      entry: tellTask("enqueued_for_orchestration"),
      on: { complete: "complete", fail: "error", cancel },
    },
    enqueued_as_error_for_orchestration: {
      entry: tellTask("enqueued_as_error_for_orchestration"),
      on: { waitForRetry: { target: "waiting_for_retry", actions: "noteWait" }, fail: "error", cancel },
    },
    waiting_for_retry: {
      entry: tellTask("waiting_for_retry"),
      on: { retry: { target: "pending", actions: ["noteEndOfWait", ...tellTask("pending")] }, cancel },
    },
    complete: { type: "final", entry: tellTask("complete") },
    error: {
      entry: tellTask("error"),
      on: { completeManually: "complete", resolveManually: "resolved_manually", cancel },
    },
    cancelled: { type: "final", entry: tellTask("cancelled") },
    resolved_manually: { type: "final", entry: tellTask("resolved_manually") },
  },
});
