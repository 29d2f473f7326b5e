import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import {
  type InputOf,
  type Place,
  type ResultOf,
  readTemplate,
  type StepHandle,
  workflow,
} from "#templates/index";

const page = z.object({ url: z.string(), words: z.int() });
const fetchPage = { name: "fetch-page" };

const report = workflow(
  "report",
  { namespace: "example", version: "1.2.0", input: z.object({ urls: z.array(z.string()) }) },
  (w) => {
    const pages = w.map("pages", {
      over: w.input.at("urls"),
      agent: fetchPage,
      concurrency: 4,
      result: page,
      retry: { maxAttempts: 5, maxLosses: 0, backoff: "fibonacci", baseMs: 200 },
    });
    return w.step("sum", {
      agent: "summarise",
      after: [pages],
      config: { style: "short" },
      result: z.object({ text: z.string() }),
      timeoutSeconds: 60,
    });
  },
);

const reportYaml = `
name: report
namespace_name: example
version: 1.2.0
input_schema:
  type: object
  properties: { urls: { type: array, items: { type: string } } }
  required: [urls]
steps:
  - name: pages
    step_type: map
    handler: { callable: fetch-page }
    map: { over: input/urls, concurrency: 4 }
    retry: { max_attempts: 5, max_losses: 0, backoff: fibonacci, backoff_base_ms: 200 }
    result_schema:
      type: object
      properties:
        url: { type: string }
        words: { type: integer, minimum: -9007199254740991, maximum: 9007199254740991 }
      required: [url, words]
  - name: sum
    depends_on: [pages]
    timeout_seconds: 60
    handler: { callable: summarise, initialization: { style: short } }
    result_schema: { type: object, properties: { text: { type: string } }, required: [text] }
`;

test("a workflow in code is the same template as its YAML", () => {
  const { template } = readTemplate(reportYaml);

  expect(template?.body).toEqual(report.body);
  expect(report.digest).toBe(template?.digest);
  expect(readTemplate(report.source).template?.digest).toBe(report.digest);
});

test("the compiler knows what a workflow takes and gives, and what each step does", () => {
  expectTypeOf<InputOf<typeof report>>().toEqualTypeOf<{ urls: string[] }>();
  expectTypeOf<ResultOf<typeof report>>().toEqualTypeOf<{ text: string }>();
  expectTypeOf(report).toExtend<{ namespace: string; name: string; version: string }>();

  const input = z.object({ ids: z.array(z.int()), note: z.string() });
  workflow("typed", { namespace: "example", input }, (w) => {
    expectTypeOf(w.input.at("ids").at(0)).toHaveProperty("path");
    expectTypeOf(w.input.at).parameter(0).toEqualTypeOf<"ids" | "note">();

    const all = w.map("all", { over: w.input.at("ids"), agent: "a", result: z.string() });
    const some = w.map("some", {
      over: w.input.at("ids"),
      agent: "a",
      result: z.string(),
      onFailure: "isolate",
    });
    const child = w.child("child", { template: report, after: [all, some] });
    const plain = w.step("plain", { agent: "a", after: [child] });
    expectTypeOf<typeof all>().toExtend<{ at(index: number): { readonly path: string } }>();
    expectTypeOf<ValueIn<typeof all>>().toEqualTypeOf<string[]>();
    expectTypeOf<ValueIn<typeof some>>().toEqualTypeOf<(string | null)[]>();
    expectTypeOf<ValueIn<typeof child>>().toEqualTypeOf<{ text: string }>();
    expectTypeOf<ValueIn<typeof plain>>().toEqualTypeOf<unknown>();
  });
});

/** What a handle's step results in. */
type ValueIn<Handle> = Handle extends StepHandle<infer Value> ? Value : never;

test("what the compiler should refuse, it refuses", () => {
  workflow("refused", { input: z.object({ ids: z.array(z.int()), note: z.string() }) }, (w) => {
    const cancel = w.compensation("cancel", { agent: "u" });
    type Map = Parameters<typeof w.map>[1];
    type After = NonNullable<Parameters<typeof w.step>[1]["after"]>[number];

    const [ids, note] = [w.input.at("ids"), w.input.at("note")];
    expectTypeOf(ids).toExtend<Map["over"]>();
    expectTypeOf(note).not.toExtend<Map["over"]>();
    expectTypeOf(cancel).not.toExtend<After>();
    expectTypeOf<Place<{ urls: string[] }>>().not.toExtend<typeof w.input>();
    w.step("kept", { agent: "a", compensate: cancel });
  });
});

