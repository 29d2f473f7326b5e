import type { Instant } from "../time/time.js";

/** What a budget bounds: of a Task and the Tasks below it, all in one. */
export const budgetBounds = ["tokens", "usdMicros", "toolCalls", "wallMs"] as const;
export type BudgetBound = (typeof budgetBounds)[number];

/** A number for each bound. As a budget, 0 is none. */
export type Budget = Readonly<Record<BudgetBound, number>>;

export const NO_BUDGET: Budget = { tokens: 0, usdMicros: 0, toolCalls: 0, wallMs: 0 };

/** A budget that was raised, in place of the one with which the Task was created. */
export interface RaisedBudget {
  readonly bounds: Budget;
  /** The ids of the last requests that raised it, the newest last. */
  readonly requests: readonly string[];
}

/** How long Runs under a budget that bounds it were held, summed over them. */
export interface HeldTime {
  /** Up to `since`. */
  readonly ms: number;
  /** How many are held from `since` on. */
  readonly held: number;
  readonly since: Instant;
}
