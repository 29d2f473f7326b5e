import { expect, test } from "vitest";
import { z } from "zod";
import { readTemplate, type StandardSchema, workflow } from "#templates/index";
import { agent } from "#worker/index";

const translate = agent({
  name: "translate",
  input: z.object({ text: z.string(), lang: z.string() }),
  output: z.object({ text: z.string(), at: z.date() }),
  run: async ({ text }) => ({ text, at: new Date(0) }),
});

test("a mapping in code is the same template as its YAML, and its steps become dependencies", () => {
  const input = z.object({ lang: z.string(), docs: z.array(z.object({ t: z.string() })) });
  const made = workflow("flow", { namespace: "shop", input }, (w) => {
    const draft = w.step("draft", {
      agent: "write",
      result: z.object({ text: z.string(), "a~b": z.string() }),
    });
    const sent = w.step("send", {
      agent: "send",
      input: {
        text: draft.at("text"),
        odd: draft.at("a~b"),
        all: draft,
        lang: w.input.at("lang"),
        tone: "dry",
        deep: [1, { list: [w.input.at("docs").at(0), null] }],
        range: { from: 1, to: 5 },
        gone: undefined,
      },
    });
    const each = w.map("each", {
      agent: translate,
      over: w.input.at("docs"),
      after: [sent],
      input: ({ item }) => ({ text: item.at("t"), lang: "de" }),
    });
    w.child("sub", { agent: "audit", input: { first: each.at(0), n: 1 } });
  });

  const yaml = `
name: flow
namespace_name: shop
version: 1.0.0
input_schema:
  type: object
  properties:
    lang: { type: string }
    docs: { type: array, items: { type: object, properties: { t: { type: string } }, required: [t] } }
  required: [lang, docs]
steps:
  - name: draft
    handler: { callable: write }
    result_schema: { type: object, properties: { text: { type: string }, a~b: { type: string } }, required: [text, a~b] }
  - name: send
    handler: { callable: send }
    dependencies: [draft]
    input:
      text: { from: draft, at: /text }
      odd: { from: draft, at: /a~0b }
      all: { from: draft }
      lang: { from: input, at: /lang }
      tone: dry
      deep: [1, { list: [{ from: input, at: /docs/0 }, null] }]
      range: { const: { from: 1, to: 5 } }
  - name: each
    type: map
    handler: { callable: translate }
    dependencies: [send]
    map: { over: input/docs }
    input: { text: { from: item, at: /t }, lang: de }
    result_schema:
      type: object
      properties: { text: { type: string }, at: {} }
      required: [text, at]
      additionalProperties: false
  - name: sub
    type: child_task
    dependencies: [each]
    child: { agent: audit }
    input: { first: { from: each, at: /0 }, n: 1 }
`;
  const { template, findings } = readTemplate(yaml);
  expect(findings.filter(({ severity }) => severity !== "info")).toEqual([]);
  expect(made.body).toEqual(template?.body);
  expect(made.digest).toBe(template?.digest);
});

const plain: StandardSchema<{ a: string }> = {
  "~standard": { version: 1, vendor: "own", validate: (value) => ({ value: value as { a: string } }) },
};
const any = <T>(value: unknown) => value as T;

test.each<[string, () => unknown, string | RegExp]>([
  [
    "a result of zod 3",
    () =>
      workflow("w", (w) =>
        w.step("s", { agent: "a", result: any<never>({ _def: { typeName: "ZodObject" } }) }),
      ),
    "step s: result is a schema of zod 3, which gives no JSON Schema: install zod 4",
  ],
  [
    "an input of a library that gives no JSON Schema",
    () => workflow("w", { input: plain }, (w) => w.step("s", { agent: "a" })),
    "workflow w: input gives no JSON Schema: own does not implement Standard JSON Schema. Give a JSON Schema",
  ],
  [
    "an agent whose output gives none, by its name",
    () =>
      workflow("w", (w) =>
        w.step("s", { agent: agent({ name: "x", output: plain, run: async () => ({ a: "" }) }) }),
      ),
    "step s: the output of agent x gives no JSON Schema: own",
  ],
  [
    "an input that JSON cannot express",
    () => workflow("w", { input: z.object({ d: z.date() }) }, (w) => w.step("s", { agent: "a" })),
    "workflow w: input has no JSON Schema: Date cannot be represented",
  ],
  [
    "a constant without a JSON form",
    () => workflow("w", (w) => w.step("s", { agent: "a", input: { x: [() => 1] } })),
    "step s: input.x[0] is a function, of which JSON can say nothing",
  ],
  [
    "a mapping that is a place",
    () => workflow("w", (w) => w.step("s", { agent: "a", input: any<never>([1]) })),
    "step s: input is no object of names and values",
  ],
  [
    "a reference beside a name that means one",
    () => workflow("w", (w) => w.step("s", { agent: "a", input: { mail: { from: w.input.at("a") } } })),
    "step s: input.mail has a name from or const beside places",
  ],
  [
    "a result of a step whose name means something else",
    () =>
      workflow("w", (w) => w.step("s", { agent: "a", input: { x: w.step("item", { agent: "b" }).at("y") } })),
    "step s: input.x is read from the result of a step named item",
  ],
  [
    "a place that the schema rules out",
    () =>
      workflow("w", (w) =>
        w.step("s", { agent: "a", input: { x: w.step("t", { agent: translate }).at(any<never>("lang")) } }),
      ),
    'input.x is read from the result of "t" at "/lang", where its schema allows no "lang"',
  ],
])("%s is refused where it is written", (_, make, message) => {
  expect(make).toThrow(message);
});
