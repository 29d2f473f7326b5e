import { mayUse } from "#domain/caller";
import { Fault } from "#domain/fault";
import { alreadyEnded, stepNotFound, taskNotFound } from "#domain/refusals";
import type { RunRow } from "#domain/task/run";
import { isTolerated, type ResolveAction, type StepRow, type StepState } from "#domain/task/step";
import { isTerminal, type TaskRow } from "#domain/task/task";
import { utf8Bytes } from "#domain/text/text";
import { type Instant, later } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Command } from "../commands.js";
import { planNeeds } from "../handler.js";
import { advanceRun, advanceStep, advanceTask, keyOf, refuse, replyTask } from "../make-command.js";
import { doneLast, noteAction } from "../step/by-hand.js";
import { endSpawned } from "../step/children.js";
import { beginAgain, heldInDoubt } from "../step/doubt.js";
import { clearAttemptDeadline, keepOutput, nextOrder, notifyDependants } from "../step/outcomes.js";
import { unfit } from "../step/unfit.js";
import { clearWake } from "../step/waits.js";
import { behaviorOf } from "../step-types/index.js";
import { liveRunsOf, type MessageView } from "../view.js";
import type { FinalizerHandler, FinalizerMessage } from "./handler.js";
import { isResolved, resolveEntry } from "./resolve-entry.js";
import { mayBegin } from "./step-satisfied.js";

/**
 * An operator puts right by hand what failed, or what hangs. The same request again, from the same caller, is answered as
 * the first one was.
 */
export const resolve: FinalizerHandler<"resolve"> = {
  needs({ caller, taskId, stepName, action }, view) {
    const task = view.task(taskId);
    const whole = { graphs: [taskId], wholeTasks: [taskId] };
    // No more is read for a Task that the caller must not know of than for none.
    if (!task || !mayUse(caller, task.namespace)) return whole;
    const key = { taskId, stepName };
    return {
      ...whole,
      stepActions: [key],
      ...(action.type === "complete" && { outputs: [key] }),
      ...planNeeds(task.spec.template, task, view),
    };
  },

  decide(message, view, { at }) {
    const { caller, taskId, stepName, action, reason } = message;
    const task = view.task(taskId);
    if (!task || !mayUse(caller, task.namespace)) return [refuse(taskNotFound(taskId))];

    if (action.entry === undefined && isResetAgain(message, view, at)) return [replyTask(taskId)];
    const done = resolved(task, message, view, at);
    if (done instanceof Fault) return [isRepeated(message, view, at) ? replyTask(taskId) : refuse(done)];
    const { type, entry } = action;
    const noted = noteAction({ taskId, stepName }, { caller, type, reason, entry }, view, at);
    return [...done, noted, replyTask(taskId)];
  },
};

/** True if what is refused now has been done before, by the same request, and nothing has undone it since. */
function isRepeated(message: FinalizerMessage<"resolve">, view: MessageView, at: Instant): boolean {
  const { caller, taskId, stepName, action, reason } = message;
  const key = { taskId, stepName };
  if (action.entry !== undefined) return isResolved(message, view, at);
  if (!doneLast(key, { caller, type: action.type, reason }, view)) return false;
  if (action.type === "complete") return (view.output(key) ?? "") === action.output;
  return action.type === "resolve" || view.step(key)?.state !== "error";
}

/** True if the Step has a Run, or waits for one, because it was just reset, by the same request: to stop that one too nobody has asked. */
function isResetAgain(
  { caller, taskId, stepName, action: { type }, reason }: FinalizerMessage<"resolve">,
  view: MessageView,
  at: Instant,
): boolean {
  const key = { taskId, stepName };
  const step = view.step(key);
  if (type !== "retry" || !step || !hasJustBegun(step, view, at)) return false;
  const last = doneLast(key, { caller, type, reason }, view);
  return last !== undefined && later(last.at, limits.resetAgain) > at;
}

/** True if the Step is in the first Run after a reset, as far as can be told, or waits until a worker lets go of the one before. */
function hasJustBegun(step: StepRow, view: MessageView, at: Instant): boolean {
  if (step.state === "in_progress") return true;
  const mayWait = step.state === "waiting_for_retry" && step.attempts === 0;
  return mayWait && heldInDoubt(step, view, at) !== undefined;
}

function resolved(
  task: TaskRow,
  message: FinalizerMessage<"resolve">,
  view: MessageView,
  at: Instant,
): Command[] | Fault {
  if (isTerminal(task.state)) return alreadyEnded(task);
  if (task.state === "pending") {
    const text = `task ${task.id} has not begun: cancel it, or wait until it has`;
    return new Fault("wrong_state", text, { reason: "NOT_BEGUN" });
  }
  return message.stepName === "" ? resolveTask(task, message, at) : resolveStep(task, message, view, at);
}

