import { expect, test } from "vitest";
import { limits } from "#limits/index";
import { findingCodes, readTemplate } from "#templates/index";
import { type Case, head, plain, steps, work } from "./finding-kit.js";
import { inputCases } from "./input-findings.js";

const cases: readonly Case[] = [
  ["SYNTAX", "", `${head}steps: §]`, "flow-seq-end"],
  ["SYNTAX", "", `${steps(plain)}---\n§more: 1\n`, "a second document begins"],
  ["SYNTAX", "", "§", "the text is empty"],
  ["SYNTAX", "", `§%YAML 1.1\n---\n${steps(plain)}`, "directives"],
  ["SYNTAX", "", `${head}metadata: §!secret x\n`, "Unresolved tag"],
  ["SYNTAX", "", steps(`  - { name: a, ${work}, §<<: { type: timer } }`), "merge keys"],
  ["SYNTAX", "", steps("  - §*nowhere\n"), "alias *nowhere stands for nothing"],
  ["SYNTAX", "", `${head}? §[a]\n: 1\n`, "a key is no text"],
  ["TOO_LARGE", "", `§${"#".repeat(limits.templateBytes + 1)}`, "over 1048576 bytes"],
  ["TOO_DEEP", "", `${head}metadata: { x: ${"[".repeat(62)}§[1]${"]".repeat(62)} }\n`, "more than 64"],
  ["DUPLICATE_KEY", "", `${steps(plain)}§name: again\n`, '"name" stands here twice'],
  [
    "DUPLICATE_KEY",
    "b",
    steps(`${plain}  - { name: b, ${work}, dependencies: [a], §depends_on: [a] }`),
    'once as "depends_on"',
  ],
  ["UNKNOWN_KEY", "a", steps(`  - { name: a, ${work}, §depend_on: [] }`), 'did you mean "depends_on"?'],
  ["FOREIGN_KEY", "a", steps(`  - { name: a, ${work}, §queue: fast }`), "the format does not know it"],
  [
    "MISSING_KEY",
    "",
    `§name: order\nversion: 1.0.0\nsteps: [{ name: a, ${work} }]\n`,
    "the template lacks namespace_name",
  ],
  [
    "WRONG_TYPE",
    "",
    steps(plain).replace("1.0.0", "§1.0"),
    "version is 1; it should be text: put it in quotes",
  ],
  [
    "WRONG_TYPE",
    "a",
    steps(`  - { name: a, ${work}, timeout_seconds: §soon }`),
    'is "soon"; it should be a whole number',
  ],
  ["WRONG_TYPE", "", `${steps(plain)}metadata: { weight: §.inf }\n`, "Infinity is no number that JSON has"],
  [
    "OUT_OF_RANGE",
    "a",
    steps(`  - { name: a, ${work}, retry: { max_attempts: §101 } }`),
    "steps.a.retry.max_attempts is 101; a whole number from 0 to 100 is taken",
  ],
  [
    "OUT_OF_RANGE",
    "",
    `${steps(plain)}description: §${"x".repeat(10_001)}\n`,
    "10001 characters; at most 10000",
  ],
  ["UNKNOWN_VALUE", "a", steps(`  - { name: a, ${work}, retry: { backoff: §expo } }`), "one of none, linear"],
  ["UNKNOWN_STEP_TYPE", "a", steps(`  - { name: a, type: §decison, ${work} }`), 'did you mean "decision"?'],
  ["UNKNOWN_IDENTITY_STRATEGY", "", `${steps(plain)}identity_strategy: §always\n`, "one of always_unique"],
  ["BAD_TEXT", "", `${steps(plain)}description: §"\\ud800 x"\n`, "which has half a character in it"],
  ["BAD_NAME", "a b", steps(`  - { name: §a b, ${work} }`), 'is "a b", which is not made of letters'],
  ["BAD_NAME", "ALL", steps(`  - { name: §ALL, ${work} }`), "other than ALL"],
  ["BAD_VERSION", "", steps(plain).replace("1.0.0", "§1.0.x"), "not a semantic version"],
  ["NAMESPACE_TOO_LONG", "", steps(plain).replace("shop", `§${"s".repeat(30)}`), "30 characters; at most 29"],
  ["EMPTY_CALLABLE", "a", steps('  - { name: a, handler: { callable: §"" } }'), "not the name of an agent"],
  ["EMPTY_CALLABLE", "a", steps("  - §{ name: a }"), "a needs an agent"],
  [
    "SCHEMA_NOT_OBJECT",
    "a",
    steps(`  - { name: a, ${work}, result_schema: §true }`),
    "result_schema is true",
  ],
  ["SCHEMA_NOT_OBJECT", "", `${steps(plain)}input_schema: §{ type: array }\n`, 'cannot be of type "array"'],
  ["NO_STEPS", "", `${head}steps: §[]\n`, "needs a step that runs"],
  [
    "TOO_MANY_STEPS",
    "",
    `${head}steps:\n  §${Array.from({ length: 1_001 }, (_, i) => `- { name: s${i}, ${work} }\n`).join("  ")}`,
    "there are 1001 steps; a Task has at most 1000",
  ],
  [
    "TOO_MANY_EDGES",
    "",
    `${head}steps:\n  §- { name: a, ${work}, dependencies: [${"b,".repeat(10_001)}] }\n`,
    "there are 10001 dependencies; a Task has at most 10000",
  ],
  ["DUPLICATE_STEP_NAME", "a", steps(`${plain}  - { name: §a, ${work} }`), 'named "a" too'],
  [
    "NAME_CLASH",
    "w_1",
    steps(`
  - { name: cut, type: batchable, ${work}, batch_config: { worker_template: w } }
  - { name: w, type: batch_worker, ${work} }
  - { name: §w_1, ${work}, dependencies: [cut] }`),
    'none may be "w_1"',
  ],
  [
    "NAME_CLASH",
    "m_000",
    steps(`
  - { name: m, type: map, ${work}, map: { over: input/x } }
  - { name: §m_000, ${work}, dependencies: [m] }
  - { name: m_end, ${work}, dependencies: [m_000] }`),
    "members of m",
  ],
  ["SELF_DEPENDENCY", "a", steps(`  - { name: a, ${work}, dependencies: [§a] }`), "a depends on itself"],
  [
    "MISSING_DEP_REF",
    "b",
    steps(`  - { name: fetch, ${work} }\n  - { name: b, ${work}, dependencies: [fetch, §fetsh] }`),
    'did you mean "fetch"?',
  ],
  [
    "DUPLICATE_DEPENDENCY",
    "b",
    steps(`${plain}  - { name: b, ${work}, depends_on: [a, §a] }`),
    'names "a" twice',
  ],
  [
    "CYCLE_DETECTED",
    "b",
    steps(`
  - { name: a, ${work}, dependencies: [c] }
  - { name: b, ${work}, dependencies: [§a] }
  - { name: c, ${work}, dependencies: [b] }`),
    "each of these waits for the next: a → c → b → a",
  ],
  [
    "CYCLE_DETECTED",
    "cut",
    steps(`
  - { name: w, type: batch_worker, ${work} }
  - { name: cut, type: batchable, ${work}, dependencies: [§w], batch_config: { worker_template: w } }`),
    "w → cut → w",
  ],
  [
    "ORPHAN_STEP",
    "c",
    steps(`${plain}  - { name: b, ${work}, dependencies: [a] }\n  - §{ name: c, ${work} }`),
    "c depends on no step",
  ],
  ["MISSING_PART", "a", steps(`  - §{ name: a, type: map, ${work} }`), "a is of type map and needs map"],
  ["MISSING_PART", "a", steps("  - §{ name: a, type: timer }"), "needs timer"],
  ["MISSING_PART", "a", steps("  - §{ name: a, type: child_task }"), "needs child"],
  [
    "MISSING_PART",
    "a",
    steps(`  - §{ name: a, type: batchable, ${work} }`),
    "no step of type batch_worker does its batches",
  ],
  [
    "MISSING_PART",
    "a",
    steps(`  - §{ name: a, type: batchable, ${work}, batch_config: { batch_size: 5 } }`),
    "name one in batch_config.worker_template",
  ],
  [
    "MISPLACED_PART",
    "a",
    steps(`  - { name: a, ${work}, timer: §{ delay_ms: 5 } }`),
    "timer belongs to steps of type timer",
  ],
  [
    "MISPLACED_PART",
    "a",
    steps(`  - { name: a, type: signal, handler: §{ callable: x } }`),
    "no agent has a part in a step of type signal",
  ],
  [
    "DECISION_WITHOUT_DEPENDENCY",
    "a",
    steps(`  - §{ name: a, type: decision, ${work} }\n  - { name: b, ${work}, dependencies: [a] }`),
    "name what it decides upon",
  ],
  [
    "DECISION_WITHOUT_BRANCHES",
    "b",
    steps(`${plain}  - §{ name: b, type: decision, ${work}, dependencies: [a] }`),
    "no step depends on it",
  ],
  [
    "BRANCHES_JOINED",
    "join",
    steps(`
  - { name: a, ${work} }
  - { name: choose, type: decision, ${work}, dependencies: [a] }
  - { name: left, ${work}, dependencies: [choose] }
  - { name: right, ${work}, dependencies: [choose] }
  - { name: join, ${work}, dependencies: [left, §right] }`),
    "only if choose chooses both left and right",
  ],
  [
    "CONVERGENCE_WITHOUT_DEPENDENCY",
    "a",
    steps(`  - §{ name: a, type: deferred_convergence, ${work} }`),
    "let it depend on the steps it joins",
  ],
  [
    "MISSING_WORKER_REF",
    "a",
    steps(`  - { name: a, type: batchable, ${work}, batch_config: §{ worker_template: w } }`),
    'done by "w", which is not there',
  ],
  [
    "NOT_A_BATCH_WORKER",
    "a",
    steps(
      `  - { name: a, type: batchable, ${work}, batch_config: §{ worker_template: w } }\n  - { name: w, ${work} }`,
    ),
    "make it a batch_worker",
  ],
  [
    "BATCH_WORKER_SHARED",
    "b",
    steps(`
  - { name: a, type: batchable, ${work}, batch_config: { worker_template: w } }
  - { name: b, type: batchable, ${work}, batch_config: §{ worker_template: w } }
  - { name: w, type: batch_worker, ${work} }`),
    "w works for a already",
  ],
  [
    "BATCH_WORKER_UNUSED",
    "w",
    steps(`${plain}  - §{ name: w, type: batch_worker, ${work} }`),
    "it would never run",
  ],
  [
    "MISSING_COMPENSATE_REF",
    "a",
    steps(`  - { name: a, ${work}, compensate: §undo }`),
    'no step "undo" to compensate a',
  ],
  [
    "BAD_COMPENSATION",
    "u",
    steps(`  - { name: a, ${work}, compensate: u }\n  - { name: u, ${work}, dependencies: §[a] }`),
    "it can depend on nothing",
  ],
  [
    "BAD_COMPENSATION",
    "u",
    steps(`
  - { name: a, ${work}, compensate: u }
  - { name: §u, ${work} }
  - { name: b, ${work}, dependencies: [u] }`),
    "b cannot depend on it",
  ],
  [
    "BAD_COMPENSATION",
    "u",
    steps(`  - { name: a, ${work}, compensate: u }\n  - { name: u, type: §timer, timer: { delay_ms: 1 } }`),
    "must be of type standard, not timer",
  ],
  [
    "BAD_COMPENSATION",
    "u",
    steps(`  - { name: a, ${work}, compensate: u }\n  - { name: u, ${work}, compensate: §a }`),
    "nothing can compensate it in turn",
  ],
  ["BAD_CHILD", "a", steps("  - { name: a, type: child_task, child: §{ input: input/x } }"), "not neither"],
  [
    "BAD_CHILD",
    "a",
    steps("  - { name: a, type: child_task, child: §{ agent: x, template: { name: y } } }"),
    "not both",
  ],
  [
    "FOREIGN_TEMPLATE",
    "a",
    steps("  - { name: a, type: child_task, child: { template: { name: y, namespace: §other } } }"),
    'a is a Task of namespace "other", and a child is of its parent\'s, "shop"',
  ],
  [
    "SELF_TEMPLATE",
    "a",
    steps("  - { name: a, type: child_task, child: { template: { name: §order } } }"),
    "until one fails for standing 8 deep",
  ],
  [
    "SELF_TEMPLATE",
    "a",
    steps(`
  - name: a
    type: child_task
    child:
      input: input/x
      template:
        namespace: shop
        version: 1.0.0
        name: §order`),
    "a is a Task of this very template",
  ],
  [
    "DUPLICATE_SIGNAL",
    "c",
    steps(`
  - { name: a, type: signal, signal: { name: go } }
  - { name: b, type: signal, dependencies: [a] }
  - { name: c, type: signal, dependencies: [b], signal: { timeout_ms: 5, name: §go } }`),
    'a waits for the signal "go" too, so a payload could not say which of the two it is for: give c another',
  ],
  [
    "DUPLICATE_SIGNAL",
    "b",
    steps(`
  - { name: a, type: signal, signal: { name: b } }
  - { name: §b, type: signal, dependencies: [a], signal: { timeout_ms: 5 } }`),
    'a waits for the signal "b" too',
  ],
  [
    "BAD_PATH",
    "a",
    steps(`  - { name: a, type: map, ${work}, map: §{ over: output/x } }`),
    "write input/… or results/STEP/…",
  ],
  [
    "BAD_PATH",
    "a",
    steps(`  - { name: a, type: map, ${work}, map: §{ over: input } }`),
    "name the list in it",
  ],
  [
    "BAD_PATH",
    "b",
    steps(`${plain}  - { name: b, type: map, ${work}, map: §{ over: results/a/x } }`),
    'reads the result of "a": add that to dependencies',
  ],
  [
    "BAD_PATH",
    "c",
    steps(`
  - { name: cut, type: batchable, ${work}, batch_config: { worker_template: w } }
  - { name: w, type: batch_worker, ${work} }
  - { name: c, type: child_task, dependencies: [w], child: §{ agent: x, input: results/w } }`),
    "one for each batch",
  ],
  ...inputCases,
  [
    "MISSING_OVERRIDE_REF",
    "fetsh",
    `${steps(`  - { name: fetch, ${work} }\n`)}environments: { production: { steps: [{ name: §fetsh }] } }\n`,
    'production overrides the step "fetsh", which is not there; did you mean "fetch"?',
  ],
  [
    "NO_EFFECT",
    "a",
    steps("  - { name: a, handler: { callable: x, §method: go } }"),
    "steps.a.handler.method is kept and shown",
  ],
  [
    "NO_EFFECT",
    "a",
    steps("  - { name: a, type: signal, §timeout_seconds: 5 }"),
    "steps.a.timeout_seconds has no effect on a step of type signal: signal.timeout_ms says",
  ],
  [
    "NO_EFFECT",
    "a",
    steps("  - name: a\n    type: timer\n    timer: { delay_ms: 5 }\n    §retry:\n      max_attempts: 2"),
    "steps.a.retry has no effect on a step of type timer: it does not fail",
  ],
  [
    "NO_EFFECT",
    "a",
    steps("  - { name: a, type: child_task, child: { template: { name: y } }, §timeout_seconds: 5 }"),
    "lifecycle.max_duration_minutes of its template",
  ],
  [
    "NO_EFFECT",
    "a",
    `${steps("  - { name: a, type: signal }\n")}environments: { test: { steps: [{ name: a, §retry: { jitter: 0 } }] } }\n`,
    "environments.test.steps.a.retry has no effect on a step of type signal",
  ],
  ["NO_RESULT_SCHEMA", "a", steps(`  - §{ name: a, ${work} }`), "does not say what its result looks like"],
];

