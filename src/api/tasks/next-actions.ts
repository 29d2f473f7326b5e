import type { TaskId } from "#domain/id";
import { type PauseScope, scopeText } from "#domain/pause/pause";
import type { PauseSet } from "#domain/pause/pause-set";
import type { BudgetBound } from "#domain/task/budget";
import type { NextAction, StepExplanation } from "#domain/task/explanation";
import { isWait } from "#domain/task/journal";
import { isTolerated, type StepRow } from "#domain/task/step";
import { type Suspension, suspensionOf } from "#domain/task/suspension";
import { isTerminal, type TaskRow, taskStatus } from "#domain/task/task";
import { pausesOver } from "#domain/task/waiting-reason";
import { shellWord } from "#domain/text/shell-word";
import { limits } from "#limits/index";
import type { TaskDetail } from "#ports/store";
import type { UsedUpBudget } from "./used-up-budgets.js";

/** What somebody can do now about a Task that does not go on, the likeliest first. */
export function nextActions(
  { task, steps }: Pick<TaskDetail, "task" | "steps">,
  waiting: readonly StepExplanation[],
  pauses: PauseSet,
  budgets: readonly UsedUpBudget[],
): NextAction[] {
  if (isTerminal(task.state)) return afterEnd(task, steps);
  const actions = [
    ...budgets.map(toppingUp),
    ...(task.state === "blocked_by_failures" ? byHand(task.id, failedSteps(steps)) : []),
    ...waiting.flatMap((each) => aboutStep(task, steps, each, pauses)),
  ];
  // Steps that wait for the same have the same way out.
  const unique = [...new Map(actions.map((action) => [action.command, action])).values()];
  const cancel = { command: `taskrun task cancel ${task.id}`, effect: "cancels the task" };
  return unique.length === 0 ? [] : [...unique.slice(0, limits.nextActions), cancel];
}

function afterEnd(task: TaskRow, steps: readonly StepRow[]): NextAction[] {
  const { parent, compensates } = task.spec;
  const status = taskStatus(task);
  if (status === "COMPLETED") return [];
  const letter = status === "FAILED" && task.hasDeadLetter ? ofDeadLetter(task) : [];
  if (parent || compensates !== "") return letter;
  const effect = "goes on from what failed, as a new task that keeps the results before it";
  const fork = { command: `taskrun task fork ${task.id} --from failed`, effect };
  return [
    ...letter,
    ...(task.compensatedBy === "" && steps.some(({ state }) => state === "complete") ? [fork] : []),
    { command: `taskrun task retry ${task.id}`, effect: "runs it again from its start, as a new task" },
  ];
}

function ofDeadLetter({ id }: TaskRow): NextAction[] {
  return [
    { command: `taskrun dlq get ${id}`, effect: "shows its dead letter: why, where it began, and notes" },
    { command: `taskrun dlq redrive ${id}`, effect: "does its work again, once, and closes the dead letter" },
  ];
}

function failedSteps(steps: readonly StepRow[]): StepRow[] {
  return steps.filter(
    (step) => step.state === "error" && !isTolerated(step) && step.heldFor !== "BUDGET_EXCEEDED",
  );
}

function toppingUp({ id, bounds }: UsedUpBudget): NextAction {
  const more = bounds.map((bound) => topUpOptions[bound]).join(" ");
  return { command: `taskrun task topup ${id} ${more}`, effect: "raises the budget that is used up" };
}

const topUpOptions: Readonly<Record<BudgetBound, string>> = {
  tokens: "--tokens N",
  usdMicros: "--usd D",
  toolCalls: "--tool-calls N",
  wallMs: "--wall DURATION",
};

function byHand(id: TaskId, failed: readonly StepRow[]): NextAction[] {
  return failed.flatMap((step) => {
    if (step.heldFor === "IN_DOUBT") return doubts(id, step);
    const { name } = step;
    const command = `taskrun task resolve ${id} ${typed(name)}`;
    return [
      { command: `${command} --retry`, effect: `runs step "${name}" again, with all its attempts` },
      { command: `${command} --result JSON`, effect: `goes on with this result of step "${name}"` },
      { command: `${command} --done`, effect: `goes on without a result of step "${name}"` },
    ];
  });
}