function resolveTask(task: TaskRow, { action }: FinalizerMessage<"resolve">, at: Instant): Command[] | Fault {
  if (action.type !== "resolve") {
    return new Fault("invalid", "step_name is required: name the step that failed", { field: "step_name" });
  }
  if (task.state !== "blocked_by_failures") {
    const text = `task ${task.id} is ${task.state}: only one that is held because of a failure can be declared done`;
    return new Fault("wrong_state", text, { reason: "NOT_HELD" });
  }
  return [advanceTask(task, { type: "manualResolution", at })];
}

function resolveStep(
  task: TaskRow,
  message: FinalizerMessage<"resolve">,
  view: MessageView,
  at: Instant,
): Command[] | Fault {
  const { stepName, action } = message;
  const step = view.step({ taskId: task.id, stepName });
  if (!step) {
    const names = view.stepsOf(task.id).map(({ name }) => name);
    return stepNotFound(task.id, stepName, names);
  }
  if (action.entry !== undefined)
    return resolveEntry(task, step, { ...message, entry: action.entry }, view, at);
  const refusal = refusalOf(task, step, action.type);
  if (refusal !== undefined) {
    return new Fault("wrong_state", `step "${stepName}" ${refusal}`, { reason: "STEP_STATE" });
  }
  const runs = liveRunsOf(view, task.id).filter((run) => run.stepName === stepName);
  if (action.type === "retry") {
    const fresh = { ...step, attempts: 0 };
    return [
      advanceStep(step, { type: "resetForRetry", at }),
      ...clearWaits(step),
      ...runs.map((run) => cancelRun(run, "reset", at)),
      ...beginAgain(task, fresh, view, at),
    ];
  }
  const problem = action.type === "complete" ? view.resultProblem(step, action.output) : undefined;
  if (problem) return unfit("result_json", step, problem);

  const wasTolerated = step.state === "error" && isTolerated(step);
  return [
    ...endByHand(task, step, action, at),
    ...clearWaits(step),
    ...runs.map((run) => cancelRun(run, "resolved", at)),
    ...(wasTolerated ? [] : notifyDependants(step)),
  ];
}

function endByHand(
  task: TaskRow,
  step: StepRow,
  action: Exclude<ResolveAction, { type: "retry" }>,
  at: Instant,
): Command[] {
  const order = nextOrder(task);
  const children = endSpawned(step, at);
  if (action.type === "resolve") {
    return [advanceStep(step, { type: "resolveManually", at, order }), ...children];
  }
  const { output } = action;
  const completed = { type: "completeManually", at, order, outputBytes: utf8Bytes(output) } as const;
  return [...keepOutput(step, output), advanceStep(step, completed), ...children];
}

/** Whatever would wake the Step; nothing does that has failed for good. */
function clearWaits(step: StepRow): Command[] {
  if (step.state === "error") return [];
  const own = behaviorOf(step).deadline?.kind;
  const kinds = own === undefined ? (["retry"] as const) : (["retry", own] as const);
  return [
    ...clearAttemptDeadline(step),
    ...(step.waits ? [clearWake(step)] : []),
    ...kinds.map((kind): Command => ({ type: "clearDeadline", params: { ...keyOf(step), kind } })),
  ];
}

function cancelRun(run: RunRow, done: "resolved" | "reset", at: Instant): Command {
  const message = `the step was ${done} by hand`;
  return advanceRun(run, { type: "end", at, reason: "CANCELLED", message });
}

/** What a Step that has not ended does by itself. */
const waits: Readonly<Partial<Record<StepState, string>>> = {
  pending: "waits for steps before it",
  enqueued: "waits for a worker",
};

/** Why this cannot be done with the Step, as the end of a sentence; undefined if it can. */
function refusalOf(task: TaskRow, step: StepRow, action: ResolveAction["type"]): string | undefined {
  const { state, spec, members } = step;
  if (state === "complete" || state === "cancelled" || state === "resolved_manually") {
    return `is ${state}, and that is final`;
  }
  if (state === "in_progress" && (step.childId !== "" || members.length > 0)) {
    return "is at work through others: resolve those, or cancel the task";
  }
  if (state === "pending" && !mayBegin(task, step)) {
    return "is one of many, and its turn has not come: resolve it once it has begun, or cancel the task";
  }
  const resultRefused = spec.segment ? "does a part of a map's list" : behaviorOf(step).resultRefused;
  if (action === "complete" && resultRefused !== undefined) {
    return `is a ${spec.type}: it ${resultRefused}, so declare it done without one, or try it anew`;
  }
  if (action !== "retry" || state === "waiting_for_retry") return undefined;
  if (step.heldFor === "BUDGET_EXCEEDED") {
    return "is held because a budget is used up, and goes on by itself when that is raised: use TopUpTask";
  }
  if (state === "in_progress" && step.agentName !== "") return undefined;
  if (state !== "error")
    return `is ${state}: it ${waits[state] ?? "goes on by itself"}, so there is nothing to try anew`;
  if (isTolerated(step))
    return "failed, and the others went on without it: declare it done, or run the task again";
  return members.length > 0
    ? "has made its members already: resolve it by hand, or run the task again"
    : undefined;
}
