import type { StepKey } from "#domain/id";
import { type StepRow, satisfies } from "#domain/task/step";
import type { TaskRow } from "#domain/task/task";
import type { Instant } from "#domain/time/time";
import type { Command } from "../commands.js";
import { advanceStep, advanceTask, keyOf, tellFinalizer } from "../make-command.js";
import { dispatchStep } from "../step-types/index.js";
import { liveTask, type MessageView } from "../view.js";
import type { FinalizerHandler } from "./handler.js";

/**
 * A Step is complete, or its failure is tolerated: each Step that depends on it has one dependency less to wait for, and
 * the batch or map that made it lets its next member begin. It costs as much as the Step has dependants.
 */
export const stepSatisfied: FinalizerHandler<"step.satisfied"> = {
  needs(message, view) {
    return { steps: [message, ...affected(message, view)] };
  },

  decide(message, view, { at }) {
    const task = liveTask(view, message.taskId);
    const step = view.step(message);
    if (!task || !step || !satisfies(step)) return [];
    const dependants = step.dependants.flatMap((stepName) => view.step({ taskId: task.id, stepName }) ?? []);
    return [...dependants.flatMap((row) => satisfy(task, row, at)), ...openNextMember(task, step, view, at)];
  },
};

/** The Steps that depend on it, what made it, and that one's next member. */
function affected({ taskId, stepName }: StepKey, view: MessageView): StepKey[] {
  const step = view.step({ taskId, stepName });
  const task = view.task(taskId);
  if (!step || !task) return [];
  const group = groupOf(step, view);
  const next = group?.members[openedOf(task, group.name) ?? 0];
  const made = step.spec.member?.group;
  const names = [...step.dependants, ...(made ? [made] : []), ...(next ? [next] : [])];
  return names.map((name) => ({ taskId, stepName: name }));
}

/** The batch or map whose member it is. */
function groupOf({ taskId, spec: { member } }: StepRow, view: MessageView): StepRow | undefined {
  return member && member.group !== "" ? view.step({ taskId, stepName: member.group }) : undefined;
}

function satisfy(task: TaskRow, row: StepRow, at: Instant): Command[] {
  const satisfied = advanceStep(row, { type: "dependencySatisfied", at });
  if (row.unsatisfied !== 1) return [satisfied];
  if (row.state === "pending" && mayBegin(task, row)) return [satisfied, ...dispatchStep(task, row, at)];
  if (row.state === "in_progress") return [satisfied, tellFinalizer({ type: "map.collect", ...keyOf(row) })];
  return [satisfied];
}

/** A member of a batch or map begins when its turn has come. */
export function mayBegin(task: TaskRow, { spec: { member } }: StepRow): boolean {
  return !member || member.group === "" || member.index < (openedOf(task, member.group) ?? 0);
}

/** How many members may have begun. The group's name is its template's word: it may be `constructor`. */
function openedOf({ opened }: TaskRow, group: string): number | undefined {
  return Object.hasOwn(opened, group) ? opened[group] : undefined;
}

function openNextMember(task: TaskRow, step: StepRow, view: MessageView, at: Instant): Command[] {
  const group = groupOf(step, view);
  const count = group && openedOf(task, group.name);
  if (!group || count === undefined || count >= group.members.length) return [];

  const next = view.step({ taskId: task.id, stepName: group.members[count] ?? "" });
  const opened = advanceTask(task, { type: "opened", at, group: group.name, count: count + 1 });
  const begins = next?.state === "pending" && next.unsatisfied === 0;
  return begins ? [opened, ...dispatchStep(task, next, at)] : [opened];
}
