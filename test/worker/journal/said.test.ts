import { expect, test } from "vitest";
import { type Ctx, keptRun, runWith } from "./kit.js";

const any = (value: unknown) => value as never;
const once = { effect: "once" } as const;

test.each<[string, (ctx: Ctx) => Promise<unknown>, RegExp]>([
  ["no name", (ctx) => ctx.step("", () => 1), /step\(name, …\): name is empty/],
  ["a name that is none", (ctx) => ctx.step(any(1), () => 1), /name is a number, not a string/],
  ["a long name", (ctx) => ctx.step("x".repeat(257), () => 1), /name is 257 bytes long; the limit is 256/],
  [
    "no function",
    (ctx) => ctx.step("a", any(1)),
    /step\(name, fn, options\): fn is a number, not a function/,
  ],
  ["an unknown option", (ctx) => ctx.step("a", () => 1, any({ efect: "once" })), /did you mean effect\?/],
  [
    "an unknown effect",
    (ctx) => ctx.step("a", () => 1, any({ effect: "twice" })),
    /effect is twice, not one of read/,
  ],
  [
    "an unknown policy",
    (ctx) => ctx.step("a", () => 1, any({ onDoubt: "x" })),
    /onDoubt is x, not hold, retry, fail/,
  ],
  [
    "two policies",
    (ctx) => ctx.step("a", () => 1, any({ onDoubt: "hold", verify: () => ({ done: false }) })),
    /onDoubt and verify are the same/,
  ],
  ["an input of a tool", (ctx) => ctx.tool("a", 1, () => 1, any({ input: 2 })), /options has no input/],
  ["a sleep that is none", (ctx) => ctx.sleep(any("1s")), /sleep\(ms\): ms is a string, not a number/],
  ["a sleep into the past", (ctx) => ctx.sleep(-1), /ms is -1: send milliseconds from 0 to 2592000000/],
  ["a sleep without end", (ctx) => ctx.sleep(Number.NaN), /ms is NaN: send milliseconds/],
  [
    "a large default",
    (ctx) => ctx.waitForSignal("go", { default: "x".repeat(65_536) }),
    /default is 65538 bytes of JSON; the limit is 65536/,
  ],
  ["no agent", (ctx) => ctx.call(any(1), 1), /call\(agent, input, options\): agent is a number/],
  [
    "an agent without a name",
    (ctx) => ctx.spawn(any({}), 1),
    /spawn\(agent, input, options\): agent is undefined/,
  ],
  [
    "a template that is none",
    (ctx) => ctx.call({ template: any(1) }, 1),
    /template is a number: send its name/,
  ],
  [
    "too many attempts",
    (ctx) => ctx.call("a", 1, { maxAttempts: -1 }),
    /maxAttempts is -1: send a whole number/,
  ],
  ["labels that are none", (ctx) => ctx.call("a", 1, { labels: any({ a: 1 }) }), /labels "a" is a number/],
])("a durable call is told what is wrong with it: %s", async (_, call, complaint) => {
  const run = keptRun();
  await expect(call(run.ctx)).rejects.toThrow(complaint);
  expect(run.journal).toEqual([]);
});

test.each([
  [{}, /report.model is undefined, not a string/],
  [{ model: "" }, /report.model is empty/],
  [{ model: "m", inputTokens: 1.5 }, /report.inputTokens is 1.5, not a whole number/],
  [{ model: "m", outputTokens: -1 }, /report.outputTokens is -1, not a whole number/],
  [{ model: "m", usdMicros: "1" }, /report.usdMicros is a string, not a number/],
  [{ model: "m", tokens: 1 }, /report has no tokens;/],
])("a report of usage is told what is wrong with it", (report, complaint) => {
  expect(() => keptRun().ctx.usage(any(report))).toThrow(complaint);
});

/** An agent whose step is in doubt. */
async function inDoubt(options: object, fn: () => unknown = () => "again") {
  const lost = await runWith((ctx) => ctx.step("charge", () => 1, once), [], 1);
  return runWith((ctx) => ctx.step("charge", fn, any({ ...once, ...options })), lost.journal);
}

const states = (run: Awaited<ReturnType<typeof inDoubt>>) => run.journal.map(({ state }) => state);

test("a step in doubt ends the run, unless it is said what to do", async () => {
  const held = await inDoubt({});
  expect(held.came).toMatchObject({ to: "error", error: { reason: "IN_DOUBT", retryable: false } });
  expect(states(held)).toEqual(["BEGUN"]);

  const retried = await inDoubt({ onDoubt: "retry" });
  expect(retried.came).toEqual({ to: "result", result: "again" });
  expect(states(retried)).toEqual(["BEGUN", "NOT_DONE", "BEGUN", "COMPLETED"]);

  const failed = await inDoubt({ onDoubt: "fail" });
  expect(failed.came).toMatchObject({ to: "error", error: { retryable: false } });
  expect(failed.came).not.toHaveProperty("error.reason");
  expect(states(failed)).toEqual(["BEGUN"]);
});

test("a step in doubt is what its verify finds", async () => {
  const seen: unknown[] = [];
  const done = await inDoubt({
    input: undefined,
    verify: ({ name, entry }: { name: string; entry: number }) => {
      seen.push([name, entry]);
      return { done: true, result: "found" };
    },
  });
  expect(done.came).toEqual({ to: "result", result: "found" });
  expect(states(done)).toEqual(["BEGUN", "COMPLETED"]);
  expect(seen).toEqual([["charge", 1]]);

  const notDone = await inDoubt({ onDoubt: async () => ({ done: false }) });
  expect(notDone.came).toEqual({ to: "result", result: "again" });

  const unclear = await inDoubt({ verify: () => true });
  expect(unclear.came).toMatchObject({
    error: { message: expect.stringMatching(/returned neither \{ done: true, result \} nor/) },
  });
  expect(states(unclear)).toEqual(["BEGUN"]);
});

test("a result that cannot be kept fails its step", async () => {
  const run = await runWith((ctx) => ctx.step("a", () => () => 1));
  expect(run.came).toMatchObject({
    error: { message: expect.stringMatching(/the agent's result of step "a" is a function/) },
  });
});

test("tools tell of each call, and of what an earlier run has called", async () => {
  const agent = async (ctx: Ctx) => {
    await ctx.tool("bad", undefined, () => Promise.reject(new Error("no"))).catch(() => {});
    return ctx.tool("good", undefined, () => 1);
  };
  const first = await runWith(agent);
  const second = await runWith(agent, first.journal);

  const told = (run: typeof first) => run.told.map((event) => (event as [string, object])[1]);
  expect(told(first)).toEqual([
    { tool: "bad" },
    { tool: "bad", outcome: "failed", duration_ms: "0" },
    { tool: "good" },
    { tool: "good", outcome: "ok", duration_ms: "0" },
  ]);
  expect(told(second)).toEqual([
    { tool: "bad", outcome: "replayed", duration_ms: "0" },
    { tool: "good", outcome: "replayed", duration_ms: "0" },
  ]);
  expect([first.used.length, second.used.length]).toEqual([2, 0]);
});