test("the old names of compensations make the same template", () => {
  const now = workflow("same", (w) => {
    w.step("charge", { agent: "card", compensate: w.compensation("refund", { agent: "bank" }) });
  });
  const before = workflow("same", (w) => {
    w.step("charge", { agent: "card", undo: w.undo("refund", { agent: "bank" }) });
  });

  expect(now.body.steps.find(({ name }) => name === "charge")?.compensate).toBe("refund");
  expect(before.digest).toBe(now.digest);
});

test("every kind of step can be written in code", () => {
  const { body } = workflow("all", { input: z.object({ items: z.array(z.string()) }) }, (w) => {
    const refund = w.compensation("refund", { agent: "bank" });
    const read = w.step("read", {
      agent: "reader",
      compensate: refund,
      result: z.object({ rows: z.array(z.int()) }),
    });
    const each = w.map("each", { over: read.at("rows"), agent: "one", onFailure: "isolate" });
    const cut = w.batch("cut", {
      agent: "cutter",
      after: [read],
      batchSize: 10,
      parallelism: 3,
      cursorField: "row",
      onFailure: "continue_on_failure",
      worker: { name: "part", agent: "worker", config: { fast: true } },
    });
    const route = w.decision("route", { agent: "router", after: [each] });
    const left = w.timer("left", { after: [route], delayMs: 5_000 });
    const right = w.signal("right", { after: [route], signal: "go", timeoutMs: 1_000, otherwise: null });
    const sub = w.child("sub", { agent: "other", input: read.at("rows"), after: [right] });
    const named = w.child("named", { template: { name: "audit" }, after: [sub] });
    return w.converge("end", { agent: "join", after: [left, named, cut.workers] });
  });

  expect(body.steps).toEqual([
    { name: "refund", handler: { callable: "bank" } },
    {
      name: "read",
      handler: { callable: "reader" },
      compensate: "refund",
      result_schema: {
        type: "object",
        properties: {
          rows: {
            type: "array",
            items: { type: "integer", minimum: -9007199254740991, maximum: 9007199254740991 },
          },
        },
        required: ["rows"],
      },
    },
    {
      name: "each",
      type: "map",
      handler: { callable: "one" },
      dependencies: ["read"],
      map: { over: "results/read/rows", failure_strategy: "isolate" },
    },
    {
      name: "cut",
      type: "batchable",
      handler: { callable: "cutter" },
      dependencies: ["read"],
      batch_config: {
        batch_size: 10,
        parallelism: 3,
        cursor_field: "row",
        worker_template: "part",
        failure_strategy: "continue_on_failure",
      },
    },
    {
      name: "part",
      type: "batch_worker",
      handler: { callable: "worker", initialization: { fast: true } },
      dependencies: ["cut"],
    },
    { name: "route", type: "decision", handler: { callable: "router" }, dependencies: ["each"] },
    { name: "left", type: "timer", dependencies: ["route"], timer: { delay_ms: 5_000 } },
    {
      name: "right",
      type: "signal",
      dependencies: ["route"],
      signal: { name: "go", timeout_ms: 1_000, default: null },
    },
    {
      name: "sub",
      type: "child_task",
      dependencies: ["right", "read"],
      child: { agent: "other", input: "results/read/rows" },
    },
    { name: "named", type: "child_task", dependencies: ["sub"], child: { template: { name: "audit" } } },
    {
      name: "end",
      type: "deferred_convergence",
      handler: { callable: "join" },
      dependencies: ["left", "named", "part"],
    },
  ]);
});

test("what is true of all Tasks of a workflow is said in its options", () => {
  const { body, namespace, version } = workflow(
    "options",
    {
      description: "All of them",
      metadata: { author: "ann" },
      identity: "strict",
      identityWindowSeconds: 60,
      maxDurationMinutes: 5,
      holdOnFailure: true,
      environments: {
        production: { ALL: { timeoutSeconds: 5 }, a: { config: { x: 1 }, retry: { jitter: 0 } } },
      },
    },
    (w) => w.step("a", { agent: "a" }),
  );

  expect([namespace, version]).toEqual(["default", "1.0.0"]);
  expect(body).toMatchObject({
    description: "All of them",
    metadata: { author: "ann" },
    identity_strategy: "strict",
    identity_window_seconds: 60,
    lifecycle: { max_duration_minutes: 5 },
    hold_on_failure: true,
    environments: {
      production: {
        steps: [
          { name: "ALL", timeout_seconds: 5 },
          { name: "a", handler: { initialization: { x: 1 } }, retry: { jitter: 0 } },
        ],
      },
    },
  });
});

