import { AgentError } from "./error.js";

/**
 * The result of a decision's agent: the dependants of the decision that are to be created. Made by {@link createSteps}
 * or {@link noBranches}.
 *
 * @example
 * ```ts
 * import { createSteps, type DecisionResult, noBranches } from "taskrun/worker";
 *
 * function approversOf(amount: number): DecisionResult {
 *   return amount < 100 ? noBranches() : createSteps(amount < 10_000 ? ["manager"] : ["manager", "director"]);
 * }
 * ```
 */
export interface DecisionResult {
  readonly decision_point_outcome:
    | { readonly type: "create_steps"; readonly step_names: readonly string[] }
    | { readonly type: "no_branches" };
}

/**
 * Makes the result of a decision that takes these branches. Spread it to add fields of your own.
 *
 * @throws {AgentError} if the list is empty: use {@link noBranches}
 *
 * @example
 * ```ts
 * import { agent, createSteps } from "taskrun/worker";
 * import { z } from "zod";
 *
 * const route = agent({
 *   name: "route",
 *   input: z.looseObject({ damaged: z.boolean() }),
 *   run: async ({ damaged }) => ({ ...createSteps([damaged ? "refund" : "restock"]), damaged }),
 * });
 * ```
 */
export function createSteps(stepNames: readonly string[]): DecisionResult {
  if (stepNames.length === 0) {
    throw new AgentError("createSteps needs a step's name; for none there is noBranches()", {
      retryable: false,
    });
  }
  return { decision_point_outcome: { type: "create_steps", step_names: [...stepNames] } };
}

/**
 * Makes the result of a decision that takes no branch. A convergence after the decision runs all the same.
 *
 * @example
 * ```ts
 * import { agent, noBranches } from "taskrun/worker";
 * import { z } from "zod";
 *
 * const route = agent({ name: "route", input: z.looseObject({}), run: async () => noBranches() });
 * ```
 */
export function noBranches(): DecisionResult {
  return { decision_point_outcome: { type: "no_branches" } };
}
