import { AgentError } from "./agent-error.js";

/** The result of a decision step: which of the steps that depend on it are to be made. */
export interface DecisionResult {
  readonly decision_point_outcome:
    | { readonly type: "create_steps"; readonly step_names: readonly string[] }
    | { readonly type: "no_branches" };
}

/**
 * The result of a decision: these steps go on. Spread it to say more: `{ ...createSteps(["refund"]), reason }`.
 *
 * @throws {AgentError} if no step is named; that is what {@link noBranches} is for
 */
export function createSteps(stepNames: readonly string[]): DecisionResult {
  if (stepNames.length === 0) {
    throw new AgentError("createSteps needs a step's name; for none there is noBranches()", {
      retryable: false,
    });
  }
  return { decision_point_outcome: { type: "create_steps", step_names: [...stepNames] } };
}

/** The result of a decision: none of its branches is taken, and the task goes on after them. */
export function noBranches(): DecisionResult {
  return { decision_point_outcome: { type: "no_branches" } };
}
