/** The agents of `order_fulfillment` and its compensations. Amounts are in cents. */
import { createHash } from "node:crypto";
import { AgentError, agent } from "taskrun/worker";
import { z } from "zod";
import { charge as askBank, available, catalogue, products, record, recordOf } from "./shop.mjs";

/** Not retryable: another attempt would fail too. */
function final(message) {
  return new AgentError(message, { retryable: false });
}

export const validate = agent({
  name: "order_validate",
  input: z.object({ items: z.array(z.object({ sku: z.string(), quantity: z.int() })) }),
  async run({ items }) {
    const unknown = items.filter(({ sku }) => !products.has(sku)).map(({ sku }) => sku);
    if (unknown.length > 0) throw final(`the catalogue has no ${unknown.join(", ")}`);

    const lines = items.map(({ sku, quantity }) => {
      const { price_cents, tax_percent, weight_grams } = products.get(sku);
      const net = price_cents * quantity;
      const tax = Math.round((net * tax_percent) / 100);
      return { sku, quantity, net_cents: net, tax_cents: tax, weight_grams: weight_grams * quantity };
    });
    const sum = (of) => lines.reduce((all, line) => all + line[of], 0);
    const [net, tax] = [sum("net_cents"), sum("tax_cents")];
    return {
      lines,
      net_cents: net,
      tax_cents: tax,
      total_cents: net + tax,
      weight_grams: sum("weight_grams"),
    };
  },
});

export const reserve = agent({
  name: "order_reserve",
  input: z.unknown(),
  async run(_, ctx) {
    const { lines } = await ctx.result("validate_order");
    // The task's id is the order's number, so a second attempt finds that the goods are reserved.
    if (!recordOf(ctx.taskId).reserved) {
      const short = lines.filter(({ sku, quantity }) => available(sku) < quantity);
      if (short.length > 0) {
        throw final(
          short.map(({ sku, quantity }) => `${quantity} of ${sku} wanted, ${available(sku)} left`).join("; "),
        );
      }
      record(ctx.taskId, { reserved: lines.map(({ sku, quantity }) => ({ sku, quantity })) });
    }
    return { left: Object.fromEntries(lines.map(({ sku }) => [sku, available(sku)])) };
  },
});

export const charge = agent({
  name: "order_charge",
  input: z.object({ card: z.string() }),
  async run({ card }, ctx) {
    const { total_cents } = await ctx.result("validate_order");
    if (recordOf(ctx.taskId).charged_cents === undefined) {
      const answer = askBank(ctx.taskId, card);
      if (answer === "declined") throw final(`the card ending in ${card.slice(-4)} was declined`);
      if (answer === "silent") throw new AgentError("the card's bank does not answer");
      record(ctx.taskId, { charged_cents: total_cents });
    }
    const id = createHash("sha256").update(`${ctx.taskId} ${card}`).digest("hex").slice(0, 12);
    return { payment: `pay_${id}`, charged_cents: total_cents, attempts: ctx.attempt };
  },
});

/** Ships the order, if a carrier serves its country. */
export const ship = agent({
  name: "order_ship",
  input: z.object({ address: z.object({ country: z.string() }) }),
  async run({ address: { country } }, ctx) {
    // Not a direct dependency: results of all earlier steps can be read.
    const { weight_grams } = await ctx.result("validate_order");
    const tariff = catalogue.shipping[country];
    if (!tariff) throw final(`no carrier goes to ${country}`);

    const parcels = Math.ceil(weight_grams / catalogue.parcel_most_grams);
    const kilograms = Math.ceil(weight_grams / 1_000);
    const cents = tariff.base_cents * parcels + tariff.cents_per_kilogram * kilograms;
    const tracking = createHash("sha256").update(ctx.taskId).digest("hex").slice(0, 10).toUpperCase();
    record(ctx.taskId, { tracking });
    return { tracking: `${country}${tracking}`, shipping_cents: cents, parcels };
  },
});

/** The input of a compensating step: the task whose step it compensates. */
const compensating = z.object({ compensate: z.object({ task_id: z.string() }) });

export const release = agent({
  name: "order_release",
  input: compensating,
  async run({ compensate: { task_id: order } }) {
    const { reserved = [] } = recordOf(order);
    record(order, { reserved: undefined });
    return { released: reserved };
  },
});

export const refund = agent({
  name: "order_refund",
  input: compensating,
  async run({ compensate: { task_id: order } }) {
    const { charged_cents = 0, refunded_cents = charged_cents } = recordOf(order);
    record(order, { refunded_cents });
    return { refunded_cents };
  },
});
