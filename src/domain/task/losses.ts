import { limits } from "#limits/index";
import type { StepSpec } from "../graph/plan.js";
import { MAIN_STEP } from "../id.js";

/**
 * A Run is lost if its worker is gone, or if output of it is that was not yet durable. That says nothing about the agent,
 * so it counts against a bound of its own and not as an attempt.
 */

/** How many Runs of the Step may be lost; one more fails it. */
export function maxLossesOf({
  maxLosses,
  spec,
}: {
  readonly maxLosses: number | null;
  readonly spec: StepSpec;
}): number {
  return maxLosses ?? lossesOf(spec);
}

/**
 * The number of a plan. Of a Step from before there were such numbers it is not known whether its template forbids to try
 * it again, so that one with a single attempt may lose none, as was promised then.
 */
export function lossesOf({ maxLosses, maxAttempts, planned }: StepSpec): number {
  if (maxLosses !== undefined) return maxLosses;
  return maxAttempts === 1 && planned !== MAIN_STEP ? 0 : limits.defaultLosses;
}

/**
 * The number of a new Step.
 *
 * @param asked what the request says for every Step; it cannot raise the number of one that is not to be tried again
 */
export function lossesAsked(spec: StepSpec, asked: number | null = null): number {
  const own = lossesOf(spec);
  if (asked === null) return own;
  return spec.retryable === false ? Math.min(asked, own) : asked;
}
