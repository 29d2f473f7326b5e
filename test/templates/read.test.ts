import fc from "fast-check";
import { expect, test } from "vitest";
import { limits } from "#limits/index";
import { readTemplate } from "#templates/index";

const source = `
# An order, from money to parcel.
name: order_fulfillment
namespace_name: orders
version: 1.0.0
metadata: { tags: [shop], team: { name: parcels } }
steps:
  - name: charge
    handler: { callable: card }
    retry: &patient { max_attempts: 5, jitter: 0 }
  - name: ship
    step_type: standard
    depends_on: [charge]
    handler: { callable: post, initialization: { carrier: fast } }
    retry: *patient
`;

test("what is read is said in the format's own words, in the order written", () => {
  const { template, findings, stepCount, hasCycles } = readTemplate(source);

  expect(template?.source).toBe(source);
  expect(template?.body).toEqual({
    name: "order_fulfillment",
    namespace_name: "orders",
    version: "1.0.0",
    metadata: { tags: ["shop"], team: { name: "parcels" } },
    steps: [
      { name: "charge", handler: { callable: "card" }, retry: { max_attempts: 5, jitter: 0 } },
      {
        name: "ship",
        type: "standard",
        dependencies: ["charge"],
        handler: { callable: "post", initialization: { carrier: "fast" } },
        retry: { max_attempts: 5, jitter: 0 },
      },
    ],
  });
  expect(findings.map(({ code }) => code)).toEqual(["NO_RESULT_SCHEMA", "NO_RESULT_SCHEMA"]);
  expect([stepCount, hasCycles]).toEqual([2, false]);
});

test("the same body as JSON, with its keys in another order, has the same digest", () => {
  const { template } = readTemplate(source);
  const backwards = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(backwards);
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).reverse();
    return Object.fromEntries(entries.map(([name, part]) => [name, backwards(part)]));
  };

  for (const indent of [undefined, 2, "\t"]) {
    const json = JSON.stringify(backwards(template?.body), null, indent);
    expect(readTemplate(json).template?.digest).toBe(template?.digest);
  }
  expect(template?.digest).toMatch(/^[0-9a-f]{64}$/);
});

test("a key without a value is left out, and null is a value where any is", () => {
  const { template } = readTemplate(`
name: waits
namespace_name: x
version: 1.0.0
description:
steps: [{ name: go, type: signal, dependencies: ~, signal: { default: null } }]
`);

  expect(template?.body).toEqual({
    name: "waits",
    namespace_name: "x",
    version: "1.0.0",
    steps: [{ name: "go", type: "signal", signal: { default: null } }],
  });
});

test("keys that objects inherit are keys like any other", () => {
  const { template, findings } = readTemplate(`
name: odd
namespace_name: x
version: 1.0.0
toString: 1
metadata: { __proto__: { a: 1 }, constructor: b }
steps: [{ name: a, handler: { callable: x } }]
`);
  expect(findings[0]).toMatchObject({ code: "FOREIGN_KEY", line: 5 });
  expect(Object.entries(template?.body ?? {})).toContainEqual(["toString", 1]);

  const { template: fine } = readTemplate(
    '{"name":"odd","namespace_name":"x","version":"1.0.0","metadata":{"__proto__":{"a":1}},"steps":[{"name":"__proto__","handler":{"callable":"x"}}]}',
  );
  expect(Object.keys(fine?.body.metadata ?? {})).toEqual(["__proto__"]);
});

test("a merge key is refused only where YAML would merge", () => {
  const text = (key: string) =>
    `name: a\nnamespace_name: x\nversion: 1.0.0\nmetadata: { ${key}: 1 }\nsteps: [{ name: a, handler: { callable: x } }]\n`;

  expect(readTemplate(text("<<")).findings[0]).toMatchObject({ code: "SYNTAX", line: 4, column: 13 });
  expect(readTemplate(text('"<<"')).template?.body.metadata).toEqual({ "<<": 1 });
});

