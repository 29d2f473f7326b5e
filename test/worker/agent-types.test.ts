import { expectTypeOf, test } from "vitest";
import { z } from "zod";
import { createClient } from "#client/index";
import type { Json } from "#domain/json/json";
import type { JsonOf } from "#domain/json/json-of";
import { type ResultOf, workflow } from "#templates/index";
import { type Agent, type AgentDefinition, agent, type StandardSchema } from "#worker/index";

/*
 * What the compiler says of agents, workflows and the client together: compiled by `npm run typecheck`, where an error
 * that is expected and does not come fails.
 */

const summarize = agent({
  name: "summarize",
  input: z.object({ text: z.string(), lang: z.string().default("en") }),
  output: z.object({ summary: z.string(), at: z.date() }),
  run: async ({ text, lang }) => ({ summary: `${lang}: ${text}`, at: new Date(0) }),
});

const count = agent({
  name: "count",
  input: z.object({ text: z.string() }),
  async *run({ text }, ctx) {
    yield "counting";
    if (text === "") return ctx.yield(1);
    return { words: text.length, when: new Date(0), more: undefined as string | undefined };
  },
});

const anything = agent({ name: "anything", run: async (input) => ({ given: input }) });
const nothing = agent({ name: "nothing", input: z.looseObject({}), run: async () => {} });

test("an agent has the types of its name, of its input before defaults, and of its result as JSON", () => {
  expectTypeOf(summarize).toEqualTypeOf<
    Agent<"summarize", { text: string; lang?: string | undefined }, { summary: string; at: string }>
  >();
  expectTypeOf(count).toEqualTypeOf<
    Agent<"count", { text: string }, { words: number; when: string; more: string | undefined }>
  >();
  expectTypeOf(anything).toEqualTypeOf<Agent<"anything", unknown, { given: unknown }>>();
  expectTypeOf(nothing).toExtend<Agent<"nothing", { [x: string]: unknown }, undefined>>();
  expectTypeOf(summarize).toExtend<Agent>();
  const listed: readonly Agent[] = [summarize, count, anything, nothing];
  void listed;
});

test("an agent whose run does not give its output does not compile", () => {
  agent({
    name: "wrong",
    output: z.object({ n: z.number() }),
    // @ts-expect-error the result is a string
    run: async () => ({ n: "1" }),
  });
  agent({
    name: "literal",
    output: z.object({ kind: z.enum(["a", "b"]) }),
    run: async () => ({ kind: "a" as const }),
  });
  agent({
    name: "unread",
    input: z.object({ a: z.string() }),
    // @ts-expect-error there is no b
    run: async ({ b }) => b,
  });
  // @ts-expect-error a JSON Schema is none of Standard Schema
  const plain: AgentDefinition = { name: "plain", input: { type: "object" }, run: async () => 1 };
  void plain;
});

test("the client knows what an agent takes and gives", () => {
  const { tasks } = createClient();
  const calls = () => [
    expectTypeOf(tasks.run(summarize, { text: "a" })).resolves.toEqualTypeOf<{
      summary: string;
      at: string;
    }>(),
    expectTypeOf(tasks.run(nothing)).resolves.toEqualTypeOf<undefined>(),
    expectTypeOf(tasks.run({ agent: "x", input: 1 })).resolves.toEqualTypeOf<unknown>(),
    expectTypeOf(tasks.run<{ n: number }>({ agent: "x" })).resolves.toEqualTypeOf<
      { n: number } | undefined
    >(),
    tasks.run(summarize, { text: "a", lang: "de" }, { priority: 3, onEvent: console.log }),
    // @ts-expect-error text is missing
    tasks.run(summarize, {}),
    // @ts-expect-error the input is missing
    tasks.run(summarize),
    // @ts-expect-error text is a string
    tasks.run(summarize, { text: 1 }),
    // @ts-expect-error the agent is named by the first argument
    tasks.run(summarize, { text: "a" }, { agent: "other" }),
    // @ts-expect-error the result has no words
    tasks.run(summarize, { text: "a" }).then(({ words }) => words),
  ];
  void calls;
});

test("the client knows what a workflow takes and gives", () => {
  const flow = workflow("flow", { input: z.object({ doc: z.string() }) }, (w) =>
    w.step("sum", { agent: summarize, input: { text: w.input.at("doc") } }),
  );
  expectTypeOf<ResultOf<typeof flow>>().toEqualTypeOf<{ summary: string; at: string }>();
  const { tasks } = createClient();
  const calls = () => [
    expectTypeOf(tasks.run(flow, { doc: "a" })).resolves.toEqualTypeOf<{ summary: string; at: string }>(),
    // @ts-expect-error doc is missing
    tasks.run(flow, {}),
  ];
  void calls;
});

