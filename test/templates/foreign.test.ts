import { expect, test } from "vitest";
import { readTemplate } from "#templates/index";

const head = "name: a\nnamespace_name: x\nversion: 1.0.0\n";
const step = (rest: string) =>
  `${head}steps: [{ name: a, handler: { callable: x }, result_schema: {}, ${rest} }]\n`;
const findingsOf = (text: string) =>
  readTemplate(text).findings.map(({ severity, code, message }) => `${severity} ${code} ${message}`);

test.each([
  ["a step", step("queue: fast"), "steps.a"],
  ["its retries", step("retry: { strategy: x }"), "steps.a.retry"],
  ["the template", `${step("")}loaded_from: /srv/a.yaml\n`, "the template"],
  ["a name of one letter", step("x: 1"), "steps.a"],
  ["a name that every object has", step('"__proto__": { a: 1 }'), "steps.a"],
  ["an empty name", step('"": 1'), "steps.a"],
  ["another alphabet", step("повтор: 1"), "steps.a"],
])("a key that is none of the format's is kept in %s, and named in a warning", (_, text, where) => {
  const findings = findingsOf(text);
  expect(findings).toHaveLength(1);
  expect(findings[0]).toMatch(
    new RegExp(`^warning FOREIGN_KEY ${where} has the key ".*", which is kept and shown`),
  );
});

test.each([
  ["depend_on", "depends_on"],
  ["dependecies", "dependencies"],
  ["timout_second", "timeout_seconds"],
  ["Timeout_Seconds", "timeout_seconds"],
  ["timeoutSeconds", "timeout_seconds"],
  ["retyr", "retry"],
  ["typ", "type"],
  ["result-schema", "result_schema"],
])("a slip of a key is an error: %s", (slip, meant) => {
  expect(findingsOf(step(`${slip}: 1`))[0]).toContain(`did you mean "${meant}"?`);
});

test("three letters are no slip", () => {
  expect(findingsOf(step("timeout_s: 1"))[0]).toContain("FOREIGN_KEY");
});

test("keys of other systems with an equivalent say which, and are checked as that is", () => {
  expect(findingsOf(step("retry: { limit: 2, initial_delay: 1.5 }"))).toEqual([
    "warning FOREIGN_KEY steps.a.retry.limit is a key of another system: it is taken as max_attempts, unless that is written too",
    "warning FOREIGN_KEY steps.a.retry.initial_delay is a key of another system: it is taken, in seconds, as backoff_base_ms, unless that is written too",
  ]);
  expect(findingsOf(step("retry: { limit: many }"))[0]).toContain("error WRONG_TYPE");
  expect(findingsOf(step("retry: { limit: 1000 }"))[0]).toContain("error OUT_OF_RANGE");
});

test("what is kept is part of the body, of its digest, and no less exact", () => {
  const [one, other] = [step("queue: { deep: [1, null] }"), step("queue: { deep: [2, null] }")].map(
    readTemplate,
  );
  expect(one?.template?.body.steps[0]).toMatchObject({ queue: { deep: [1, null] } });
  expect(one?.template?.digest).not.toBe(other?.template?.digest);
});

const batch = (analyze: string, process: string) => `${head}steps:
  - { name: analyze, type: batchable, ${analyze} }
  - { name: process, type: batch_worker, handler: { callable: y }, ${process} }
`;

test.each([
  [
    "a slip of the worker's name",
    batch("handler: { callable: x, initialization: { worker_template_name: proces } }", ""),
    'MISSING_WORKER_REF analyze has batches done by "proces", which is not there; did you mean "process"?',
  ],
  [
    "a slip of the worker's name in an environment",
    `${batch("handler: { callable: x, initialization: { worker_template_name: process } }", "")}environments: { test: { steps: [{ name: ALL, handler: { initialization: { worker_template_name: proces } } }] } }\n`,
    'MISSING_WORKER_REF in test analyze has batches done by "proces", which is not there; did you mean "process"?',
  ],
  [
    "a worker of another type in an environment",
    `${batch("handler: { callable: x, initialization: { worker_template_name: process } }", "")}environments: { test: { steps: [{ name: analyze, handler: { initialization: { worker_template_name: analyze } } }] } }\n`,
    "NOT_A_BATCH_WORKER in test analyze",
  ],
  [
    "a worker of another type",
    batch("handler: { callable: x, initialization: { worker_template_name: analyze } }", ""),
    "NOT_A_BATCH_WORKER",
  ],
  [
    "a worker that another batch names",
    `${batch("handler: { callable: x }, batch_config: { worker_template: process }", "")}  - { name: more, type: batchable, handler: { callable: x, initialization: { worker_template_name: process } } }\n`,
    "BATCH_WORKER_SHARED process works for analyze already",
  ],
  [
    "a batch whose worker is another's",
    `${batch("handler: { callable: x }, batch_config: { worker_template: process }", "")}  - { name: more, type: batchable, handler: { callable: x } }\n`,
    "MISSING_PART more is of type batchable",
  ],
  [
    "a worker that waits for itself",
    batch("handler: { callable: x }, dependencies: [process]", "dependencies: [analyze]"),
    "CYCLE_DETECTED",
  ],
  [
    "batch_config on a standard step",
    step("batch_config: { batch_size: 1 }"),
    "belongs to steps of type batchable or batch_worker; a is standard",
  ],
])("%s is an error", (_, text, message) => {
  const errors = findingsOf(text).filter((line) => line.startsWith("error"));
  expect(errors.join("\n")).toContain(message);
});

test("a worker that says another one does its work is told that this has no effect", () => {
  const text = batch(
    "handler: { callable: x }",
    "dependencies: [analyze], batch_config: { worker_template: analyze }",
  );
  expect(findingsOf(text).filter((line) => line.startsWith("warning"))).toEqual([
    "warning NO_EFFECT steps.process.batch_config.worker_template has no effect on a batch_worker, which does the work itself: take it out",
  ]);
});
