import type { TaskId } from "#domain/id";
import { type BudgetBound, budgetOf, budgetOwners, reachedBounds, usedOf } from "#domain/task/budget";
import type { Instant } from "#domain/time/time";
import type { TaskDetail } from "#ports/store";
import type { CallerReads } from "../caller-reads.js";

/** A Task whose budget is used up. */
export interface UsedUpBudget {
  readonly id: TaskId;
  /** Of what. */
  readonly bounds: readonly BudgetBound[];
}

/**
 * The budgets that keep a Task from going on: its own, also if only Tasks below it are held so far, for which it waits; and those above it,
 * if it is held for want of one.
 */
export async function usedUpBudgets(
  { task, steps }: TaskDetail,
  reads: Pick<CallerReads, "task">,
  now: Instant,
): Promise<readonly UsedUpBudget[]> {
  const isHeld = steps.some(({ heldFor }) => heldFor === "BUDGET_EXCEEDED");
  const found: UsedUpBudget[] = [];
  for (const id of budgetOwners(task)) {
    if (id !== task.id && !isHeld) continue;
    const owner = id === task.id ? task : (await reads.task(id))?.task;
    const budget = owner && budgetOf(owner);
    if (!budget) continue;
    const bounds = reachedBounds(budget, usedOf(owner, now));
    if (bounds.length > 0) found.push({ id, bounds });
  }
  return found;
}
