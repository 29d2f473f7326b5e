/** The agents of `approval_routing`, which route an expense to its approvers. Amounts are in euros. */
import { agent, createSteps } from "taskrun/worker";
import { z } from "zod";

export const validate = agent({
  name: "approval_validate",
  input: z.object({
    amount: z.number(),
    currency: z.string().default("EUR"),
    purpose: z.string().default("not given"),
    config: z.object({ euros_per: z.record(z.string(), z.number()) }),
  }),
  async run({ amount, currency, purpose, config: { euros_per } }) {
    return { euros: Math.round(amount * euros_per[currency] * 100) / 100, purpose };
  },
});

export const route = agent({
  name: "approval_route",
  input: z.object({ config: z.object({ auto_below: z.number(), manager_below: z.number() }) }),
  async run({ config: { auto_below, manager_below } }, ctx) {
    const { euros } = await ctx.result("validate_request");
    if (euros < auto_below) return createSteps(["auto_approve"]);
    if (euros < manager_below) return createSteps(["manager_approval"]);
    return createSteps(["manager_approval", "finance_review"]);
  },
});

export const auto = agent({
  name: "approval_auto",
  input: z.unknown(),
  async run(_, ctx) {
    const { euros } = await ctx.result("validate_request");
    return { by: "rule", approved: true, why: `${euros} is below the limit` };
  },
});

/** A manager approves what is left of the month's budget. */
export const manager = agent({
  name: "approval_manager",
  input: z.object({
    spent_this_month: z.number().default(0),
    config: z.object({ monthly_budget: z.number() }),
  }),
  async run({ spent_this_month, config: { monthly_budget } }, ctx) {
    const { euros } = await ctx.result("validate_request");
    const left = monthly_budget - spent_this_month;
    return {
      by: "manager",
      approved: euros <= left,
      why: `${left} of ${monthly_budget} are left this month`,
    };
  },
});

/** Finance spreads the cost over the years of use, and approves it if each year's share is small. */
export const finance = agent({
  name: "approval_finance",
  input: z.object({ config: z.object({ useful_years: z.int(), largest: z.number() }) }),
  async run({ config: { useful_years, largest } }, ctx) {
    const { euros } = await ctx.result("validate_request");
    const yearly = Math.round((euros / useful_years) * 100) / 100;
    return { by: "finance", approved: euros <= largest, why: `${yearly} a year for ${useful_years} years` };
  },
});

/** Joins the approvals that were requested; the other steps do not exist in this task. */
export const finalize = agent({
  name: "approval_finalize",
  input: z.unknown(),
  async run(_, ctx) {
    const { euros, purpose } = await ctx.result("validate_request");
    const asked = await Promise.all(ctx.dependencies.map((name) => ctx.result(name)));
    return {
      approved: asked.every(({ approved }) => approved),
      amount: euros,
      purpose,
      approvals: asked.map(({ by, approved, why }) => `${by}: ${approved ? "yes" : "no"}, ${why}`),
    };
  },
});