test("a workflow that is no valid template is refused with all that is wrong", () => {
  expect(() =>
    workflow("bad", (w) => {
      w.step("a", { agent: "" });
      w.step("a", { agent: "x", timeoutSeconds: 0 });
    }),
  ).toThrow(
    /workflow bad is no valid template: .*not the name of an agent.*; .*named "a" too.*; .*timeout_seconds is 0/,
  );
});

const any = <T>(value: unknown) => value as T;

test.each<[string, () => unknown, string]>([
  [
    "a name of the format",
    () =>
      workflow("w", (w) => {
        const a = w.step("a", { agent: "x" });
        w.step("b", any<never>({ agent: "x", dependencies: [a] }));
      }),
    "step b: options has no dependencies; in code that is after.",
  ],
  [
    "a misspelled name",
    () => workflow("w", (w) => w.step("a", any<never>({ agent: "x", timeoutSecond: 5 }))),
    "step a: options has no timeoutSecond; did you mean timeoutSeconds?",
  ],
  [
    "a name of another step",
    () => workflow("w", (w) => w.timer("a", any<never>({ delayMs: 5, agent: "x" }))),
    "step a: options has no agent; there are description, after",
  ],
  [
    "a name of a worker",
    () =>
      workflow("w", (w) =>
        w.batch("a", { agent: "x", worker: any<never>({ name: "b", agent: "x", size: 1 }) }),
      ),
    "step a: worker: options has no size; there are",
  ],
  [
    "a retry's name of the format",
    () => workflow("w", (w) => w.step("a", { agent: "x", retry: any<never>({ max_attempts: 3 }) })),
    "step a: retry has no max_attempts; did you mean maxAttempts?",
  ],
  [
    "an environment's name",
    () =>
      workflow("w", { environments: { test: { ALL: any<never>({ timeout: 3 }) } } }, (w) =>
        w.step("a", { agent: "x" }),
      ),
    "environment test, step ALL: options has no timeout; there are",
  ],
  [
    "an option of the whole",
    () => workflow("w", any<never>({ inputSchema: {} }), (w) => w.step("a", { agent: "x" })),
    "workflow w: options has no inputSchema; there are namespace",
  ],
  [
    "no options of a step",
    () => workflow("w", (w) => w.step("a", any<never>(undefined))),
    "step a needs options",
  ],
  ["no function", () => workflow("w", any<never>({})), "workflow w needs a function that adds its steps"],
  [
    "a function that is async",
    () => workflow("w", async (w) => w.step("a", { agent: "x" })),
    "the function of workflow w is async",
  ],
])("%s is refused where it is written", (_, make, message) => {
  expect(make).toThrow(message);
});

test("what is returned must be what a Task ends with", () => {
  const two = (pick: "first" | "last" | "both" | "renamed" | "none") =>
    workflow("two", (w) => {
      const first = w.step("first", { agent: "x" });
      const last = w.step("last", { agent: "x", after: [first] });
      const other = w.step("other", { agent: "x", after: [first] });
      return { first, last, both: { last, other }, renamed: { last, another: other }, none: undefined }[pick];
    });

  expect(() => two("first")).toThrow("does not end with first: steps follow");
  expect(() => two("last")).toThrow("also ends with other: return an object of all of them");
  expect(() => two("renamed")).toThrow("step other is returned as another");
  expect(two("both").digest).toBe(two("none").digest);
});

test("the result of a workflow with several ends is an object by their names", () => {
  const both = workflow("both", (w) => {
    const a = w.step("a", { agent: "x", result: z.string() });
    const b = w.step("b", { agent: "x", result: z.int() });
    return { a, b };
  });

  expectTypeOf<ResultOf<typeof both>>().toEqualTypeOf<{ a: string; b: number }>();
});

test("a name that cannot stand in a path is refused where it is written", () => {
  expect(() => workflow("path", (w) => void w.input.at("a/b"))).toThrow('"a/b" cannot stand in a path');
});
