import { expect, test } from "vitest";
import { z } from "zod";
import { workflow } from "#templates/index";
import { runAgent, testPlane } from "#testing/index";
import { agent } from "#worker/index";

const charge = agent({
  name: "charge",
  input: z.looseObject({ cents: z.int().positive() }),
  output: z.object({ receipt: z.string() }),
  run: async ({ cents }) => ({ receipt: `${cents} cents` }),
});
const refund = agent({
  name: "refund",
  run: async (_, { compensate }) => ({ refunded: compensate?.result }),
});
const ship = agent({
  name: "ship",
  run: async (_, ctx) => ({ shipped: await ctx.result("charge", z.object({ receipt: z.string() })) }),
});

const order = workflow("order", { input: z.object({ cents: z.int() }) }, (w) => {
  const refunded = w.compensation("refund", { agent: "refund" });
  const charged = w.step("charge", { agent: "charge", compensate: refunded, retry: { maxAttempts: 3 } });
  const approved = w.signal("approved", { after: [charged], timeoutMs: 7 * 86_400_000 });
  return w.step("ship", { agent: "ship", after: [approved, charged] });
});

const options = { agents: [charge, refund, ship], templates: [order] };
const template = { namespace: "default", name: "order", version: "1.0.0" };

test("an agent alone", async () => {
  const { result } = await runAgent(charge, { cents: 5 });
  expect(result.receipt).toBe("5 cents");
  await expect(runAgent(charge, { cents: -5 })).rejects.toThrow("input_json does not fit the agent");
});

test("an order is charged at the third attempt, approved after two days, and shipped", async () => {
  await using plane = await testPlane(options);
  plane.fail({ step: "charge", attempt: [1, 2], error: "the bank is down", retryAfterMs: 3_600_000 });

  const { id } = await plane.client.tasks.create({ template, input: { cents: 5 } });
  await expect(plane.ended(id)).rejects.toThrow('waits for attempt 2 in 1h: await plane.advance("1h")');
  await plane.advance("2d");
  await plane.client.tasks.signal(id, "approved", { by: "Ann" });
  const task = await plane.ended(id);

  expect(JSON.parse(task.outputJson)).toEqual({ shipped: { receipt: "5 cents" } });
  expect(plane.transcript(id)).toBe(
    `
0s  Task 1 order: created
0s  Task 1 order: begun
0s  Task 1 order, Step charge, attempt 1: assigned to worker-1
0s  Task 1 order, Step charge, attempt 1: FAILED, AGENT_ERROR: the bank is down
0s  Task 1 order, Step charge: waits for attempt 2, until 1h
1h  Task 1 order, Step charge, attempt 2: assigned to worker-1
1h  Task 1 order, Step charge, attempt 2: FAILED, AGENT_ERROR: the bank is down
1h  Task 1 order, Step charge: waits for attempt 3, until 2h
2h  Task 1 order, Step charge, attempt 3: assigned to worker-1
2h  Task 1 order, Step charge, attempt 3: COMPLETED
2h  Task 1 order, Step charge: complete
2h  Task 1 order, Step approved: waits for signal approved
2d  Task 1 order, Step approved: complete
2d  Task 1 order, Step ship, attempt 1: assigned to worker-1
2d  Task 1 order, Step ship, attempt 1: COMPLETED
2d  Task 1 order, Step ship: complete
2d  Task 1 order: COMPLETED
`.trim(),
  );
});

test("an order that nobody approves within a week is refunded", async () => {
  await using plane = await testPlane(options);
  const { id } = await plane.client.tasks.create({ template, input: { cents: 5 } });

  const task = await plane.ended(id, { within: "7d" });
  const refunding = await plane.ended(task.compensatedBy);

  expect(task.status).toBe("FAILED");
  expect(refunding.status).toBe("COMPLETED");
});
