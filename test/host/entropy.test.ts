import { expect, test } from "vitest";
import { nodeEntropy } from "#host/entropy";

const entropy = nodeEntropy();

test("ids are UUIDv7 and sort in the order they were made in", () => {
  const ids = Array.from({ length: 2_000 }, () => entropy.uuid());

  expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect([...new Set(ids)].sort()).toEqual(ids);
});

test("draws lie in [0, 1)", () => {
  const draws = Array.from({ length: 1_000 }, () => entropy.draw());

  expect(draws.every((draw) => draw >= 0 && draw < 1)).toBe(true);
});

test("ids are dated by the clock they are given", () => {
  const dated = nodeEntropy(() => 0x0123_4567_89ab).uuid();
  expect(dated.slice(0, 13)).toBe("01234567-89ab");
});
