import fc from "fast-check";
import { expect, test } from "vitest";
import type { Json, JsonObject } from "#domain/json/json";
import { costOf } from "#host/schemas/cost";

const weightOf = (schema: JsonObject) => costOf(schema, JSON.stringify(schema).length)?.weight;

/** Each of them refers to the next one twice. */
function doubled(depth: number): JsonObject {
  const ref = (i: number) => ({ $ref: `#/$defs/a${i}` });
  const parts = Array.from({ length: depth }, (_, i) => [`a${i}`, { allOf: [ref(i + 1), ref(i + 1)] }]);
  return { $ref: "#/$defs/a0", $defs: { ...Object.fromEntries(parts), [`a${depth}`]: { type: "string" } } };
}

test("a schema as people write them is cheap, and weighs as much as it has keywords", () => {
  const item = { type: "object", required: ["price"], properties: { price: { type: "number" } } };
  const items = { type: "array", items: { $ref: "#/$defs/item" }, minItems: 1 };
  expect(weightOf({ type: "object", properties: { items }, $defs: { item } })).toBe(13);
  expect(weightOf({})).toBe(1);
  expect(weightOf({ type: "array", uniqueItems: true, items: { type: ["string", "null"] } })).toBe(6);
  expect(weightOf({ pattern: "^(a+)+$" })).toBeLessThan(20);
  const mails = Array.from({ length: 60 }, (_, i) => [`mail${i}`, { type: "string", format: "email" }]);
  expect(weightOf({ properties: Object.fromEntries(mails) })).toBe(1 + 60 * (1 + 1 + 1 + 16));
  expect(weightOf({ title: "x", description: "y", default: { a: 1 }, "x-form": [1], format: "colour" })).toBe(
    1,
  );
});

test("what several references lead to is counted at each of them", () => {
  expect(weightOf(doubled(3))).toBeGreaterThan(8);
  expect(weightOf(doubled(5))).toBeGreaterThan(32);
  expect(weightOf(doubled(9))).toBeUndefined();
  expect(weightOf(doubled(30))).toBeUndefined();
});

const deep = (levels: number) =>
  Array.from({ length: levels }).reduce<JsonObject>((of) => ({ items: of }), {});

test.each<[string, JsonObject]>([
  ["refers to itself", { properties: { a: { $ref: "#" } } }],
  [
    "refers to itself by way of another",
    { $ref: "#/$defs/a", $defs: { a: { items: { $ref: "#/$defs/a" } } } },
  ],
  ["has a definition that refers to itself", { $defs: { a: { not: { $ref: "#/$defs/a" } } } }],
  ["compares all items with all", { uniqueItems: true }],
  ["compares objects with all", { uniqueItems: true, items: { type: ["string", "object"] } }],
  ["has a pattern that goes back", { pattern: "^(?!a)" }],
  ["has a pattern among its properties that goes back", { patternProperties: { "(a)\\1": true } }],
  ["has a pattern that is none", { pattern: "(" }],
  ["has a format that goes back", { format: "url" }],
  ["has many branches", { oneOf: Array.from({ length: 2_000 }, (_, i) => ({ const: i })) }],
  ["has many values", { enum: Array.from({ length: 300 }, (_, i) => i) }],
  ["tracks what was looked at", { unevaluatedProperties: false }],
  ["is referred to by names", { $dynamicRef: "#a", $defs: { a: { $dynamicAnchor: "a" } } }],
  ["has a name inside", { properties: { a: { $anchor: "a" } } }],
  ["has a base inside", { items: { $id: "https://example.org/a" } }],
  ["goes deep", deep(40)],
  ["goes deeper than a stack", deep(3_000)],
  ["refers to elsewhere", { $ref: "https://example.org/a" }],
  ["refers to nothing", { $ref: "#/$defs/none" }],
  ["refers to what every object has", { $ref: "#/constructor" }],
  ["is of another draft", { $schema: "http://json-schema.org/draft-07/schema#" }],
  ["has items as a list", { items: [{}] }],
  ["has dependencies", { dependencies: { a: ["b"] } }],
  ["waits", { $async: true }],
  ["is malformed", { type: "text" }],
  ["has a malformed definition", { $defs: { a: { minimum: "1" } } }],
  ["has a title that is none", { title: 1 }],
  ["is long", { description: "x".repeat(20_000) }],
])("what %s is left to the thread", (_, schema) => {
  expect(weightOf(schema)).toBeUndefined();
});

test("any JSON at all is looked at in no time, and nothing is thrown", () => {
  const keywords = [
    "allOf",
    "items",
    "$ref",
    "$defs",
    "properties",
    "enum",
    "pattern",
    "type",
    "required",
    "$id",
  ];
  const { tree } = fc.letrec<{ tree: Json }>((tie) => ({
    tree: fc.oneof(
      { depthSize: "large" },
      fc.constantFrom<Json>(...["#", "#/$defs", "#/allOf", "string", "(", 1, true, null]),
      fc.array(tie("tree"), { maxLength: 4 }),
      fc.dictionary(fc.constantFrom(...keywords), tie("tree"), { maxKeys: 5 }),
    ) as fc.Arbitrary<Json>,
  }));
  fc.assert(
    fc.property(tree, (json) => {
      const weight = weightOf({ allOf: json });
      return weight === undefined || weight <= 256;
    }),
    { numRuns: 500, seed: 8 },
  );
});
