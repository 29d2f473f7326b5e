import { expect, test } from "vitest";
import { readTemplate } from "#templates/index";

const work = "handler: { callable: x }";
const steps = (text: string) => `name: order\nnamespace_name: shop\nversion: 1.0.0\nsteps:\n${text}`;

test.each([
  ["signal", "timeout_seconds: 5, retry: { max_attempts: 2 }", ["timeout_seconds", "retry"]],
  [
    "timer",
    "timer: { delay_ms: 5 }, timeout_seconds: 5, retry: { max_attempts: 2 }",
    ["timeout_seconds", "retry"],
  ],
  ["child_task", "child: { agent: x }, timeout_seconds: 5, retry: { max_attempts: 2 }", ["timeout_seconds"]],
  ["map", `${work}, map: { over: input/x }, timeout_seconds: 5, retry: { max_attempts: 2 }`, []],
  ["standard", `${work}, timeout_seconds: 5, retry: { max_attempts: 2 }`, []],
])("how a step of type %s is tried has an effect, or is warned of", (type, text, inert) => {
  const { findings, template } = readTemplate(steps(`  - { name: a, type: ${type}, ${text} }`));
  const warned = findings.flatMap(({ code, message }) =>
    code === "NO_EFFECT" ? message.split(" ")[0]?.slice("steps.a.".length) : [],
  );

  expect(template).toBeDefined();
  expect(warned).toEqual(inert);
});

test("what an environment says of ALL steps is meant for those it has an effect on", () => {
  const all = "environments: { test: { steps: [{ name: ALL, timeout_seconds: 5, retry: { jitter: 0 } }] } }";
  const { findings } = readTemplate(`${steps("  - { name: a, type: signal }\n")}${all}\n`);

  expect(findings.map(({ code }) => code)).toEqual(["NO_RESULT_SCHEMA"]);
});

test.each([
  "child: { template: { name: y } }",
  "child: { template: { name: y, namespace: shop } }",
  'child: { template: { name: y, namespace: "" } }',
  "child: { template: { name: order, version: 0.9.0 } }",
  "child: { agent: order }",
])("a child may be another template, or an earlier version, of the same namespace: %s", (child) => {
  const { findings } = readTemplate(steps(`  - { name: a, type: child_task, ${child} }`));

  expect(findings.map(({ code }) => code)).toEqual(["NO_RESULT_SCHEMA"]);
});

test("of three steps with one signal, each after the first is named", () => {
  const text = ["a", "b", "c"].map((name) => `  - { name: ${name}, type: signal, signal: { name: go } }\n`);
  const { findings } = readTemplate(steps(text.join("")));

  const twice = findings.filter(({ code }) => code === "DUPLICATE_SIGNAL");
  expect(twice.map(({ stepName }) => stepName)).toEqual(["b", "c"]);
});
