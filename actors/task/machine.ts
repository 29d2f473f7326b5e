import { assign, setup } from "xstate";
import { type DeadlineKind, WHOLE_TASK } from "#domain/task/deadline";
import { hasEnded, type StepState } from "#domain/task/step";
import {
  canBeCompensated,
  countOf,
  isHeldOnFailure,
  moved,
  type StepCounts,
  type TaskRow,
  type TaskState,
} from "#domain/task/task";
import { clip } from "#domain/text/text";
import { later } from "#domain/time/time";
import { limits } from "#limits/index";
import { commands } from "../commands.js";
import { tellFinalizer } from "../make-command.js";
import type { EndReason, TaskMessage } from "./messages.js";

/** Steps a worker has, should get, or has just answered for. */
const PIPELINE = [
  "enqueued",
  "in_progress",
  "enqueued_for_orchestration",
  "enqueued_as_error_for_orchestration",
] as const satisfies readonly StepState[];

function stepsAlive(counts: StepCounts): boolean {
  for (const state in counts) if (!hasEnded(state as StepState)) return true;
  return false;
}

const parts = setup({
  types: { context: {} as TaskRow, events: {} as TaskMessage, input: {} as TaskRow },
  actions: commands,
});

/**
 * What remains to be ended with the Task is ended in the same commit, by the finalizer: its Steps and Runs;
 * what it did is undone, if its template says so; and the Step whose Task it is hears of it.
 */
const endTheRest = parts.enqueueActions(({ enqueue, context, event }) => {
  const { id: taskId, counts } = context;
  for (const kind of deadlinesOf(context, event)) {
    enqueue({ type: "clearDeadline", params: { taskId, stepName: WHOLE_TASK, kind } });
  }
  if (!stepsAlive(counts) && !(canBeCompensated(context) && endsBadly(context, event))) return;

  const message = { type: "task.ended", taskId, reason: endReasonOf(event) } as const;
  enqueue(tellFinalizer(message));
});

function endReasonOf({ type }: TaskMessage): EndReason {
  switch (type) {
    case "cancel":
      return "CANCELLED";
    case "timeout":
      return "TIMEOUT";
    case "abort":
      return "INTERNAL";
    default:
      return "STEP_FAILED";
  }
}

function endsBadly({ counts, tolerated, isolated }: TaskRow, { type }: TaskMessage): boolean {
  if (type === "cancel" || type === "timeout" || type === "abort") return true;
  return type !== "manualResolution" && (countOf(counts, "error") > tolerated || isolated > 0);
}

function deadlinesOf(task: TaskRow, event: TaskMessage): DeadlineKind[] {
  const { spec } = task;
  return [
    ...(spec.timeoutMs > 0 ? (["timeout"] as const) : []),
    ...(spec.startAt > 0 || spec.parent || spec.forkedFrom ? (["start"] as const) : []),
    ...(isOrWasHeld(task, event) ? (["hold"] as const) : []),
    ...(spec.parent ? (["orphan"] as const) : []),
    ...(spec.budget || spec.budgetsAbove ? (["budget"] as const) : []),
    ...(spec.budget?.wallMs ? (["wall"] as const) : []),
  ];
}

/** The same as `isHeldOnFailure`, and true as well if this change of a Step is the end of what held the Task. */
function isOrWasHeld(task: TaskRow, event: TaskMessage): boolean {
  return isHeldOnFailure(task) || (event.type === "stepChanged" && event.held === true);
}

/** Its end is waited for by the Step that it is, and by what waits until the Task it compensates is compensated. */
const tellWaiting = parts.enqueueActions(({ enqueue, context: { id: childId, spec } }) => {
  const { parent, compensates } = spec;
  if (parent) enqueue(tellFinalizer({ type: "child.ended", ...parent, childId }));
  if (compensates !== "") enqueue(tellFinalizer({ type: "compensation.ended", taskId: compensates }));
});

