import { assign, setup } from "xstate";
import { holdReasonOf, isTolerated, type StepRow, type StepState } from "#domain/task/step";
import type { Reason } from "#domain/task/task";
import { NEVER } from "#domain/time/time";
import { commands } from "../commands.js";
import type { StepMessage } from "./messages.js";

type AddressedMessage = { context: StepRow; event: StepMessage };

/** Entry actions of a state: the Task is told of the change, so that it can count its Steps by state. */
function tellTask(to: StepState) {
  const tell = {
    type: "advanceTask",
    params: ({ context, event }: AddressedMessage) => ({
      taskId: context.taskId,
      message: {
        type: "stepChanged" as const,
        at: event.at,
        stepName: context.name,
        from: context.state,
        to,
        taken: context.runId !== "",
        tolerated: isTolerated(context),
        isolated: context.heldFor === undefined && context.spec.member?.failure === "isolate",
        ...(context.heldFor && { held: true as const }),
        errorMessage: context.errorMessage,
        ...reasonIn(event),
      },
    }),
  } as const;
  return [tell, { type: "noteState", params: { state: to } }] as const;
}

/** What the Task's reason becomes, where that is not its agent's error. */
function reasonIn(event: StepMessage): { readonly reason?: Reason } {
  if (event.type === "budgetExceeded") return { reason: "BUDGET_EXCEEDED" };
  return event.type === "fail" && event.reason ? { reason: event.reason } : {};
}

/** A failure that holds the Task for a person. */
function heldForBy(event: StepMessage): Pick<StepRow, "heldFor"> {
  const heldFor = event.type === "fail" ? holdReasonOf(event.reason) : undefined;
  return heldFor ? { heldFor } : {};
}

const cancel = "cancelled";
const byHand = {
  completeManually: { target: "complete", actions: "noteResult" },
  resolveManually: "resolved_manually",
} as const;
const overBudget = { budgetExceeded: { target: "error", actions: "noteBudget" } } as const;
/** An operator has it begin again, with all its attempts. */
const reset = {
  resetForRetry: { target: "pending", actions: ["noteEndOfWait", ...tellTask("pending"), "beginAnew"] },
} as const;

/**
 * The life of one Step: waits for its dependencies, then for a worker, is worked on, and is done, or
 * tried again. Timers, signals, maps and child Tasks are worked on without a worker.
 */
