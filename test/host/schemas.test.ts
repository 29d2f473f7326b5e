import { expect, test } from "vitest";
import { Fault } from "#domain/fault";
import type { JsonObject } from "#domain/json";
import { jsonSchemas } from "#host/schemas";

const order: JsonObject = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  required: ["customer", "items"],
  additionalProperties: false,
  properties: {
    customer: { type: "string", format: "email" },
    items: { type: "array", items: { $ref: "#/$defs/item" }, minItems: 1 },
    kind: { enum: ["new", "used"] },
  },
  $defs: { item: { type: "object", required: ["price"], properties: { price: { type: "number" } } } },
};

test("what fits has no problem, and what does not is told with every place", () => {
  const { problemOf } = jsonSchemas();

  expect(problemOf(order, { customer: "a@b.org", items: [{ price: 1 }] })).toBeUndefined();
  expect(problemOf(order, { customer: "nobody", items: [{}, { price: "2" }], kind: "old", more: 1 })).toBe(
    'the value must NOT have additional properties: "more"; /customer must match format "email"; ' +
      "/items/0 must have required property 'price'; /items/1/price must be number; " +
      '/kind must be equal to one of the allowed values: ["new","used"]',
  );
  expect(problemOf(order, null)).toBe("the value must be object");
});

test("a list of mistakes is told as far as a person reads, and a long list is not searched to its end", () => {
  const { problemOf } = jsonSchemas();
  const schema: JsonObject = { items: { type: "string" } };
  const some = problemOf(schema, Array(30).fill(1)) ?? "";
  const many = problemOf(schema, Array(200_000).fill(1));
  const long = problemOf({ additionalProperties: false }, { ["x".repeat(60_000)]: 1 }) ?? "";

  expect(some).toMatch(/^\/0 must be string; .*; \/9 must be string; and 20 more$/);
  expect(many).toBe("/0 must be string");
  expect(Buffer.byteLength(long)).toBeLessThanOrEqual(256);
});

test.each<[string, JsonObject, RegExp]>([
  ["a type there is none of", { type: "text" }, /\/type must be equal to one of the allowed values/],
  ["a bound that is no number", { properties: { a: { minimum: "1" } } }, /\/properties\/a\/minimum must be/],
  ["a schema from elsewhere", { $ref: "https://example.org/a.json" }, /can't resolve reference/],
  ["a definition that is not there", { $ref: "#/$defs/none" }, /can't resolve reference/],
  ["a pattern that is none", { pattern: "(" }, /must match format "regex"|Invalid regular expression/],
  ["an answer that comes later", { $async: true, type: "string" }, /\$async is not JSON Schema/],
  ["itself and nothing else", { $ref: "#" }, /refers to itself without end/],
])("%s is no schema", (_, schema, why) => {
  const { problemOf } = jsonSchemas();
  const refused = () => problemOf(schema, "x");

  expect(refused).toThrow(Fault);
  expect(refused).toThrow(why);
});

test("words a schema may have for others are left alone", () => {
  const { problemOf } = jsonSchemas();

  expect(problemOf({ "x-form": { wide: true }, format: "colour", type: "string" }, "red")).toBeUndefined();
});

test("schemas do not see one another, even under one name", () => {
  const { problemOf } = jsonSchemas();
  const named = (type: string): JsonObject => ({
    $id: "https://example.org/one",
    $defs: { part: { $id: "https://example.org/part", type } },
    $ref: "part",
  });

  expect(problemOf(named("string"), "a")).toBeUndefined();
  expect(problemOf(named("number"), 1)).toBeUndefined();
  expect(problemOf(named("number"), "a")).toBe("the value must be number");
});

test("what every object inherits is no property of the value", () => {
  const { problemOf } = jsonSchemas();

  expect(problemOf({ required: ["constructor"] }, {})).toBe(
    "the value must have required property 'constructor'",
  );
});

test("nothing is filled in and nothing is turned into what was wanted", () => {
  const { problemOf } = jsonSchemas();
  const value = { count: "1" };
  const schema: JsonObject = {
    properties: { count: { type: "integer" }, kind: { default: "new" } },
  };

  expect(problemOf(schema, value)).toBe("/count must be integer");
  expect(value).toEqual({ count: "1" });
});
