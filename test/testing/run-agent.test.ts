import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { runAgent } from "#testing/index";
import { type Agent, type AgentContext, AgentError, agent, RunStopped } from "#worker/index";

type InputOf<Of> = Of extends Agent<string, infer Input> ? Input : never;

const anything = (run: (ctx: AgentContext) => Promise<unknown>) =>
  agent({ name: "any", run: async (_: unknown, ctx) => run(ctx) });

test("input and result are checked and typed as the agent's", async () => {
  const twice = agent({
    name: "twice",
    input: z.object({ n: z.number().default(1), at: z.coerce.date().optional() }),
    output: z.object({ n: z.number().max(10) }),
    run: async ({ n }) => ({ n: 2 * n }),
  });

  const runTwice = (input: InputOf<typeof twice>) => runAgent(twice, input);
  const { result } = await runAgent(twice, { n: 4 });
  expectTypeOf(result).toEqualTypeOf<{ n: number }>();
  expect(result).toEqual({ n: 8 });
  expect((await runAgent(twice, {})).result).toEqual({ n: 2 });
  await expect(runAgent(twice, { n: 6 })).rejects.toThrow(/^the agent's result does not fit its output: n: /);
  expectTypeOf<InputOf<typeof twice>>().toEqualTypeOf<{ n?: number | undefined; at?: unknown }>();
  await expect(runTwice({ n: "6" as never })).rejects.toThrow(/^input_json does not fit the agent: n: /);
});

test("a result is what a client would read: JSON, or an error if it has none", async () => {
  const { result } = await runAgent(
    anything(async () => ({ at: new Date(0), no: undefined })),
    {},
  );
  expect(result).toEqual({ at: "1970-01-01T00:00:00.000Z" });
  expect(
    (
      await runAgent(
        anything(async () => undefined),
        {},
      )
    ).result,
  ).toBeUndefined();
  for (const value of [1n, () => 1, Symbol("x")]) {
    await expect(
      runAgent(
        anything(async () => value),
        {},
      ),
    ).rejects.toThrow(AgentError);
  }
  await expect(
    runAgent(
      anything(async () => "x".repeat(2 ** 24)),
      {},
    ),
  ).rejects.toThrow("at most");
});

test("output, events, chat and log are recorded in their order, with the checks of a worker", async () => {
  const speaks = agent({
    name: "speaks",
    async *run(_: unknown, ctx) {
      yield "one ";
      ctx.event("TOOL_REQUESTED", { tool: "search" });
      await ctx.output("two", { part: "2" });
      ctx.chat("ASSISTANT", "done");
      ctx.log.warn("slow", { ms: 5 });
      ctx.backendUsed({ provider: "local", modelName: "small" });
      yield { three: 3 };
    },
  });
  const { output, events, backendUsed } = await runAgent(speaks, {});

  expect(output).toBe('one two{"three":3}\n');
  expect(events).toEqual([
    { type: "output", text: "one ", metadata: {} },
    { type: "event", kind: "TOOL_REQUESTED", metadata: { tool: "search" } },
    { type: "output", text: "two", metadata: { part: "2" } },
    { type: "chat", role: "ASSISTANT", content: "done" },
    { type: "log", level: "warn", message: "slow", fields: { ms: 5 } },
    { type: "output", text: '{"three":3}\n', metadata: {} },
  ]);
  expect(backendUsed).toMatchObject({ provider: "local", modelName: "small" });
  const wrong = anything(async ({ event }) => event("NOTHING" as never));
  await expect(runAgent(wrong, {})).rejects.toThrow(TypeError);
  const chatty = anything(async (ctx) => {
    for (;;) await ctx.output("x".repeat(2 ** 20));
  });
  await expect(runAgent(chatty, {})).rejects.toThrow(AgentError);
});

test("the context has what the options give", async () => {
  let seen: AgentContext | undefined;
  const looks = agent({
    name: "looks",
    input: z.looseObject({ x: z.number() }),
    async run(input, ctx) {
      seen = ctx;
      return { input, urls: await ctx.result("search", z.object({ urls: z.array(z.string()) })) };
    },
  });
  const { result } = await runAgent(
    looks,
    { x: 1 },
    {
      results: { search: { urls: ["a"] }, empty: undefined },
      ...{
        config: { model: "small" },
        item: "i",
        index: 3,
        attempt: 2,
        labels: { a: "b" },
        stepName: "look",
      },
      ...{ batch: { startCursor: 5 }, compensate: { step: "pay", result: 7 }, checkpoint: { cursor: 9 } },
      ...{ failedDependencies: ["other"], deadline: new Date(4e12) },
    },
  );

  expect(result).toMatchObject({
    input: { x: 1, config: { model: "small" }, item: "i" },
    urls: { urls: ["a"] },
  });
  expect(seen).toMatchObject({
    ...{ attempt: 2, stepName: "look", labels: { a: "b" }, deadline: new Date(4e12), item: "i", index: 3 },
    ...{ config: { model: "small" }, checkpoint: { cursor: 9, output: null } },
    ...{ batch: { startCursor: 5, isNoOp: false }, compensate: { step: "pay", result: 7 } },
    ...{ dependencies: ["empty", "search"], failedDependencies: ["other"] },
  });
  expect(await seen?.result("empty")).toBeUndefined();
  await expect(seen?.result("nowhere")).rejects.toThrow('does not depend on "nowhere": give its result');
});

test("what an agent throws is thrown as it is", async () => {
  class Mine extends Error {}
  const mine = new Mine("mine");
  for (const thrown of [mine, "text", undefined]) {
    const throws = anything(async () => {
      throw thrown;
    });
    const caught: unknown = await runAgent(throws, {}).then(
      () => "nothing",
      (error: unknown) => error,
    );
    expect(caught).toBe(thrown);
  }
});

test("a signal and a deadline stop the run, whose result is dropped", async () => {
  const waits = anything(async ({ signal }) => {
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
  });
  const aborter = new AbortController();
  const running = runAgent(waits, {}, { signal: aborter.signal });
  aborter.abort();
  await expect(running).rejects.toMatchObject({ name: "RunStopped", why: "cancelled" });
  await expect(runAgent(waits, {}, { deadline: new Date(Date.now() + 5) })).rejects.toThrow(RunStopped);
  const ignores = anything(async () => 1);
  await expect(runAgent(ignores, {}, { signal: AbortSignal.abort() })).rejects.toThrow(RunStopped);
});

test("an agent stops at a checkpoint, and goes on from it", async () => {
  const count = agent({
    name: "count",
    async run(_: unknown, ctx) {
      const from = z.int().catch(0).parse(ctx.checkpoint?.cursor);
      return from < 2 ? ctx.yield(from + 1, { at: from }) : { counted: from };
    },
  });
  const first = await runAgent(count, {});
  expect([first.result, first.yielded]).toEqual([undefined, { cursor: 1, output: { at: 0 } }]);
  const last = await runAgent(count, {}, { checkpoint: { cursor: 2 } });
  expect([last.result, last.yielded]).toEqual([{ counted: 2 }, undefined]);
});

test("options that are wrong are refused by name", async () => {
  const any = anything(async () => 1);
  for (const [options, message] of [
    [{ atempt: 2 }, "options has no atempt; did you mean attempt?"],
    [{ attempt: 0 }, "attempt is 0: send a whole number from 1."],
    [{ deadline: 5 }, "deadline is 5: send a Date."],
    [{ signal: {} }, "signal is an object: send an AbortSignal."],
    [{ results: [] }, "results is a list: send an object with a result for each step."],
    [{ results: { a: 1n } }, "option results.a"],
    [{ config: 5 }, "config is 5: send an object."],
    [{ checkpoint: "x" }, 'checkpoint is "x": send an object.'],
    [{ batch: [] }, "batch is a list: send an object."],
    [{ compensate: null }, "compensate is null: send an object."],
    [{ labels: 5 }, "labels is 5: send an object."],
    [{ failedDependencies: "a" }, 'failedDependencies is "a": send a list'],
    [{ stepName: 5 }, "stepName is 5: send a name."],
    [{ log: 5 }, "log is 5: send an object with debug"],
  ] as const) {
    await expect(runAgent(any, {}, options as never), message).rejects.toThrow(message);
  }
  await expect(runAgent({ name: "x" } as never, {})).rejects.toThrow("cannot perform");
  await expect(runAgent(any, [1], { config: {} })).rejects.toThrow(
    "the option config is part of an input that is an object",
  );
  await expect(runAgent(any, 1n)).rejects.toThrow("input cannot be written as JSON: TypeError: ");
  await expect(runAgent(any, () => 1)).rejects.toThrow("input is a function, of which JSON can say nothing.");
});
