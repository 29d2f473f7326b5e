import { expect, test } from "vitest";
import { differences } from "#domain/template/diff";
import type { TemplateBody, TemplateStep } from "#domain/template/template";

const charge: TemplateStep = { name: "charge", handler: { callable: "card" }, retry: { max_attempts: 3 } };
const ship: TemplateStep = { name: "ship", handler: { callable: "post" }, dependencies: ["charge"] };
const order: TemplateBody = {
  name: "order",
  namespace_name: "shop",
  version: "1.0.0",
  steps: [charge, ship],
};

test("the same body has no differences, whatever the order of its keys", () => {
  const { steps, ...rest } = order;

  expect(differences(order, { steps, ...rest })).toEqual([]);
});

test("a difference is named by its path, steps by their names", () => {
  const after: TemplateBody = {
    ...order,
    description: "Orders",
    steps: [
      { ...charge, retry: { max_attempts: 5 } },
      { ...ship, dependencies: ["charge", "pack"] },
      { name: "pack", handler: { callable: "box" } },
    ],
  };

  expect(differences(order, after)).toEqual([
    "steps.charge.retry.max_attempts: 3 → 5",
    'steps.ship.dependencies.1: nothing → "pack"',
    'steps.pack: nothing → {"name":"pack","handler":{"callable":"box"}}',
    'description: nothing → "Orders"',
  ]);
});

test("steps in another order are a difference, for the order written is kept", () => {
  expect(differences(order, { ...order, steps: [ship, charge] })).toEqual([
    'steps: the order ["charge","ship"] → ["ship","charge"]',
  ]);
});

test("at most ten lines are given, and the last counts the rest", () => {
  const config = (value: number) =>
    Object.fromEntries(Array.from({ length: 25 }, (_, i) => [`k${i}`, value]));
  const lines = differences({ ...order, metadata: config(1) }, { ...order, metadata: config(2) });

  expect(lines).toHaveLength(10);
  expect(lines.at(-1)).toBe("and 16 more");
});

test("a long value is cut", () => {
  const [line = ""] = differences(order, { ...order, description: "x".repeat(500) });

  expect(line).toMatch(/^description: nothing → "x+…$/);
  expect(line.length).toBeLessThan(100);
});