test.each(cases)("%s of step %j", (code, stepName, marked, message) => {
  const at = marked.indexOf("§");
  const before = marked.slice(0, at).split("\n");
  const source = marked.replace("§", "");
  const { findings, template } = readTemplate(source);
  const found = findings.filter((finding) => finding.code === code);

  const { severity } = findingCodes[code];
  const line = before.length;
  const column = (before.at(-1) ?? "").length + 1;
  expect(found.map((finding) => [finding.line, finding.column])).toContainEqual([line, column]);
  const there = found.find((finding) => finding.line === line && finding.column === column);
  expect(there).toMatchObject({
    code,
    severity,
    stepName,
    message: expect.stringContaining(String(message)),
  });
  expect(template === undefined).toBe(findings.some((finding) => finding.severity === "error"));
});

test("every code has a case, but those that need a validator", () => {
  const told = [...cases.map(([code]) => code), "BAD_SCHEMA", "SCHEMA_LIMIT", "BAD_DEFAULT"];

  expect(new Set(told)).toEqual(new Set(Object.keys(findingCodes)));
});

test.each([
  ["system_dependencies", "system_dependencies: { primary: db }"],
  ["domain_events", "domain_events: [{ name: order.made }]"],
  ["lifecycle.staleness_action", "lifecycle: { max_duration_minutes: 5, staleness_action: dlq }"],
])("%s has no effect yet, and says so", (label, text) => {
  const { findings, template } = readTemplate(`${steps(plain)}${text}\n`);
  const warnings = findings.filter(({ code }) => code === "NO_EFFECT");

  expect(warnings.map(({ message }) => message)).toEqual([
    `${label} is kept and shown, and has no effect yet`,
  ]);
  expect(template?.body).toHaveProperty(label.split(".")[0] ?? "");
});

test.each(["system_dependency: db", "publishes_events: [{ name: a.b }]", "composition: { any: thing }"])(
  "a step's %s has no effect yet, and says so",
  (text) => {
    const { findings } = readTemplate(steps(`  - { name: a, ${work}, ${text} }`));

    expect(findings.filter(({ code }) => code === "NO_EFFECT")).toMatchObject([{ stepName: "a" }]);
  },
);
