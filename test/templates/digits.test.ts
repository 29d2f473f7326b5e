/** What an author writes under `initialization` and as a signal's default reaches the agent with every digit. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { planOf } from "#domain/graph/plan";
import { exactJsonText } from "#domain/json/exact";
import { instant } from "#domain/time/time";
import { readTemplate } from "#templates/read/read";
import { wholeTemplateToWire } from "#wire/convert-template";

const yaml = (value: string, environment = "{}") => `name: exact
namespace_name: default
version: 1.0.0
steps:
  - name: work
    handler: { callable: worker, initialization: { limit: ${value} } }
  - name: wait
    type: signal
    signal: { timeout_ms: 1000, default: [${value}] }
environments: ${environment}
`;

const json = (value: string) =>
  `{"name":"exact","namespace_name":"default","version":"1.0.0","steps":[{"name":"work","handler":{"callable":"worker","initialization":{"limit":${value}}}}]}`;

function read(source: string) {
  const { template, findings } = readTemplate(source);
  expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
  if (!template) throw new Error("no template");
  return template;
}

function configOf(source: string, environment = "test"): string {
  const plan = planOf(read(source).body, environment);
  return exactJsonText(plan.steps.find(({ name }) => name === "work")?.spec.config ?? null);
}

function defaultOf(source: string): string {
  const plan = planOf(read(source).body, "test");
  return exactJsonText(plan.steps.find(({ name }) => name === "wait")?.spec.signal?.otherwise ?? null);
}

const strange = [
  "12345678901234567890",
  "-9007199254740993",
  "1.10",
  "1e400",
  "-0",
  "0.1000000000000000055511151231257827",
  "1E5",
  `1${"0".repeat(400)}`,
];

test.each(strange)("%s is given to the agent as it is written", (number) => {
  expect(configOf(yaml(number))).toBe(`{"limit":${number}}`);
  expect(configOf(json(number))).toBe(`{"limit":${number}}`);
  expect(defaultOf(yaml(number))).toBe(`[${number}]`);
});

test.each([
  ["+1.50", "1.50"],
  [".5", "0.5"],
  ["1.", "1"],
  ["-.250", "-0.250"],
  ["007", "7"],
  ["0x7fffffffffffffffffff", "604462909807314587353087"],
  ["0o777", "511"],
  ["+1e3", "1e3"],
])("a form that JSON lacks is written in JSON's, with the same digits: %s", (number, written) => {
  expect(configOf(yaml(number))).toBe(`{"limit":${written}}`);
});

test("any number survives, and the body that a client reads has it too", () => {
  const digits = fc.stringMatching(/^-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?$/);
  fc.assert(
    fc.property(digits, (number) => {
      expect(configOf(yaml(number))).toBe(`{"limit":${number}}`);
      const { body, source, digest } = read(json(number));
      const row = {
        namespace: "default",
        name: "exact",
        version: "1.0.0",
        registeredAt: instant(0),
        body,
        source,
        digest,
      };
      expect(wholeTemplateToWire(row).bodyJson).toContain(`"limit":${number}`);
    }),
    { numRuns: 300 },
  );
});

test("text that looks like a number, or like one kept, stays text", () => {
  for (const text of ['"1.10"', '"\\u00001.10"', '"\\u0000\\u00001"', '"\\u0000"']) {
    expect(configOf(json(text))).toBe(`{"limit":${text}}`);
  }
});

test("an environment's values keep their digits too", () => {
  const environment = "{ prod: { steps: [{ name: work, handler: { initialization: { more: 1.10 } } }] } }";
  expect(configOf(yaml("1e400", environment), "prod")).toBe('{"limit":1e400,"more":1.10}');
});

test("a template is the same however its numbers are written, and another if a digit differs", () => {
  const digest = (number: string) => read(yaml(number)).digest;
  expect(digest("1.10")).toBe(digest("1.1"));
  expect(digest("12345678901234567890")).not.toBe(digest("12345678901234567891"));
});

test.each([".inf", "-.inf", ".nan"])("%s is still no number of JSON", (number) => {
  const [finding] = readTemplate(yaml(number)).findings;
  expect(finding).toMatchObject({
    code: "WRONG_TYPE",
    message: expect.stringContaining("is no number that JSON has"),
  });
});

test("a number beyond a double is refused where the server reads it itself", () => {
  const { findings } = readTemplate(`${yaml("1")}input_schema: { type: object, maxProperties: 1e400 }\n`);
  expect(findings[0]).toMatchObject({ code: "OUT_OF_RANGE", severity: "error" });
  const timeout = readTemplate(yaml("1").replace("timeout_ms: 1000", "timeout_ms: 1e400"));
  expect(timeout.findings.map(({ code }) => code)).toContain("OUT_OF_RANGE");
});
