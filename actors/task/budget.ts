import type { StepKey, TaskId } from "#domain/id";
import {
  type Budget,
  type BudgetBound,
  budgetOf,
  budgetOwners,
  heldTimeDue,
  nearBounds,
  reachedBounds,
  usedOf,
  usedText,
} from "#domain/task/budget";
import { WHOLE_TASK } from "#domain/task/deadline";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import { isTerminal, type TaskRow } from "#domain/task/task";
import { addUsage, NO_USAGE, type Usage } from "#domain/task/usage";
import type { Instant } from "#domain/time/time";
import type { Command } from "../commands.js";
import { advanceRun, advanceStep, keyOf, tellFinalizer } from "../make-command.js";
import { noteDoubt } from "../step/doubt.js";
import { spawnedBy } from "../step/journal.js";
import { clearAttemptDeadline } from "../step/outcomes.js";
import { dispatchStep } from "../step-types/index.js";
import { liveRunsOf, liveStepsOf, type MessageView } from "../view.js";
import { taskAlone } from "./quiescence.js";

/**
 * Budgets: what a Task and the Tasks below it may use. That a budget is used up follows from the row of the Task that has it, so that
 * whatever reads the row sees it from the commit on in which the last of it was counted.
 */

/** The rows that say whether a budget keeps the Task from going on. Nothing of a Task without one. */
export function budgetNeeds(task: TaskRow | undefined): StepKey[] {
  if (!task || (task.spec.budget === undefined && task.spec.budgetsAbove === undefined)) return [];
  return budgetOwners(task).map(taskAlone);
}

/**
 * Why a Task may not go on, for people; undefined if no budget keeps it from that.
 *
 * @param more what counts beside what the rows have
 */
export function usedUp(
  task: TaskRow,
  view: MessageView,
  at: Instant,
  more: Usage = NO_USAGE,
): string | undefined {
  if (task.spec.budget === undefined && task.spec.budgetsAbove === undefined) return undefined;
  for (const id of budgetOwners(task)) {
    const owner = view.task(id);
    const bounds = owner && budgetOf(owner);
    if (!bounds) continue;
    const used = usedOf({ ...owner, usage: addUsage(owner.usage ?? NO_USAGE, more) }, at);
    const reached = reachedBounds(bounds, used);
    if (reached.length > 0) return usedUpText(owner, reached, bounds, used);
  }
  return undefined;
}

function usedUpText({ id }: TaskRow, reached: readonly BudgetBound[], bounds: Budget, used: Budget): string {
  return `BUDGET_EXCEEDED: the budget of task ${id} is used up: ${usedText(reached, bounds, used)}`;
}

/** Has the finalizer see now whether budgets keep the Task from going on; what is below it follows in turns of its own. */
export function lookNow(taskId: TaskId, at: Instant): Command {
  return tellFinalizer({ type: "deadline.passed", taskId, stepName: WHOLE_TASK, kind: "budget", due: at });
}

/** The same in a turn of its own, as soon as there is one. */
export function lookSoon(taskId: TaskId, at: Instant): Command {
  return { type: "setDeadline", params: { taskId, stepName: WHOLE_TASK, kind: "budget", at } };
}

/**
 * What follows when more of a budget is used: a line of the log at the soft limit of a bound and at its end, once each; and at the end the
 * Task is looked at.
 *
 * @param before what was used, as the Task's row had it
 */
export function budgetMoved(task: TaskRow, before: Budget, after: Budget, at: Instant): Command[] {
  const bounds = budgetOf(task);
  if (!bounds || isTerminal(task.state)) return [];
  const reached = reachedBounds(bounds, after);
  const fresh = reached.filter((bound) => before[bound] < bounds[bound]);
  const near = nearBounds(bounds, after).filter(
    (bound) => !reached.includes(bound) && !nearBounds(bounds, before).includes(bound),
  );
  return [
    ...(near.length > 0 ? [warn(task, `BUDGET: nearly used up: ${usedText(near, bounds, after)}`, at)] : []),
    ...(fresh.length > 0
      ? [warn(task, usedUpText(task, fresh, bounds, after), at), lookNow(task.id, at)]
      : []),
  ];
}

/** A line in the Task's log; its state does not change. */
export function warn(task: TaskRow, warning: string, at: Instant): Command {
  const { id: taskId, state, hasRun, finishedAt, reason, errorMessage } = task;
  const entry = { type: "task", at, state, hasRun, finishedAt, reason, errorMessage, warning } as const;
  return { type: "record", params: { taskId, entry } };
}

/** Sets when the time for which Runs may be held comes to its soft limit or its end, if it goes on as now. */
export function timeBudget(task: TaskRow, at: Instant): Command {
  const bounds = budgetOf(task);
  const due = bounds && task.heldTime && heldTimeDue(bounds, task.heldTime);
  const params = { taskId: task.id, stepName: WHOLE_TASK, kind: "wall" } as const;
  if (due === undefined) return { type: "clearDeadline", params };
  return { type: "setDeadline", params: { ...params, at: Math.max(due, at) as Instant } };
}

/**
 * Ends what goes on in a Task that may use no more: its Runs end, and the Steps that have one, wait for one or are to be tried again fail so
 * that they hold the Task. What waits for nothing that costs goes on waiting: a Step is stopped when it would get a Run.
 *
 * @param why what the Steps say of it
 */
export function stopTask(task: TaskRow, why: string, view: MessageView, at: Instant): Command[] {
  const runs = new Map(liveRunsOf(view, task.id).map((run) => [run.stepName, run]));
  return liveStepsOf(view, task.id).flatMap((step) => [
    ...stopStep(task, step, runs.get(step.name), why, at),
    ...lookBelow(step, at),
  ]);
}

function stopStep(
  task: TaskRow,
  step: StepRow,
  run: RunRow | undefined,
  why: string,
  at: Instant,
): Command[] {
  switch (step.state) {
    case "enqueued":
      return [holdForBudget(step, why, at)];
    case "waiting_for_retry": {
      const clear = { type: "clearDeadline", params: { ...keyOf(step), kind: "retry" } } as const;
      return [holdForBudget(step, why, at), clear];
    }
    case "in_progress":
      if (!run || run.id !== step.runId) return [];
      return [
        ...noteDoubt(task, step),
        holdForBudget(step, why, at),
        ...clearAttemptDeadline(step),
        advanceRun(run, { type: "end", at, reason: "BUDGET_EXCEEDED", message: why }),
      ];
    default:
      return [];
  }
}

/** The Step fails for want of budget, and holds its Task. */
export function holdForBudget(step: StepRow, errorMessage: string, at: Instant): Command {
  return advanceStep(step, { type: "budgetExceeded", at, errorMessage });
}

/** Nothing keeps the Task from going on: the Steps that a budget has stopped do, from where they were, with the attempts they had. */
export function goOn(task: TaskRow, view: MessageView, at: Instant): Command[] {
  return view
    .stepsOf(task.id)
    .flatMap((step) => [
      ...(step.heldFor === "BUDGET_EXCEEDED"
        ? [advanceStep(step, { type: "budgetRaised", at }), ...dispatchStep(task, step, at)]
        : []),
      ...lookBelow(step, at),
    ]);
}

/** The Tasks below a Step, each in a turn of its own: they may be many, and have others below them. */
function lookBelow(step: StepRow, at: Instant): Command[] {
  const { childId, state, journal } = step;
  const spawned = journal ? spawnedBy(step) : [];
  const own = childId !== "" && state === "in_progress" ? [childId] : [];
  return [...own, ...spawned].map((id) => lookSoon(id, at));
}
