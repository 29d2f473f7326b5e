/**
 * # Budgets
 *
 * What bounds the use of models by a Task and the Tasks below it.
 */
export const budgets = {
  /** A bound of a budget, after all that was added to it: numbers stay exact up to here. */
  budgetBound: 1_000_000_000_000_000,
  /** The part of a bound that is used when the Task's log warns of it: enough is left to raise it before anything stops. */
  budgetSoftLimit: 0.8,
  /** Requests to raise a budget that are remembered by their id, so that one that is sent again counts once. */
  topUpRequests: 20,
} as const;
