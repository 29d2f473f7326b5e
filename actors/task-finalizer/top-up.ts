import { mayUse } from "#domain/caller";
import { Fault } from "#domain/fault";
import { alreadyEnded, taskNotFound } from "#domain/refusals";
import {
  amount,
  type Budget,
  type BudgetBound,
  boundFields,
  budgetBounds,
  budgetOf,
  raised,
  reachedBounds,
  usedOf,
} from "#domain/task/budget";
import { isTerminal, type TaskRow } from "#domain/task/task";
import { limits } from "#limits/index";
import type { Command } from "../commands.js";
import { refuse, replyTask } from "../make-command.js";
import { noteAction } from "../step/by-hand.js";
import { lookSoon, timeBudget, warn } from "../task/budget.js";
import { taskAlone } from "../task/quiescence.js";
import type { FinalizerHandler } from "./handler.js";

/** Somebody raises a Task's budget: what was stopped for want of it goes on. A request that is sent again is answered as the first one was. */
export const topUp: FinalizerHandler<"top.up"> = {
  needs: ({ taskId }) => ({ steps: [taskAlone(taskId)], stepActions: [taskAlone(taskId)] }),

  decide({ caller, taskId, add, reason, requestId }, view, { at }) {
    const task = view.task(taskId);
    if (!task || !mayUse(caller, task.namespace)) return [refuse(taskNotFound(taskId))];
    const { requests = [] } = task.budget ?? {};
    if (requestId !== "" && requests.includes(requestId)) return [replyTask(taskId)];
    if (isTerminal(task.state)) return [refuse(alreadyEnded(task))];
    const bounds = budgetOf(task);
    if (!bounds) return [refuse(noBudget(task))];

    const used = usedOf(task, at);
    const after = raised(bounds, add);
    const refusal = unknownBound(task, bounds, add) ?? tooLittle(task, after, add, used);
    if (refusal) return [refuse(refusal)];

    const kept = requestId === "" ? requests : [...requests, requestId].slice(-limits.topUpRequests);
    const next = { ...task, budget: { bounds: after, requests: kept } };
    const wasReached = reachedBounds(bounds, used).length > 0;
    return [
      { type: "noteBudget", params: { taskId, budget: next.budget } },
      noteAction(taskAlone(taskId), { caller, type: "top_up", reason }, view, at),
      warn(task, `BUDGET: raised by ${addedText(add)}`, at),
      ...(task.heldTime ? [timeBudget(next, at)] : []),
      ...(wasReached ? [lookSoon(taskId, at)] : []),
      replyTask(taskId),
    ] satisfies Command[];
  },
};

/** What is added, for people. */
export function addedText(add: Budget): string {
  const added = budgetBounds.filter((bound) => add[bound] > 0);
  return added.map((bound) => amount(bound, add[bound])).join(", ");
}

function noBudget({ id, spec }: TaskRow): Fault {
  const [owner] = spec.budgetsAbove ?? [];
  const message =
    owner === undefined
      ? `Task ${id} has no budget, so that nothing bounds what it uses: there is nothing to raise.`
      : `Task ${id} has no budget of its own, and shares that of Task ${owner}: raise the budget of that one.`;
  const metadata = owner === undefined ? undefined : { budget_task_id: owner };
  return new Fault("wrong_state", message, { reason: "NO_BUDGET", ...(metadata && { metadata }) });
}

function unknownBound({ id }: TaskRow, bounds: Budget, add: Budget): Fault | undefined {
  const unknown = budgetBounds.find((bound) => add[bound] > 0 && bounds[bound] === 0);
  if (unknown === undefined) return undefined;
  const field = `add.${boundFields[unknown]}`;
  const known = budgetBounds.filter((bound) => bounds[bound] > 0).map((bound) => boundFields[bound]);
  const message = `${field} adds to a bound that Task ${id} does not have: its budget bounds ${known.join(", ")}.`;
  return new Fault("invalid", message, { field, reason: "NOT_BOUNDED" });
}

/** What leaves the Task stopped as before would only seem to help. */
function tooLittle({ id }: TaskRow, after: Budget, add: Budget, used: Budget): Fault | undefined {
  const [bound] = reachedBounds(after, used);
  if (bound === undefined) return undefined;
  const field = `add.${boundFields[bound]}`;
  const missing = add[bound] + missingOf(bound, after, used);
  const message = `${field} is ${add[bound]}, which is not enough for Task ${id} to go on: it has used ${amount(bound, used[bound])}, and would be bounded by ${amount(bound, after[bound])}: add at least ${missing}.`;
  return new Fault("invalid", message, {
    field,
    reason: "BUDGET_EXCEEDED",
    metadata: { least: String(missing) },
  });
}

function missingOf(bound: BudgetBound, after: Budget, used: Budget): number {
  return used[bound] - after[bound] + 1;
}
