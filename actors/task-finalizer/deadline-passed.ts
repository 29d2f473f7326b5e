import type { TaskId } from "#domain/id";
import { WHOLE_TASK } from "#domain/task/deadline";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import { type Instant, later, millis } from "#domain/time/time";
import type { Command } from "../commands.js";
import type { Stamped } from "../life.js";
import { advanceRun, advanceTask } from "../make-command.js";
import { failAttempt, retryNow } from "../step/attempts.js";
import { heldInDoubt } from "../step/doubt.js";
import { waitNeeds, wakeIfOver } from "../step/waits.js";
import { behaviorOf } from "../step-types/index.js";
import { budgetNeeds, goOn, stopTask, usedUp } from "../task/budget.js";
import { releaseDeadline, releasedBy, taskAlone } from "../task/quiescence.js";
import { startTask } from "../task/start.js";
import { liveRunsOf, liveStepsOf, liveTask, type MessageView } from "../view.js";
import type { FinalizerHandler, FinalizerMessage } from "./handler.js";
import { countHeldTime } from "./run-held.js";

/**
 * A deadline has passed, or is believed to: the rows decide what it still means. Whoever has set it anew meanwhile is
 * woken again; otherwise it is done with.
 */
export const deadlinePassed: FinalizerHandler<"deadline.passed"> = {
  needs(message, view) {
    const { taskId, stepName, kind } = message;
    if (kind === "budget" || kind === "wall") {
      const task = view.task(taskId);
      // Steps that hold the Task have failed, and come with its graph only.
      const graphs = task?.holds ? [taskId] : [];
      return { wholeTasks: [taskId], graphs, steps: [taskAlone(taskId), ...budgetNeeds(task)] };
    }
    if (stepName === WHOLE_TASK) return { wholeTasks: [taskId] };
    const step = view.step(message);
    if (kind === "wake") return waitNeeds(message, step?.waits ?? [], view);
    const runId = step?.runId;
    return { steps: [message], runs: runId ? [runId] : [] };
  },

  decide(message, view, moment) {
    const { taskId, stepName, kind, due } = message;
    const { at } = moment;
    if (due > at) return [{ type: "setDeadline", params: { taskId, stepName, kind, at: due } }];

    const clear: Command = { type: "clearDeadline", params: { taskId, stepName, kind } };
    if (kind === "release") return [clear, ...takeFromWorkers(taskId, view, at)];
    const task = liveTask(view, taskId);
    if (!task) return [clear];
    switch (kind) {
      case "timeout": {
        const text = `the task did not end within timeout_ms = ${task.spec.timeoutMs}`;
        return [clear, advanceTask(task, { type: "timeout", at, message: text })];
      }
      case "start":
        return [clear, ...(task.state === "pending" ? startTask(task, liveStepsOf(view, taskId), at) : [])];
      case "orphan":
        return [
          clear,
          advanceTask(task, { type: "cancel", at, message: "the task it is a step of has ended" }),
        ];
      case "hold":
        return [clear, advanceTask(task, { type: "giveUp", at })];
      case "wall":
        return [clear, ...countHeldTime(task, 0, at)];
      case "budget": {
        const why = usedUp(task, view, at);
        return [clear, ...(why === undefined ? goOn(task, view, at) : stopTask(task, why, view, at))];
      }
      default: {
        const step = view.step(message);
        return step ? stepDeadlinePassed(message, clear, task, step, view, moment) : [clear];
      }
    }
  },
};

/** A worker that has not heeded its cancel by now holds the Run no more, as far as the plane is concerned. */
function takeFromWorkers(taskId: TaskId, view: MessageView, at: Instant): Command[] {
  if (liveTask(view, taskId)) return [];
  const held = view.runsOf(taskId).filter(({ heldBy }) => heldBy !== "");
  const isOverdue = (run: RunRow) => releasedBy(run, at) <= at;
  return [
    ...held.filter(isOverdue).map((run) => advanceRun(run, { type: "released", at })),
    ...releaseDeadline(
      taskId,
      held.filter((run) => !isOverdue(run)),
      at,
    ),
  ];
}

function stepDeadlinePassed(
  { taskId, stepName, kind }: FinalizerMessage<"deadline.passed">,
  clear: Command,
  task: TaskRow,
  step: StepRow,
  view: MessageView,
  moment: Stamped,
): Command[] {
  const { at } = moment;
  if (kind === "retry") {
    if (step.state !== "waiting_for_retry") return [clear];
    if (step.nextAttemptAt > at) {
      return [{ type: "setDeadline", params: { taskId, stepName, kind, at: step.nextAttemptAt } }];
    }
    const held = heldInDoubt(step, view, at);
    if (held !== undefined) return [{ type: "setDeadline", params: { taskId, stepName, kind, at: held } }];
    return [clear, ...retryNow(task, step, at)];
  }
  if (step.state !== "in_progress") return [clear];
  if (kind === "wake") return [clear, ...wakeIfOver(task, step, view, at)];
  if (kind === "attempt") return attemptDeadlinePassed(clear, task, step, view, moment);
  const { deadline } = behaviorOf(step);
  return deadline?.kind === kind ? [clear, ...deadline.passed(task, step, at)] : [clear];
}

/** The Run that is at work may be a later one than the deadline was set for. */
function attemptDeadlinePassed(
  clear: Command,
  task: TaskRow,
  step: StepRow,
  view: MessageView,
  moment: Stamped,
): Command[] {
  const { at } = moment;
  const run = liveRunsOf(view, task.id).find(({ id }) => id === step.runId);
  if (!run) return [clear];
  const { timeoutMs } = step.spec;
  const end = later(run.createdAt, timeoutMs);
  if (end > at) {
    const params = { taskId: task.id, stepName: step.name, kind: "attempt", at: end } as const;
    return [{ type: "setDeadline", params }];
  }
  const text = `the attempt did not end within ${timeoutMs} ms, the timeout of its step`;
  const failure = { errorMessage: text, retryable: true, retryAfter: millis(0) };
  return [
    clear,
    advanceRun(run, { type: "end", at, reason: "TIMEOUT", message: text }),
    ...failAttempt(task, step, failure, moment),
  ];
}
