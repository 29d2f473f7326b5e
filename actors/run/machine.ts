import { assign, setup } from "xstate";
import { durableFailureOf } from "#domain/task/report";
import { hasBegun, type RunRow } from "#domain/task/run";
import { millis, NEVER } from "#domain/time/time";
import { commands } from "../commands.js";
import { tellFinalizer } from "../make-command.js";
import type { RunEnd, RunMessage } from "./messages.js";

function handedBack(run: RunRow, message: string): RunEnd {
  return { how: "handedBack", workerId: run.workerId, message, ...(hasBegun(run) && { inDoubt: true }) };
}

/** What the finalizer is told of an end, for each message that can bring one. */
function endOf(run: RunRow, event: RunMessage): RunEnd | undefined {
  switch (event.type) {
    case "completed":
      return { how: "completed", output: event.output, outputBytes: event.outputBytes };
    case "failed":
      return { how: "failed", ...pick(event) };
    case "broken":
      return brokenOff(run, event);
    case "undeliverable":
      return { how: "failed", errorMessage: event.message, retryable: false, retryAfter: millis(0) };
    case "yielded":
      return { how: "yielded", cursor: event.cursor, output: event.output, startedAt: run.createdAt };
    case "suspended":
      return { how: "suspended", entries: event.entries };
    case "lost":
      return { how: "lost", reason: "WORKER_LOST", workerId: run.workerId, errorMessage: event.message };
    case "declined":
      return handedBack(run, event.message);
    case "cancelled":
      return { how: "cancelled", errorMessage: event.errorMessage };
    default:
      return undefined;
  }
}

/** Too much output or a refused report would recur on a retry; lost output may not. */
function brokenOff(
  { workerId }: RunRow,
  { reason, message: errorMessage }: Extract<RunMessage, { type: "broken" }>,
): RunEnd {
  if (reason === "OUTPUT_LOST") return { how: "lost", reason, workerId, errorMessage };
  return { how: "failed", errorMessage, retryable: false, retryAfter: millis(0) };
}

function pick(failed: Extract<RunMessage, { type: "failed" }>) {
  const { errorMessage, retryable, retryAfter, inDoubt } = failed;
  const reason = durableFailureOf(failed.reason);
  return { errorMessage, retryable, retryAfter, ...(inDoubt && { inDoubt }), ...(reason && { reason }) };
}

const parts = setup({
  types: { context: {} as RunRow, events: {} as RunMessage, input: {} as RunRow },
  actions: commands,
});

const reportEnd = parts.enqueueActions(({ enqueue, context, event }) => {
  const end = endOf(context, event);
  if (!end) return;
  const { taskId, stepName, id: runId } = context;
  const message = { type: "run.ended", taskId, stepName, runId, end } as const;
  enqueue(tellFinalizer(message));
});

const noteEnd = parts.assign(({ context, event }) => {
  const finishedAt = event.at;
  // A Run that ends at once may report its end without its start.
  const startedAt = context.startedAt === NEVER ? finishedAt : context.startedAt;
  switch (event.type) {
    case "completed":
      return { startedAt, finishedAt, backend: event.backend ?? context.backend };
    case "yielded":
      return { startedAt, finishedAt, reason: "YIELDED" };
    case "suspended":
      return { startedAt, finishedAt, reason: "SUSPENDED" };
    case "failed":
      return {
        startedAt,
        finishedAt,
        reason: event.reason ?? "AGENT_ERROR",
        errorMessage: event.errorMessage,
        ...(event.errorDetail !== undefined && { errorDetail: event.errorDetail }),
        backend: event.backend ?? context.backend,
      };
    case "cancelled":
      return { finishedAt, reason: "CANCELLED", errorMessage: event.errorMessage };
    case "declined":
      return { finishedAt, reason: "DECLINED", errorMessage: event.message };
    case "lost":
      return { finishedAt, reason: "WORKER_LOST", errorMessage: event.message };
    case "broken":
    case "undeliverable":
    case "end":
      return { finishedAt, reason: event.reason, errorMessage: event.message };
    default:
      return {};
  }
});

/** Tells the worker to stop. The runtime repeats it at each heartbeat while the worker holds the Run. */
const stopWorker = parts.enqueueActions(({ enqueue, context: { id: runId, heldBy }, event }) => {
  if (heldBy === "" || (event.type !== "end" && event.type !== "broken")) return;
  const reason = event.type === "broken" ? `${event.reason}: ${event.message}` : event.message;
  enqueue({ type: "send", params: { session: heldBy, frame: { type: "cancel", runId, reason } } });
});