/** It needs a person; unless it is a Step of another Task, which fails with it, and says so. */
const enterDeadLetters = parts.enqueueActions(({ enqueue, context: { id: taskId, spec, hasDeadLetter } }) => {
  if (spec.parent && !hasDeadLetter) return;
  enqueue(tellFinalizer({ type: "dead.letter", taskId, hasFailed: true }));
});

/** What it was a dead letter for may be over. */
const leaveDeadLetters = parts.enqueueActions(({ enqueue, context: { id: taskId, hasDeadLetter } }) => {
  if (hasDeadLetter) enqueue(tellFinalizer({ type: "dead.letter", taskId, hasFailed: false }));
});

/** It is held for an operator, each time that a Step fails for good. */
const holdAsDeadLetter = parts.enqueueActions(({ enqueue, context, event }) => {
  const { id: taskId } = context;
  if (!isHeldOnFailure(context) || (event.type === "stepChanged" && event.to !== "error")) return;
  enqueue(tellFinalizer({ type: "dead.letter", taskId, hasFailed: true }));
});

/** Sets when a Task that waits for an operator is given up: `limits.operatorWait` after its last failure. */
const setGiveUpDeadline = parts.enqueueActions(({ enqueue, context, event }) => {
  const { id: taskId } = context;
  if (!isHeldOnFailure(context) || (event.type === "stepChanged" && event.to !== "error")) return;
  const at = later(event.at, limits.operatorWait);
  enqueue({ type: "setDeadline", params: { taskId, stepName: WHOLE_TASK, kind: "hold", at } });
});

/** Clears that deadline once an operator has put the last failure right. */
const clearGiveUpDeadline = parts.enqueueActions(({ enqueue, context, event }) => {
  const { id: taskId, counts, tolerated } = context;
  const mended =
    event.type === "stepChanged" && event.from === "error" && countOf(counts, "error") <= tolerated;
  if (!mended || !isOrWasHeld(context, event)) return;
  enqueue({ type: "clearDeadline", params: { taskId, stepName: WHOLE_TASK, kind: "hold" } });
});

const finish = parts.assign({ finishedAt: ({ event }) => event.at });

const end = { type: "final", entry: ["leaveDeadLetters", "endTheRest", "finish", "tellWaiting"] } as const;
const failed = { type: "final", entry: ["enterDeadLetters", "endTheRest", "finish", "tellWaiting"] } as const;
const cancel = { target: "#task.cancelled", actions: "noteCancelled" } as const;
const timeout = { target: "#task.error", actions: "noteTimeout" } as const;
const abort = { target: "#task.error", actions: "noteAborted" } as const;
const grow = { stepsAdded: { actions: "countAdded" }, opened: { actions: "countOpened" } } as const;
const stepChanged = { target: "#task.evaluating_results", actions: "countStep" } as const;

/** A state the Task passes through within one message; the runtime tells it to the log. */
function passing(state: TaskState) {
  return {
    type: "pass",
    params: ({ context }: { context: TaskRow }) => ({ taskId: context.id, state }),
  } as const;
}

type StepChanged = Extract<TaskMessage, { type: "stepChanged" }>;

/** What the counts, and the reason of a failure, are after a Step's change. */
function counted(task: TaskRow, event: StepChanged): Partial<TaskRow> {
  const { from, to, tolerated, isolated, held } = event;
  const failed = Number(to === "error") - Number(from === "error");
  return {
    counts: moved(task.counts, from, to),
    hasRun: task.hasRun || (to === "in_progress" && event.taken),
    ...(tolerated && failed !== 0 && { tolerated: task.tolerated + failed }),
    ...(isolated && failed !== 0 && { isolated: task.isolated + failed }),
    ...(held && failed !== 0 && { holds: (task.holds ?? 0) + failed }),
    ...(failed !== 0 && blame(task, event, failed)),
  };
}

function blame(task: TaskRow, event: StepChanged, failed: number): Partial<TaskRow> {
  if (failed < 0) {
    // An operator has put the last failure right: the Task goes on as if there had been none.
    return countOf(task.counts, "error") === 1 ? { reason: "", errorMessage: "" } : {};
  }
  if (event.isolated) {
    const others = task.errorMessage === "" ? "" : `${task.errorMessage}; `;
    const text = `${others}${event.stepName}: ${event.errorMessage}`;
    return { reason: "STEP_FAILED", errorMessage: clip(text, limits.errorMessageBytes) };
  }
  const { reason = "STEP_FAILED", errorMessage } = event;
  return event.tolerated ? {} : { reason, errorMessage };
}

