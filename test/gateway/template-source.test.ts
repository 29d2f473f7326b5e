import { expect, test } from "vitest";
import { readWhole } from "#api/templates/template-source";
import { jsonSchemas } from "#host/schemas";
import { findingCodes } from "#templates/index";

const head = "name: order\nnamespace_name: shop\nversion: 1.0.0\nsteps:\n";
const schema = "result_schema: { type: object, required: [ok] }";

/** What is found in one signal step with this text, and whether it is a template. */
async function read(text: string) {
  const { findings, template } = await readWhole(
    `${head}  - { name: a, type: signal, ${text} }\n`,
    jsonSchemas(),
  );
  return { codes: findings.map(({ code }) => code), findings, template };
}

test("a default that does not fit the result_schema is an error, at its place in the text", async () => {
  const source = `${head}  - name: a
    type: signal
    result_schema: { type: object, properties: { ok: { type: boolean } }, required: [ok] }
    signal:
      timeout_ms: 5
      default: { ok: perhaps }
`;
  const { findings, template, stepCount } = await readWhole(source, jsonSchemas());

  expect(template).toBeUndefined();
  expect(stepCount).toBe(1);
  expect(findings).toEqual([
    {
      code: "BAD_DEFAULT",
      severity: findingCodes.BAD_DEFAULT.severity,
      message: "steps.a.signal.default does not fit result_schema: /ok must be boolean",
      stepName: "a",
      line: 10,
      column: 16,
    },
  ]);
});

test("every signal's default is looked at", async () => {
  const step = (name: string) => `  - { name: ${name}, type: signal, ${schema}, signal: { default: {} } }\n`;
  const { findings } = await readWhole(`${head}${step("a")}${step("b")}`, jsonSchemas());

  const wrong = findings.filter(({ code }) => code === "BAD_DEFAULT");
  expect(wrong.map(({ stepName, line }) => [stepName, line])).toEqual([
    ["a", 5],
    ["b", 6],
  ]);
});

test.each([
  ["fits", `${schema}, signal: { default: { ok: 1 } }`],
  ["is not there", `${schema}, signal: { timeout_ms: 5 }`],
  ["is not there, nor its signal", schema],
  ["is null, and may be", 'result_schema: { type: "null" }, signal: { default: null }'],
])("a default that %s is no error", async (_, text) => {
  const { codes, template } = await read(text);

  expect(codes).toEqual([]);
  expect(template).toBeDefined();
});

test("null is a value like any other", async () => {
  expect((await read(`${schema}, signal: { default: null }`)).codes).toEqual(["BAD_DEFAULT"]);
});

test("without a result_schema any default will do", async () => {
  expect((await read("signal: { default: 5 }")).codes).toEqual(["NO_RESULT_SCHEMA"]);
});

test.each(["result_schema: { type: list }", 'result_schema: { $ref: "#" }'])(
  "a default cannot fit a schema that is none: %s",
  async (flawed) => {
    expect((await read(`${flawed}, signal: { default: {} }`)).codes).toEqual(["BAD_SCHEMA"]);
  },
);