/** What is to be decided about the entries of a Step's journal of which it is not known whether they were done. */
function doubts(id: TaskRow["id"], { name, journal }: StepRow): NextAction[] {
  const look = {
    command: `taskrun task steps ${id} ${typed(name)}`,
    effect: `shows what the agent of step "${name}" has done, and what is in doubt`,
  };
  const entries = (journal?.open ?? []).filter((entry) => entry.effect === "ONCE" && !isWait(entry));
  return [
    look,
    ...entries.flatMap((entry) => {
      const command = `taskrun task resolve ${id} ${typed(name)} --journal-entry ${entry.entry}`;
      const what = `"${entry.name}" of step "${name}"`;
      return [
        { command: `${command} --result JSON`, effect: `goes on: ${what} was done, with this result` },
        { command: `${command} --done`, effect: `goes on: ${what} was done, without a result` },
        { command: `${command} --retry`, effect: `does ${what} again: it was not done` },
      ];
    }),
  ];
}

/** What can end a wait of a Step's agent. */
function suspendedActions(id: TaskRow["id"], name: string, { signals, children }: Suspension): NextAction[] {
  return [
    ...signals.map((signal) => ({
      command: `taskrun task signal ${id} ${typed(signal)} --payload JSON`,
      effect: `sends the signal that the agent of step "${name}" waits for`,
    })),
    ...children.map((child) => ({
      command: `taskrun task explain ${child}`,
      effect: `explains the task that the agent of step "${name}" waits for`,
    })),
  ];
}

function aboutStep(
  task: TaskRow,
  steps: readonly StepRow[],
  each: StepExplanation,
  pauses: PauseSet,
): NextAction[] {
  const step = steps.find(({ name }) => name === each.name);
  const suspended = step && suspensionOf(step);
  if (suspended) return suspendedActions(task.id, each.name, suspended);
  switch (each.cause) {
    case "SIGNAL": {
      const signal = step?.spec.signal?.name ?? "";
      const command = `taskrun task signal ${task.id} ${typed(signal)} --payload JSON`;
      return [{ command, effect: `sends the signal that step "${each.name}" waits for` }];
    }
    case "PAUSED":
      return pausesOver(task, step?.agentName ?? "", pauses)
        .slice(0, limits.explainedPauses)
        .map(({ scope }) => resumption(scope));
    case "CHILD_TASK":
      return [
        {
          command: `taskrun task explain ${step?.childId}`,
          effect: `explains the task that step "${each.name}" is`,
        },
      ];
    case "WORKER":
      return forWorker(each);
    default:
      return [];
  }
}

function forWorker({ workers }: StepExplanation): NextAction[] {
  const resumptions = workers
    .filter(({ cause }) => cause === "PAUSED")
    .slice(0, limits.explainedPauses)
    .map(({ workerId }) => ({
      command: `taskrun resume worker ${typed(workerId)}`,
      effect: `gives runs to worker "${workerId}" again`,
    }));
  const look = workers.some(({ cause }) => cause !== "AGENT")
    ? { command: "taskrun worker list", effect: "shows the workers, and what they hold" }
    : {
        command: "taskrun agent list",
        effect: "shows which agents there are; no connected worker runs this one",
      };
  return [...resumptions, look];
}

function resumption(scope: PauseScope): NextAction {
  const { kind, namespace, name, principal } = scope;
  const words = {
    plane: [],
    namespace: [typed(namespace)],
    agent: [typed(name), "--namespace", typed(namespace)],
    template: [typed(name), "--namespace", typed(namespace)],
    worker: [typed(name), "--principal", typed(principal)],
  }[kind];
  return {
    command: ["taskrun resume", kind, ...words].join(" "),
    effect: `gives ${scopeText(scope)} to workers again`,
  };
}

/** A name as it is typed: quoted only where a shell would take it apart. */
function typed(name: string): string {
  return /^[\w.:/@-]+$/.test(name) ? name : shellWord(name);
}
