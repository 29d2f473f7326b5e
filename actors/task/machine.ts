import { assign, setup } from "xstate";
import { WHOLE_TASK } from "#domain/deadline";
import { isSettled, type StepState } from "#domain/step";
import { countOf, moved, type StepCounts, type TaskRow } from "#domain/task";
import { asks } from "../asks.js";
import type { TaskMessage } from "./messages.js";

/** Steps a worker has, should get, or has just answered for. */
const PIPELINE = [
  "enqueued",
  "in_progress",
  "enqueued_for_orchestration",
  "enqueued_as_error_for_orchestration",
] as const satisfies readonly StepState[];

/** The counts once the end of the Task has ended every Step that was not settled. */
function settledCounts(counts: StepCounts): StepCounts {
  const next: Partial<Record<StepState, number>> = {};
  for (const [state, count] of Object.entries(counts) as [StepState, number][]) {
    const to = isSettled(state) ? state : "cancelled";
    next[to] = (next[to] ?? 0) + count;
  }
  return next;
}

function stepsAlive(counts: StepCounts): boolean {
  return Object.keys(counts).some((state) => !isSettled(state as StepState));
}

const parts = setup({
  types: { context: {} as TaskRow, events: {} as TaskMessage, input: {} as TaskRow },
  actions: asks,
});

/** What remains to be ended with the Task is ended in the same commit, by the finalizer. */
const endTheRest = parts.enqueueActions(({ enqueue, context: { id: taskId, spec, counts }, event }) => {
  if (spec.timeoutMs > 0)
    enqueue({ type: "clearDeadline", params: { taskId, stepName: WHOLE_TASK, kind: "timeout" } });
  if (spec.startAt > 0)
    enqueue({ type: "clearDeadline", params: { taskId, stepName: WHOLE_TASK, kind: "start" } });
  if (!stepsAlive(counts)) return;

  const reason = event.type === "timeout" ? "TIMEOUT" : event.type === "cancel" ? "CANCELLED" : "STEP_FAILED";
  enqueue({
    type: "tell",
    params: { to: "task-finalizer", message: { type: "task.ended", taskId, reason } },
  });
});

const finish = parts.assign({
  finishedAt: ({ event }) => event.at,
  counts: ({ context }) => settledCounts(context.counts),
});

const end = { type: "final", entry: ["endTheRest", "finish"] } as const;
const cancel = { target: "#task.cancelled", actions: "noteCancelled" } as const;
const timeout = { target: "#task.error", actions: "noteTimeout" } as const;
const stepChanged = { target: "#task.evaluating_results", actions: "countStep" } as const;

/**
 * The life of one Task. Its Steps' changes lead through `evaluating_results`, where the counts alone
 * decide what comes next; it never rests there.
 */
export const taskMachine = parts
  .extend({
    actions: {
      endTheRest,
      finish,
      countStep: assign(({ context, event }) => {
        if (event.type !== "stepChanged") return {};
        return {
          counts: moved(context.counts, event.from, event.to),
          hasRun: context.hasRun || event.to === "in_progress",
          ...(event.to === "error" && { reason: "STEP_FAILED" as const, errorMessage: event.errorMessage }),
          // An operator has put the last failure right: the Task goes on as if there had been none.
          ...(event.from === "error" &&
            countOf(context.counts, "error") === 1 && { reason: "" as const, errorMessage: "" }),
        };
      }),
      noteCancelled: assign(({ event }) =>
        event.type === "cancel" ? { reason: "CANCELLED" as const, errorMessage: event.message } : {},
      ),
      noteTimeout: assign(({ event }) =>
        event.type === "timeout" ? { reason: "TIMEOUT" as const, errorMessage: event.message } : {},
      ),
    },
    guards: {
      stepFailedForGood: ({ context }) => countOf(context.counts, "error") > 0,
      givesUp: ({ context }) => !context.spec.holdOnFailure,
      allSatisfied: ({ context: { counts } }) =>
        Object.keys(counts).every((state) => state === "complete" || state === "resolved_manually"),
      workersAtIt: ({ context }) => context.hasRun && countOf(context.counts, ...PIPELINE) > 0,
      queued: ({ context }) => countOf(context.counts, ...PIPELINE) > 0,
      inBackoff: ({ context }) => countOf(context.counts, "waiting_for_retry") > 0,
    },
  })
  .createMachine({
    id: "task",
    context: ({ input }) => input,
    initial: "pending",
    states: {
      pending: { on: { start: "initializing", cancel, timeout } },
      initializing: {
        on: {
          stepChanged: { actions: "countStep" },
          readyStepsFound: "enqueuing_steps",
          noDependenciesReady: "waiting_for_dependencies",
          noStepsFound: "complete",
          cancel,
          timeout,
        },
      },
      enqueuing_steps: { on: { stepChanged, cancel, timeout } },
      steps_in_process: { on: { stepChanged, cancel, timeout } },
      evaluating_results: {
        always: [
          { guard: "stepFailedForGood", target: "blocked_by_failures" },
          { guard: "allSatisfied", target: "complete" },
          { guard: "workersAtIt", target: "steps_in_process" },
          { guard: "queued", target: "enqueuing_steps" },
          { guard: "inBackoff", target: "waiting_for_retry" },
          { target: "waiting_for_dependencies" },
        ],
      },
      waiting_for_dependencies: { on: { stepChanged, cancel, timeout } },
      waiting_for_retry: { on: { stepChanged, cancel, timeout } },
      blocked_by_failures: {
        always: { guard: "givesUp", target: "error" },
        on: { stepChanged, giveUp: "error", manualResolution: "resolved_manually", cancel, timeout },
      },
      complete: end,
      error: end,
      cancelled: end,
      resolved_manually: end,
    },
  });
