import { expect, test } from "vitest";
import { nearest } from "#domain/nearest";

test.each([
  ["lst", ["list", "get", "drain"], 1, "list"],
  ["LIST", ["list", "get"], 1, "list"],
  ["fetsh", ["pack", "fetch"], 1, "fetch"],
  ["one", ["two"], 1, undefined],
  ["ls", ["list"], 1, undefined],
  ["ls", ["list"], 2, "list"],
  ["abcdefghijklmnop", ["abcdefghijkl"], 1, undefined],
  ["x".repeat(65), ["x".repeat(65)], 1, undefined],
  ["", [], 1, undefined],
])("who writes %s means, of %s and with %i slips, %s", (word, candidates, slips, expected) => {
  expect(nearest(word, candidates, slips)).toBe(expected);
});
