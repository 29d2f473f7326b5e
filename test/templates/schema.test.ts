import { readdirSync, readFileSync } from "node:fs";
import { Ajv2020 as Validator } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { readTemplate, templateSchema } from "#templates/index";
import { fencedYaml } from "./guide.js";

const root = new URL("../../", import.meta.url);
const validate = new Validator({ strict: true, strictRequired: false, allowUnionTypes: true }).compile(
  templateSchema,
);

/** Templates that the project shows to people: those of the examples, and those of the guide. */
function shownTemplates(): [place: string, text: string][] {
  const paths = readdirSync(new URL("examples/", root), { recursive: true, encoding: "utf8" });
  const examples = paths.filter((path) => /\.ya?ml$/.test(path));
  return [
    ...examples.map((path): [string, string] => [
      `examples/${path}`,
      readFileSync(new URL(`examples/${path}`, root), "utf8"),
    ]),
    ...fencedYaml().filter(([, text]) => /^steps:/m.test(text)),
  ];
}

test("docs/template.schema.json is the schema of this version", () => {
  const text = readFileSync(new URL("docs/template.schema.json", root), "utf8");

  expect(text).toBe(`${JSON.stringify(templateSchema, null, 2)}\n`);
});

test.each(shownTemplates())("%s is a valid template, by the reader and by the schema", (_place, text) => {
  const { findings } = readTemplate(text);
  validate(parse(text));

  expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
  expect(validate.errors).toBeNull();
});

const head = "name: a\nnamespace_name: x\nversion: 1.0.0\n";
const handler = "handler: { callable: x }";

test.each([
  `${head}steps: [{ name: a, ${handler}, timeout_seconds: 0 }]`,
  `${head}steps: [{ name: a, ${handler}, retry: { max_attempts: -1 } }]`,
  `${head}steps: [{ name: a b, ${handler} }]`,
  `${head}steps: [{ name: a, type: oracle, ${handler} }]`,
  `${head}steps: [{ name: a, type: map, ${handler} }]`,
  `${head}steps: [{ name: a, ${handler}, timer: { delay_ms: 5 } }]`,
  `${head}steps: [{ name: a, handler: {} }]`,
  `${head.replace("1.0.0", "1.0")}steps: [{ name: a, ${handler} }]`,
  `${head}steps: [{ name: a, ${handler}, result_schema: true }]`,
  head,
])("what an editor marks, the reader refuses too: %j", (text) => {
  expect(validate(parse(text))).toBe(false);
  expect(readTemplate(text).template).toBeUndefined();
});

test.each([
  `${head}description:\nsteps: [{ name: a, ${handler}, retry: ~, depends_on: [] }]`,
  `${head}metadata: { team: x }\nsteps: [{ name: a, step_type: timer, timer: { delay_ms: 1 } }]`,
])("what the reader takes, no editor marks: %j", (text) => {
  expect(readTemplate(text).template).toBeDefined();
  expect(validate(parse(text))).toBe(true);
});