/**
 * The life of one Task. Its Steps' changes lead through `evaluating_results`, where the counts alone
 * decide what comes next; it never rests there.
 */
export const taskMachine = parts
  .extend({
    actions: {
      enterDeadLetters,
      leaveDeadLetters,
      holdAsDeadLetter,
      endTheRest,
      finish,
      tellWaiting,
      setGiveUpDeadline,
      clearGiveUpDeadline,
      countStep: assign(({ context, event }) =>
        event.type === "stepChanged" ? counted(context, event) : {},
      ),
      countAdded: assign(({ context: { counts }, event }) =>
        event.type === "stepsAdded"
          ? { counts: { ...counts, pending: countOf(counts, "pending") + event.count } }
          : {},
      ),
      countOpened: assign(({ context: { opened }, event }) =>
        event.type === "opened" ? { opened: { ...opened, [event.group]: event.count } } : {},
      ),
      /** Resolved by hand, the Task has no error of its own; those of its Steps stay in their rows. */
      forgive: assign({ reason: "" as const, errorMessage: "" }),
      noteCancelled: assign(({ event }) =>
        event.type === "cancel" ? { reason: "CANCELLED" as const, errorMessage: event.message } : {},
      ),
      noteTimeout: assign(({ event }) =>
        event.type === "timeout" ? { reason: "TIMEOUT" as const, errorMessage: event.message } : {},
      ),
      noteAborted: assign(({ event }) =>
        event.type === "abort" ? { reason: "INTERNAL" as const, errorMessage: event.message } : {},
      ),
    },
    guards: {
      stepFailedForGood: ({ context }) => countOf(context.counts, "error") > context.tolerated,
      givesUp: ({ context }) => !isHeldOnFailure(context),
      allEnded: ({ context: { counts } }) => !stepsAlive(counts),
      someIsolated: ({ context }) => !stepsAlive(context.counts) && context.isolated > 0,
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
      pending: { on: { start: "initializing", cancel, timeout, abort } },
      initializing: {
        entry: passing("initializing"),
        on: {
          ...grow,
          stepChanged: { actions: "countStep" },
          readyStepsFound: "enqueuing_steps",
          noDependenciesReady: "waiting_for_dependencies",
          noStepsFound: "complete",
          cancel,
          timeout,
          abort,
        },
      },
      enqueuing_steps: { on: { stepChanged, ...grow, cancel, timeout, abort } },
      steps_in_process: { on: { stepChanged, ...grow, cancel, timeout, abort } },
      evaluating_results: {
        entry: [passing("evaluating_results"), "clearGiveUpDeadline", "leaveDeadLetters"],
        always: [
          { guard: "stepFailedForGood", target: "blocked_by_failures" },
          { guard: "someIsolated", target: "blocked_by_failures" },
          { guard: "allEnded", target: "complete" },
          { guard: "workersAtIt", target: "steps_in_process" },
          { guard: "queued", target: "enqueuing_steps" },
          { guard: "inBackoff", target: "waiting_for_retry" },
          { target: "waiting_for_dependencies" },
        ],
      },
      waiting_for_dependencies: { on: { stepChanged, ...grow, cancel, timeout, abort } },
      waiting_for_retry: { on: { stepChanged, ...grow, cancel, timeout, abort } },
      blocked_by_failures: {
        entry: [passing("blocked_by_failures"), "setGiveUpDeadline", "holdAsDeadLetter"],
        always: { guard: "givesUp", target: "error" },
        on: {
          stepChanged,
          ...grow,
          giveUp: "error",
          manualResolution: { target: "resolved_manually", actions: "forgive" },
          cancel,
          timeout,
          abort,
        },
      },
      complete: end,
      error: failed,
      cancelled: end,
      resolved_manually: end,
    },
  });
