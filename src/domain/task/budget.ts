import { limits } from "#limits/index";
import type { TaskId } from "../id.js";
import { type Instant, later, millis } from "../time/time.js";
import { type Budget, type BudgetBound, budgetBounds, type HeldTime, NO_BUDGET } from "./budget-terms.js";
import type { TaskRow, TaskSpec } from "./task.js";

export {
  type Budget,
  type BudgetBound,
  budgetBounds,
  type HeldTime,
  NO_BUDGET,
  type RaisedBudget,
} from "./budget-terms.js";

/** Budgets of Tasks that ask for none, by `NAMESPACE/AGENT`, `NAMESPACE`, `*` for any namespace followed by `/AGENT`, and `*`. */
export type DefaultBudgets = ReadonlyMap<string, Budget>;

/** What a new Task gets: the first of these that is there, from that of its agent in its namespace to that of all. */
export function defaultBudget(
  budgets: DefaultBudgets,
  namespace: string,
  agentName: string,
): Budget | undefined {
  return (
    budgets.get(`${namespace}/${agentName}`) ??
    budgets.get(namespace) ??
    budgets.get(`*/${agentName}`) ??
    budgets.get("*")
  );
}

/** True if it bounds anything. */
export function isBudget(budget: Budget | undefined): budget is Budget {
  return budget !== undefined && budgetBounds.some((bound) => budget[bound] > 0);
}

/** The budget of a Task: what it was created with, or what that was raised to. Undefined if it has none of its own. */
export function budgetOf({ spec, budget }: Pick<TaskRow, "spec" | "budget">): Budget | undefined {
  return budget?.bounds ?? spec.budget;
}

/** The Tasks whose budgets bound this one, the nearest first: itself, and those above. */
export function budgetOwners({ id, spec }: Pick<TaskRow, "id" | "spec">): readonly TaskId[] {
  const { budget, budgetsAbove = NONE } = spec;
  return budget ? [id, ...budgetsAbove] : budgetsAbove;
}

const NONE: readonly TaskId[] = [];

/**
 * The fields of budgets in the spec of a Task that follows from another one. A Task below shares the budgets above it; the same work done
 * anew begins with the same budget; and what compensates is bounded by none, since what was done must be undone whatever it costs.
 *
 * @param own what sets the new Task apart
 */
export function followingBudget(
  spec: TaskSpec,
  { parent, compensates = "" }: Partial<TaskSpec>,
): Pick<TaskSpec, "budget" | "budgetsAbove"> {
  if (compensates !== "") return {};
  if (!parent) return spec.budget ? { budget: spec.budget } : {};
  const budgetsAbove = budgetOwners({ id: parent.taskId, spec });
  return budgetsAbove.length > 0 ? { budgetsAbove } : {};
}

/** What a Task has used by now, all below it included, of what a budget bounds. */
export function usedOf(task: Pick<TaskRow, "usage" | "heldTime">, at: Instant): Budget {
  return { ...usageOf(task), wallMs: task.heldTime ? heldAt(task.heldTime, at) : 0 };
}

/** The same, as its row has it: without what Runs were held since it was written last. */
export function usedAsWritten(task: Pick<TaskRow, "usage" | "heldTime">): Budget {
  return { ...usageOf(task), wallMs: task.heldTime?.ms ?? 0 };
}

function usageOf({ usage }: Pick<TaskRow, "usage">): Budget {
  if (!usage) return NO_BUDGET;
  const { inputTokens, outputTokens, usdMicros, toolCalls } = usage;
  return { ...NO_BUDGET, tokens: inputTokens + outputTokens, usdMicros, toolCalls };
}

function heldAt({ ms, held, since }: HeldTime, at: Instant): number {
  return ms + held * Math.max(0, at - since);
}

/** The time after `by` more Runs are held, or fewer, from this instant on. */
export function heldSince(time: HeldTime | undefined, by: number, at: Instant): HeldTime {
  const { ms, held } = time ? { ms: heldAt(time, at), held: time.held } : { ms: 0, held: 0 };
  return { ms, held: Math.max(0, held + by), since: at };
}

/** The bounds that are used up. */
export function reachedBounds(bounds: Budget, used: Budget): readonly BudgetBound[] {
  return budgetBounds.filter((bound) => bounds[bound] > 0 && used[bound] >= bounds[bound]);
}

/** The bounds of which so much is used that somebody should know. */
export function nearBounds(bounds: Budget, used: Budget): readonly BudgetBound[] {
  return budgetBounds.filter((bound) => bounds[bound] > 0 && used[bound] >= softLimit(bounds[bound]));
}

function softLimit(bound: number): number {
  return bound * limits.budgetSoftLimit;
}

/** When the held time comes to its soft limit, or from there to its end, if no Run is taken or let go; undefined if never. */
export function heldTimeDue({ wallMs }: Budget, { ms, held, since }: HeldTime): Instant | undefined {
  if (held === 0 || ms >= wallMs) return undefined;
  const soft = Math.ceil(softLimit(wallMs));
  const next = ms < soft ? soft : wallMs;
  return later(since, millis(Math.ceil(Math.max(0, next - ms) / held)));
}

/** The budget with more of each bound that it has. */
export function raised(bounds: Budget, add: Budget): Budget {
  return {
    tokens: sum(bounds.tokens, add.tokens),
    usdMicros: sum(bounds.usdMicros, add.usdMicros),
    toolCalls: sum(bounds.toolCalls, add.toolCalls),
    wallMs: sum(bounds.wallMs, add.wallMs),
  };
}

function sum(a: number, b: number): number {
  return Math.min(a + b, limits.budgetBound);
}

/** What a bound is called in requests. */
export const boundFields: Readonly<Record<BudgetBound, string>> = {
  tokens: "tokens",
  usdMicros: "usd_micros",
  toolCalls: "tool_calls",
  wallMs: "wall_ms",
};

/** What was used of these bounds, for people: `1200 of 1000 tokens`. */
export function usedText(names: readonly BudgetBound[], bounds: Budget, used: Budget): string {
  return names.map((bound) => `${amount(bound, used[bound])} of ${amount(bound, bounds[bound])}`).join(", ");
}

/** An amount of what a bound counts, for people. */
export function amount(bound: BudgetBound, count: number): string {
  switch (bound) {
    case "tokens":
      return `${count} tokens`;
    case "usdMicros":
      return `$${(count / 1_000_000).toFixed(6).replace(/(\.\d\d\d*?)0+$/, "$1")}`;
    case "toolCalls":
      return `${count} tool calls`;
    case "wallMs":
      return `${count} ms of runs held`;
  }
}