export const stepMachine = setup({
  types: { context: {} as StepRow, events: {} as StepMessage, input: {} as StepRow },
  actions: {
    ...commands,
    /** For the next `from`. Whatever leads out of `error` is the end of what the Step held its Task for. */
    noteState: assign(({ context }, { state }: { readonly state: StepState }) => ({
      state,
      ...(context.heldFor && state !== "error" && { heldFor: undefined }),
    })),
    noteSatisfied: assign(({ context }) => ({ unsatisfied: context.unsatisfied - 1 })),
    takePlace: assign(({ event }) =>
      event.type === "enqueue" ||
      event.type === "handBack" ||
      event.type === "yielded" ||
      event.type === "woken"
        ? { lane: event.lane, rank: event.rank, nextAttemptAt: "until" in event ? event.until : NEVER }
        : {},
    ),
    beginAttempt: assign(({ context, event }) => {
      if (event.type !== "start" && event.type !== "begin") return {};
      return {
        attempts: context.attempts + 1,
        nextAttemptAt: NEVER,
        startedAt: context.startedAt === NEVER ? event.at : context.startedAt,
        ...(event.type === "start"
          ? { runId: event.runId, fence: context.fence + 1 }
          : { childId: event.childId }),
      };
    }),
    takeAttemptBack: assign(({ context, event }) => ({
      attempts: context.attempts - 1,
      ...(event.type === "handBack" && {
        declines: context.declines + 1,
        avoidWorker: event.avoidWorker,
        avoidUntil: event.avoidUntil,
      }),
      ...(event.type === "yielded" && { hasInput: true, declines: event.fruitless }),
    })),
    noteWaits: assign(({ event }) =>
      event.type === "suspended" ? { waits: event.entries, declines: 0 } : {},
    ),
    forgetWaits: assign({ waits: undefined }),
    noteLoss: assign(({ context, event }) =>
      event.type === "lost"
        ? {
            attempts: context.attempts - 1,
            losses: context.losses + 1,
            avoidWorker: event.avoidWorker,
            avoidUntil: event.avoidUntil,
          }
        : {},
    ),
    noteSignal: assign(({ event }) =>
      event.type === "signalled" ? { signalled: true, outputBytes: event.outputBytes } : {},
    ),
    noteResult: assign(({ event }) =>
      event.type === "succeeded" || event.type === "completeManually"
        ? { outputBytes: event.outputBytes, errorMessage: "", declines: 0 }
        : {},
    ),
    noteFailure: assign(({ event }) =>
      event.type === "failed" || event.type === "lost" || event.type === "fail"
        ? { errorMessage: event.errorMessage, declines: 0, outputBytes: 0, ...heldForBy(event) }
        : {},
    ),
    noteBudget: assign(({ context, event }) =>
      event.type === "budgetExceeded"
        ? {
            errorMessage: event.errorMessage,
            heldFor: "BUDGET_EXCEEDED" as const,
            attempts: context.attempts - (context.state === "in_progress" ? 1 : 0),
            declines: 0,
            outputBytes: 0,
          }
        : {},
    ),
    noteWait: assign(({ event }) => (event.type === "waitForRetry" ? { nextAttemptAt: event.until } : {})),
    noteEndOfWait: assign({ nextAttemptAt: NEVER }),
    noteEnd: assign(({ context, event }) => ({
      finishedAt: event.at,
      nextAttemptAt: NEVER,
      ...("order" in event && { order: event.order }),
      ...(context.waits && { waits: undefined }),
    })),
    goOn: assign({ errorMessage: "", finishedAt: NEVER }),
    beginAnew: assign({ waits: undefined, attempts: 0, losses: 0, errorMessage: "", finishedAt: NEVER }),
  },
  guards: {
    dependenciesSatisfied: ({ context }) => context.unsatisfied === 0,
    lacksBudget: ({ context }) => context.heldFor === "BUDGET_EXCEEDED",
  },
}).createMachine({
  id: "step",
  context: ({ input }) => input,
  initial: "pending",
  states: {
    pending: {
      on: {
        dependencySatisfied: { actions: "noteSatisfied" },
        signalled: { actions: "noteSignal" },
        enqueue: { guard: "dependenciesSatisfied", target: "enqueued", actions: "takePlace" },
        begin: { guard: "dependenciesSatisfied", target: "in_progress", actions: "beginAttempt" },
        waitForRetry: { guard: "dependenciesSatisfied", target: "waiting_for_retry", actions: "noteWait" },
        cancel,
        ...byHand,
      },
    },
    enqueued: {
      entry: tellTask("enqueued"),
      on: {
        start: { target: "in_progress", actions: "beginAttempt" },
        ...overBudget,
        cancel,
        ...byHand,
      },
    },
    in_progress: {
      entry: tellTask("in_progress"),
      on: {
        dependencySatisfied: { actions: "noteSatisfied" },
        signalled: { actions: "noteSignal" },
        succeeded: { target: "enqueued_for_orchestration", actions: "noteResult" },
        failed: { target: "enqueued_as_error_for_orchestration", actions: "noteFailure" },
        lost: { target: "enqueued_as_error_for_orchestration", actions: ["noteFailure", "noteLoss"] },
        yielded: { target: "enqueued", actions: ["takeAttemptBack", "takePlace"] },
        handBack: { target: "enqueued", actions: ["takeAttemptBack", "takePlace"] },
        ...overBudget,
        suspended: { actions: ["takeAttemptBack", "noteWaits"] },
        woken: { target: "enqueued", actions: ["forgetWaits", "takePlace"] },
        cancel,
        ...byHand,
        ...reset,
      },
    },
    enqueued_for_orchestration: {
      entry: tellTask("enqueued_for_orchestration"),
      on: { complete: "complete", fail: { target: "error", actions: "noteFailure" }, cancel },
    },
    enqueued_as_error_for_orchestration: {
      entry: tellTask("enqueued_as_error_for_orchestration"),
      on: {
        waitForRetry: { target: "waiting_for_retry", actions: "noteWait" },
        fail: { target: "error", actions: "noteFailure" },
        cancel,
      },
    },
    waiting_for_retry: {
      entry: tellTask("waiting_for_retry"),
      on: {
        retry: { target: "pending", actions: ["noteEndOfWait", ...tellTask("pending")] },
        ...overBudget,
        cancel,
        ...byHand,
        ...reset,
      },
    },
    complete: { type: "final", entry: ["noteEnd", ...tellTask("complete")] },
    error: {
      entry: ["noteEnd", ...tellTask("error")],
      on: {
        budgetRaised: { guard: "lacksBudget", target: "pending", actions: [...tellTask("pending"), "goOn"] },
        cancel,
        ...byHand,
        ...reset,
      },
    },
    cancelled: { type: "final", entry: ["noteEnd", ...tellTask("cancelled")] },
    resolved_manually: { type: "final", entry: ["noteEnd", ...tellTask("resolved_manually")] },
  },
});
