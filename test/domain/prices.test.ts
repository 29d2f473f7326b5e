import fc from "fast-check";
import { expect, test } from "vitest";
import { costOf, type Prices, withCost } from "#domain/task/prices";
import { addUsage, NO_USAGE, usageOf } from "#domain/task/usage";
import { limits } from "#limits/index";

const one = { model: "m", inputTokens: 0, outputTokens: 0, cachedTokens: 0, toolCalls: 0 };
const table = (input: bigint, output = input, cachedInput = input): Prices =>
  new Map([["m", { input, output, cachedInput }]]);

test("a cost is the sum of what its tokens cost, rounded once, a half up", () => {
  const third = table(333_333n);
  expect(costOf({ ...one, inputTokens: 1 }, third)).toBe(0);
  expect(costOf({ ...one, inputTokens: 2 }, third)).toBe(1);
  expect(costOf({ ...one, inputTokens: 1, outputTokens: 1 }, third)).toBe(1);
  expect(costOf({ ...one, inputTokens: 1 }, table(500_000n))).toBe(1);
  expect(costOf({ ...one, inputTokens: 1 }, table(499_999n))).toBe(0);
  expect(costOf({ ...one, inputTokens: 3 }, table(500_000n))).toBe(2);
});

test("cached tokens are part of the input, and no more than all of it", () => {
  const prices = table(3_000_000n, 15_000_000n, 300_000n);
  expect(costOf({ ...one, inputTokens: 100, cachedTokens: 40 }, prices)).toBe(60 * 3 + 12);
  expect(costOf({ ...one, inputTokens: 10, cachedTokens: 40 }, prices)).toBe(3);
});

test("of a model without a price nobody knows the cost; what an agent says is not looked up", () => {
  expect(costOf({ ...one, model: "other", inputTokens: 5 }, table(1n))).toBeUndefined();
  expect(withCost({ ...one, model: "other" }, table(1n)).usdMicros).toBeUndefined();
  expect(withCost({ ...one, usdMicros: 0, inputTokens: 9 }, table(1_000_000n)).usdMicros).toBe(0);
  expect(withCost({ ...one, inputTokens: 9 }, table(1_000_000n)).usdMicros).toBe(9);
});

test("a cost is exact for any tokens and any price, and at most what one report counts", () => {
  const tokens = fc.integer({ min: 0, max: limits.usageCount });
  const price = fc.bigInt({ min: 0n, max: 1_000_000n * 1_000_000n });
  fc.assert(
    fc.property(tokens, tokens, price, price, (inputTokens, outputTokens, input, output) => {
      const cost = costOf({ ...one, inputTokens, outputTokens }, table(input, output));
      const parts = BigInt(inputTokens) * input + BigInt(outputTokens) * output;
      const exact = parts / 1_000_000n + (parts % 1_000_000n >= 500_000n ? 1n : 0n);
      expect(BigInt(cost ?? -1)).toBe(exact > BigInt(limits.usageCount) ? BigInt(limits.usageCount) : exact);
    }),
  );
});

test("sums stay whole numbers that are counted exactly", () => {
  const most = usageOf({ ...one, inputTokens: limits.usageCount, outputTokens: limits.usageCount });
  let sum = NO_USAGE;
  for (let i = 0; i < 10_000; i += 1) sum = addUsage(sum, most);
  expect(sum.reports).toBe(10_000);
  expect(sum.inputTokens).toBe(Number.MAX_SAFE_INTEGER);
  expect(sum.unpricedTokens).toBe(Number.MAX_SAFE_INTEGER);
});
