import { afterAll, expect, test } from "vitest";
import type { Json, JsonObject } from "#domain/json/json";
import { jsonSchemas } from "#host/schemas";

const schemas = jsonSchemas();
afterAll(() => schemas.close());

/** What is wrong with the value, or undefined. */
async function problemOf(schema: JsonObject, value: Json): Promise<string | undefined> {
  const verdict = await schemas.judge(schema, JSON.stringify(value));
  // What is cheap is known from then on, and the same.
  expect([verdict, undefined]).toContainEqual(schemas.known(schema, JSON.stringify(value)));
  return verdict.type === "fits" ? undefined : verdict.text;
}

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

test("what fits has no problem, and what does not is told with every place", async () => {
  expect(await problemOf(order, { customer: "a@b.org", items: [{ price: 1 }] })).toBeUndefined();
  expect(
    await problemOf(order, { customer: "nobody", items: [{}, { price: "2" }], kind: "old", more: 1 }),
  ).toBe(
    'the value must NOT have additional properties: "more"; /customer must match format "email"; ' +
      "/items/0 must have required property 'price'; /items/1/price must be number; " +
      '/kind must be equal to one of the allowed values: ["new","used"]',
  );
  expect(await problemOf(order, null)).toBe("the value must be object");
});

test("a cheap schema is known once it has been asked for, and compiled for nobody else", async () => {
  const own = jsonSchemas();
  const [good, bad] = ['{"customer":"a@b.org","items":[{"price":1}]}', "null"];
  expect(own.known(order, good)).toBeUndefined();
  expect(await own.judge(order, good)).toEqual({ type: "fits" });
  expect(own.known(structuredClone(order), good)).toEqual({ type: "fits" });
  // Every problem is looked for by a validator of its own, which is not compiled in a turn either.
  expect(own.known(order, bad)).toBeUndefined();
  const misfit = { type: "misfit", text: "the value must be object" };
  expect(await own.judge(order, bad)).toEqual(misfit);
  expect(own.known(order, bad)).toEqual(misfit);
});

test("a list of mistakes is told as far as a person reads, and a long list is not searched to its end", async () => {
  const schema: JsonObject = { items: { type: "string" } };
  const some = (await problemOf(schema, Array(30).fill(1))) ?? "";
  const many = await problemOf(schema, Array(200_000).fill(1));
  const long = (await problemOf({ additionalProperties: false }, { ["x".repeat(60_000)]: 1 })) ?? "";

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
])("%s is no schema", async (_, schema, why) => {
  const verdict = await schemas.judge(schema, '"x"');

  expect(verdict).toMatchObject({ type: "invalid", text: expect.stringMatching(why) });
});

test("words a schema may have for others are left alone", async () => {
  const schema = { "x-form": { wide: true }, format: "colour", type: "string" };
  expect(await problemOf(schema, "red")).toBeUndefined();
});

test("schemas do not see one another, even under one name", async () => {
  const named = (type: string): JsonObject => ({
    $id: "https://example.org/one",
    $defs: { part: { $id: "https://example.org/part", type } },
    $ref: "part",
  });

  expect(await problemOf(named("string"), "a")).toBeUndefined();
  expect(await problemOf(named("number"), 1)).toBeUndefined();
  expect(await problemOf(named("number"), "a")).toBe("the value must be number");
});

test("what every object inherits is no property of the value", async () => {
  expect(await problemOf({ required: ["constructor"] }, {})).toBe(
    "the value must have required property 'constructor'",
  );
});

test("nothing is filled in and nothing is turned into what was wanted", async () => {
  const schema: JsonObject = {
    properties: { count: { type: "integer" }, kind: { default: "new" } },
  };

  expect(await problemOf(schema, { count: "1" })).toBe("/count must be integer");
});

test("a value is what every agent will read, however its numbers are written", async () => {
  const schema = { properties: { x: { type: "number", maximum: 0.31 } } };
  expect(await schemas.judge(schema, '{"x":0.30000000000000004}')).toEqual({ type: "fits" });
  expect(await schemas.judge(schema, '{"x":3000000000000000000001e-22}')).toEqual({ type: "fits" });
});

test.each(["__proto__", "constructor", "toString", "hasOwnProperty", "prototype"])(
  "a property called %j is one like any other",
  async (name) => {
    const object = (value: Json) => Object.fromEntries([[name, value]]) as JsonObject;
    const schema: JsonObject = {
      type: "object",
      properties: object({ type: "integer" }),
      required: [name],
      additionalProperties: false,
      $defs: object({ enum: [name, 1] }),
      propertyNames: { $ref: `#/$defs/${name}` },
    };
    expect(await problemOf(schema, object(1))).toBeUndefined();
    expect(await problemOf(schema, object("1"))).toContain(`/${name} must be integer`);
    expect(await problemOf(schema, {})).toContain(`must have required property '${name}'`);
    expect(await problemOf(schema, { other: 1 })).toContain("must NOT have additional properties");
    const nested: JsonObject = { properties: { a: { items: { properties: object({ type: "integer" }) } } } };
    const list = { a: [object(1), object(true)] };
    expect(await problemOf(nested, list)).toBe(`/a/1/${name} must be integer`);
  },
);
