import { mayUse } from "#domain/caller";
import { Fault } from "#domain/fault";
import { alreadyEnded, taskNotFound } from "#domain/refusals";
import type { RunRow } from "#domain/task/run";
import { type ResolveAction, type StepRow, tolerates } from "#domain/task/step";
import { isTerminal, type TaskRow } from "#domain/task/task";
import { utf8Bytes } from "#domain/text/text";
import type { Instant } from "#domain/time/time";
import type { Command } from "../commands.js";
import { planNeeds } from "../handler.js";
import { advanceRun, advanceStep, advanceTask, keyOf, refuse, replyTask } from "../make-command.js";
import { clearAttemptDeadline, keepOutput, nextOrder, notifyDependants } from "../step/outcomes.js";
import { unfit } from "../step/unfit.js";
import { behaviorOf, dispatchStep } from "../step-types/index.js";
import { liveRunsOf, type MessageView } from "../view.js";
import type { FinalizerHandler, FinalizerMessage } from "./handler.js";
import { mayBegin } from "./step-satisfied.js";

/** An operator puts right by hand what failed, or what hangs. */
export const resolve: FinalizerHandler<"resolve"> = {
  needs({ caller, taskId }, view) {
    const task = view.task(taskId);
    // No more is read for a Task that the caller must not know of than for none.
    if (task && !mayUse(caller, task.namespace)) return { graphs: [taskId], wholeTasks: [taskId] };
    return {
      graphs: [taskId],
      wholeTasks: [taskId],
      ...planNeeds(task?.spec.template ?? null, task, view),
    };
  },

  decide(message, view, { at }) {
    const { caller, taskId, stepName } = message;
    const task = view.task(taskId);
    if (!task || !mayUse(caller, task.namespace)) return [refuse(taskNotFound(taskId))];
    if (isTerminal(task.state)) return [refuse(alreadyEnded(task))];
    if (task.state === "pending") {
      const text = `task ${task.id} has not begun: cancel it, or wait until it has`;
      return [refuse(new Fault("wrong_state", text, { reason: "NOT_BEGUN" }))];
    }

    const done = stepName === "" ? resolveTask(task, message, at) : resolveStep(task, message, view, at);
    return done instanceof Fault ? [refuse(done)] : [...done, replyTask(taskId)];
  },
};

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
  { stepName, action }: FinalizerMessage<"resolve">,
  view: MessageView,
  at: Instant,
): Command[] | Fault {
  const step = view.step({ taskId: task.id, stepName });
  if (!step) {
    return new Fault("not_found", `task ${task.id} has no step "${stepName}"`, { reason: "STEP_NOT_FOUND" });
  }
  const refusal = refusalOf(task, step, action.type);
  if (refusal !== undefined) {
    return new Fault("wrong_state", `step "${stepName}" ${refusal}`, { reason: "STEP_STATE" });
  }
  if (action.type === "retry") {
    const fresh = { ...step, attempts: 0 };
    return [advanceStep(step, { type: "resetForRetry", at }), ...dispatchStep(task, fresh, at)];
  }
  const problem = action.type === "complete" ? view.resultProblem(step, action.output) : undefined;
  if (problem) return unfit("result_json", step, problem);

  const runs = liveRunsOf(view, task.id).filter((run) => run.stepName === stepName);
  const wasTolerated = step.state === "error" && tolerates(step.spec);
  return [
    ...endByHand(task, step, action, at),
    ...clearAttemptDeadline(step),
    ...clearOwnDeadlines(step),
    ...runs.map((run) => cancelRun(run, at)),
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
  if (action.type === "resolve") return [advanceStep(step, { type: "resolveManually", at, order })];
  const { output } = action;
  const completed = { type: "completeManually", at, order, outputBytes: utf8Bytes(output) } as const;
  return [...keepOutput(step, output), advanceStep(step, completed)];
}

function clearOwnDeadlines(step: StepRow): Command[] {
  const own = behaviorOf(step).deadline?.kind;
  const kinds = own === undefined ? (["retry"] as const) : (["retry", own] as const);
  return kinds.map((kind) => ({ type: "clearDeadline", params: { ...keyOf(step), kind } }));
}

function cancelRun(run: RunRow, at: Instant): Command {
  const message = "the step was resolved by hand";
  return advanceRun(run, { type: "end", at, reason: "CANCELLED", message });
}

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
  if (action !== "retry") return undefined;
  if (state !== "error") return `is ${state}: only one that failed for good can be tried anew`;
  if (tolerates(spec))
    return "failed, and the others went on without it: declare it done, or run the task again";
  return members.length > 0
    ? "has made its members already: resolve it by hand, or run the task again"
    : undefined;
}
