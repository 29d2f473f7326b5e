import { z } from "zod";
import { budgetBounds } from "#domain/task/budget";
import { limits } from "#limits/index";
import { wholeNumber } from "../validate.js";

const bound = wholeNumber(limits.budgetBound, "0 means no bound");

/** The bounds of a budget, as a protocol has them. */
export const budgetInput = z.object({ tokens: bound, usdMicros: bound, toolCalls: bound, wallMs: bound });

/** The same with at least one bound. */
export const someBudget = budgetInput.superRefine((budget, context) => {
  if (budgetBounds.some((name) => budget[name] > 0)) return;
  const message = "adds nothing: send a number above 0 for at least one bound.";
  context.addIssue({ code: "custom", message });
});