test("a step whose declared result contradicts its agent's does not compile", () => {
  const uncalled = () =>
    workflow("checked", { input: z.object({ doc: z.string() }) }, (w) => {
      const input = { text: w.input.at("doc") };
      w.step("same", { agent: summarize, input, result: z.object({ summary: z.string(), at: z.string() }) });
      w.step("part", { agent: summarize, input, result: z.object({ summary: z.string() }) });
      w.step("json", { agent: summarize, input, result: { type: "object" } });
      w.step("named", { agent: "summarize", input, result: z.object({ anything: z.number() }) });
      w.step("of_run", { agent: count, input, result: z.object({ words: z.int() }) });
      // @ts-expect-error a number, where the agent gives a text
      w.step("other", { agent: summarize, input, result: z.object({ summary: z.number() }) });
      w.step("more", {
        agent: summarize,
        input,
        // @ts-expect-error the agent gives no tone
        result: z.object({ summary: z.string(), tone: z.string() }),
      });
      // @ts-expect-error the agent gives no list
      w.converge("list", { agent: summarize, input, after: [], result: z.array(z.string()) });
      w.map("each", {
        agent: summarize,
        over: "input/docs",
        input,
        // @ts-expect-error each member gives a text
        result: z.object({ summary: z.boolean() }),
      });
      // @ts-expect-error of what run returns, too
      w.step("of_run_not", { agent: count, input, result: z.object({ words: z.string() }) });
    });
  void uncalled;
});

test("a mapping that does not give what the agent takes does not compile", () => {
  const options = { input: z.object({ doc: z.string(), n: z.number(), docs: z.array(z.string()) }) };
  const uncalled = () =>
    workflow("mapped", options, (w) => {
      const text = w.input.at("doc");
      w.step("all", { agent: summarize, input: { text, lang: "de" } });
      const plain = w.step("plain", {
        agent: "free",
        input: { deep: [{ text }], n: 1, from: { from: "x" } },
      });
      // @ts-expect-error text is missing
      w.step("missing", { agent: summarize, input: { lang: text } });
      // @ts-expect-error a number where a text is wanted
      w.step("number", { agent: summarize, input: { text: w.input.at("n") } });
      // @ts-expect-error a constant of the wrong type
      w.step("constant", { agent: summarize, input: { text: 5 } });
      // @ts-expect-error there is no doc in a text
      w.step("deep", { agent: summarize, input: { text: text.at("doc") } });
      // @ts-expect-error what an agent gives that is known by its name alone is unknown
      w.step("unknown", { agent: summarize, input: { text: plain.at("text") } });
      w.map("each", {
        agent: summarize,
        over: w.input.at("docs"),
        input: ({ item }) => ({ text: item, lang: "de" }),
      });
      w.map("wrong", {
        agent: summarize,
        over: w.input.at("docs"),
        // @ts-expect-error the index is a number
        input: ({ index }) => ({ text: index }),
      });
      const child = workflow("child", { input: z.object({ id: z.string() }) }, (c) =>
        c.step("a", { agent: "a" }),
      );
      w.child("child", { template: child, input: { id: text } });
      // @ts-expect-error the child has no name
      w.child("child2", { template: child, input: { name: text } });
    });
  void uncalled;
});

test("any schema of Standard Schema types an agent", () => {
  const schema = {} as StandardSchema<{ a?: number }, { a: number }>;
  const made = () => agent({ name: "made", input: schema, run: async ({ a }) => a.toFixed() });
  expectTypeOf<ReturnType<typeof made>>().toEqualTypeOf<Agent<"made", { a?: number }, string>>();
});

test("plain JSON is itself as JSON", () => {
  expectTypeOf<JsonOf<{ a: string; b?: number; c: (null | boolean)[] }>>().toEqualTypeOf<{
    a: string;
    b?: number;
    c: (null | boolean)[];
  }>();
  expectTypeOf<JsonOf<Json>>().toExtend<Json>();
  expectTypeOf<JsonOf<{ readonly list: readonly [Date, string]; f(): void }>>().toEqualTypeOf<{
    list: [string, string];
  }>();
  expectTypeOf<JsonOf<unknown>>().toEqualTypeOf<unknown>();
});
