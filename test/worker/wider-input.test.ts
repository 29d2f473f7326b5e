import { expect, test } from "vitest";
import { z } from "zod";
import { jsonSchemaOf } from "#standard-schema/json-schema";

const open = (schema: z.ZodType) => jsonSchemaOf(schema, "input", "open");

test("what takes more than its JSON Schema would say is left open in what a worker announces", () => {
  const schema = z.object({
    plain: z.string(),
    coerced: z.coerce.number(),
    caught: z.enum(["a", "b"]).catch("a"),
    prepared: z.preprocess((value) => value, z.number()),
    trimmed: z.string().trim().min(2),
    within: z.coerce.date().optional(),
    list: z.array(z.coerce.boolean()),
  });
  expect(open(schema)).toEqual({
    type: "object",
    properties: {
      plain: { type: "string" },
      coerced: {},
      caught: {},
      prepared: {},
      trimmed: {},
      within: {},
      list: { type: "array", items: {} },
    },
    required: ["plain", "list"],
  });
});

test("names that every object has are fields like others", () => {
  const schema = z.object({ constructor: z.string(), toString: z.coerce.number() });
  expect(open(schema)).toMatchObject({ required: ["constructor"], properties: { toString: {} } });
});