/** Its time counts against budgets from now on. */
const beginTime = parts.enqueueActions(({ enqueue, context: { timedFor: taskIds } }) => {
  if (taskIds) enqueue(tellFinalizer({ type: "run.held", taskIds, by: 1 }));
});

/** Its time counts no more. That of a Run which ends before it was given out has never counted. */
const endTime = parts.enqueueActions(({ enqueue, context: { timedFor: taskIds, heldBy } }) => {
  if (taskIds && heldBy !== "") enqueue(tellFinalizer({ type: "run.held", taskIds, by: -1 }));
});

/**
 * After the Run's end: compensation of its Task may wait for this.
 */
const tellReleased = parts.enqueueActions(({ enqueue, context, event }) => {
  const { taskId, stepName } = context;
  const inDoubt = event.type !== "declined" || hasBegun(context);
  enqueue(tellFinalizer({ type: "run.released", taskId, stepName, inDoubt }));
});

const offer = {
  type: "sendAssignment",
  params: ({ context }: { context: RunRow }) => ({ runId: context.id }),
} as const;

const over = { type: "final", entry: ["noteEnd", "reportEnd", "stopWorker"] } as const;
const endings = {
  completed: "COMPLETED",
  yielded: "COMPLETED",
  suspended: "COMPLETED",
  failed: "FAILED",
  broken: "FAILED",
  lost: "FAILED",
  undeliverable: "FAILED",
  cancelled: "CANCELLED",
  declined: "CANCELLED",
  end: [{ guard: "timedOut", target: "FAILED" }, { target: "CANCELLED" }],
} as const;

/**
 * The life of one attempt, in two regions. `status` is what the world sees and ends once; `hold` is
 * whether the Run still takes a slot in a worker's hands, which may outlast its end.
 */
export const runMachine = parts
  .extend({
    actions: {
      noteEnd,
      reportEnd,
      stopWorker,
      tellReleased,
      beginTime,
      endTime,
      noteStart: assign({ startedAt: ({ event }) => event.at }),
      /** The agent began before the Run ended, and the report of that came after: for `hasBegun`. */
      noteLateStart: assign({ startedAt: ({ context }) => context.finishedAt }),
      noteOutput: assign(({ context, event }) =>
        event.type === "wrote"
          ? { nextSeq: context.nextSeq + event.count, outputBytes: context.outputBytes + event.bytes }
          : {},
      ),
      changeHands: assign(({ event }) =>
        event.type === "resumed" ? { heldBy: event.session, session: event.session, ordinal: 0 } : {},
      ),
      take: assign(({ context }) => ({ heldBy: context.session })),
      release: assign({ heldBy: "" as const }),
    },
    guards: {
      over: ({ context }) => context.finishedAt !== NEVER,
      beganUnknown: ({ context }) => context.finishedAt !== NEVER && context.startedAt === NEVER,
      timedOut: ({ event }) =>
        event.type === "end" && (event.reason === "TIMEOUT" || event.reason === "BUDGET_EXCEEDED"),
    },
  })
  .createMachine({
    id: "run",
    context: ({ input }) => input,
    type: "parallel",
    states: {
      status: {
        initial: "PENDING",
        states: {
          PENDING: { on: { assign: { target: "ASSIGNED", actions: offer }, end: "CANCELLED" } },
          ASSIGNED: {
            on: {
              ...endings,
              started: { target: "RUNNING", actions: "noteStart" },
              wrote: { actions: "noteOutput" },
            },
          },
          RUNNING: { on: { ...endings, wrote: { actions: "noteOutput" } } },
          COMPLETED: over,
          FAILED: over,
          CANCELLED: over,
        },
      },
      hold: {
        initial: "free",
        states: {
          free: {
            on: {
              assign: { target: "held", actions: ["take", "beginTime"] },
              end: "released",
            },
          },
          held: {
            on: {
              resumed: { actions: "changeHands" },
              started: { guard: "beganUnknown", actions: "noteLateStart" },
              completed: "released",
              yielded: "released",
              suspended: "released",
              failed: "released",
              cancelled: "released",
              declined: [
                { guard: "over", target: "released", actions: "tellReleased" },
                { target: "released" },
              ],
              lost: "released",
              undeliverable: "released",
              released: { guard: "over", target: "released", actions: "tellReleased" },
            },
          },
          released: { type: "final", entry: ["endTime", "release"] },
        },
      },
    },
  });