test("errors come first, then warnings, then remarks, at most a hundred in all", () => {
  const steps = Array.from(
    { length: 150 },
    (_, i) => `  - { name: s${i}, handler: { callable: x, method: y }, tipe: 1 }`,
  );
  const { findings } = readTemplate(
    `name: a\nnamespace_name: b\nversion: 1.0.0\nsteps:\n${steps.join("\n")}\n`,
  );
  expect(findings).toHaveLength(limits.templateFindings);
  expect(new Set(findings.map(({ severity }) => severity))).toEqual(new Set(["error"]));

  const few = readTemplate(
    `name: a\nnamespace_name: b\nversion: x\nsteps:\n${steps.slice(0, 40).join("\n").replaceAll(", tipe: 1", "")}\n`,
  );
  const order = few.findings.map(({ severity }) => severity);
  expect(order).toEqual([...Array(1).fill("error"), ...Array(80).fill("warning"), ...Array(19).fill("info")]);
});

/** Texts made to take long or much. Each once took seconds, all memory, or the process. */
const hostile: Readonly<Record<string, () => string>> = {
  "lists within lists without end": () => "[".repeat(limits.templateBytes),
  "dashes without end": () => "- ".repeat(limits.templateBytes / 2),
  "questions without end": () => "? ".repeat(limits.templateBytes / 2),
  "closing brackets": () => "]".repeat(150_000),
  quotes: () => '"'.repeat(150_000),
  anchors: () => "&a ".repeat(90_000),
  tags: () => "- !x y\n".repeat(30_000),
  directives: () => "%x\n".repeat(100_000),
  "keys without values": () => `{${Array.from({ length: 90_000 }, (_, i) => `k${i}`).join(",")}}`,
  "aliases that double forty times": () =>
    `a0: &a0 [x, x]\n${Array.from({ length: 40 }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}, *a${i}]`).join("\n")}`,
  "aliases that nest without end": () =>
    `- &a0 [x]\n${Array.from({ length: 5_000 }, (_, i) => `- &a${i + 1} [*a${i}]`).join("\n")}`,
  "a long text said a thousand times": () =>
    `t: &t ${"x".repeat(100_000)}\nl: [${Array.from({ length: 1_000 }, () => "*t").join(",")}]`,
  "an alias of what it is in": () => "a: &a [*a]\n",
  "a thousand steps that all wait for one another": () =>
    `steps:\n${Array.from({ length: 1_000 }, (_, i) => `- { name: s${i}, depends_on: [${Array.from({ length: 9 }, (_, j) => `s${(i * 7 + j * 13) % 1_000}`)}] }`).join("\n")}`,
};

test.each(Object.keys(hostile))("refused in bounded time: %s", (name) => {
  const { template, findings } = readTemplate(hostile[name]?.() ?? "");

  expect(template).toBeUndefined();
  expect(findings[0]?.severity).toBe("error");
  expect(findings.length).toBeLessThanOrEqual(limits.templateFindings);
  for (const { message } of findings) expect(message.length).toBeLessThan(1_000);
});

test("whatever the text is, reading it answers", () => {
  const signs = fc.constantFrom(..."[]{}:,-?&*!|>'\"%@`#\n \tab1~<.");
  const scraps = fc.constantFrom(
    "steps:\n",
    "  - name: a\n",
    "name: x\n",
    "<<: *a\n",
    "&a ",
    "!!str ",
    "null",
    "---\n",
  );

  fc.assert(
    fc.property(fc.array(fc.oneof(signs, scraps), { maxLength: 60 }), (pieces) => {
      const { template, findings } = readTemplate(pieces.join(""));
      expect(template === undefined).toBe(findings.some(({ severity }) => severity === "error"));
      for (const { line, column } of findings) expect(Math.min(line, column)).toBeGreaterThan(0);
    }),
    { numRuns: 500 },
  );
});
