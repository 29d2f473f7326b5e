import { expect, test } from "vitest";
import { limits } from "#limits/index";
import { type Agent, agent } from "#worker/agent/agent";
import type { AgentContext } from "#worker/agent/context";
import { AgentError } from "#worker/agent/error";
import { unknownToServer } from "#worker/journal/unknown";
import { contextFor } from "#worker/run/context";
import { serve } from "#worker/serve";
import { assignment, echo, fetchFrom, silent } from "./kit/workbench.js";

/** A context whose words go nowhere; `said` is what would be sent. */
function context() {
  const said: unknown[] = [];
  const ctx = contextFor(assignment(), {
    signal: new AbortController().signal,
    log: silent,
    wall: () => 0,
    write: async (text, metadata) => void said.push([text, metadata]),
    note: (frame) => void said.push(frame.payload),
    backendUsed: (backend) => void said.push(backend),
    fetchResult: fetchFrom({}),
    durable: () => unknownToServer(silent),
  });
  return { ctx, said };
}

/** Throws at every touch. */
const hostile: never = new Proxy(
  {},
  {
    get: () => {
      throw new Error("hands off");
    },
    ownKeys: () => {
      throw new Error("hands off");
    },
    getPrototypeOf: () => {
      throw new Error("hands off");
    },
  },
) as never;

const any = (value: unknown) => value as never;
const backend = (part: object) => any({ provider: "p", modelName: "m", ...part });
const LONG = "x".repeat(257);

test.each<[string, (ctx: AgentContext) => unknown, RegExp]>([
  ["output of a number", (ctx) => ctx.output(any(1)), /^output\(text, metadata\): text is a number, not a/],
  [
    "output of nothing",
    (ctx) => ctx.output(any(undefined)),
    /text is undefined, not a string: send text, or/,
  ],
  ["output of an object", (ctx) => ctx.output(any({})), /text is an object, not a string/],
  [
    "metadata that is null",
    (ctx) => ctx.output("", any(null)),
    /metadata is null: send an object of strings/,
  ],
  ["metadata that is a list", (ctx) => ctx.output("", any(["a"])), /metadata is an array: send an object/],
  ["metadata that is a Map", (ctx) => ctx.output("", any(new Map())), /metadata is a collection: send an/],
  ["a number in metadata", (ctx) => ctx.output("", any({ n: 1 })), /metadata "n" is a number, not a string/],
  ["hostile metadata", (ctx) => ctx.output("", hostile), /metadata cannot be read: /],
  ["a getter that throws", (ctx) => ctx.output("", getter()), /metadata cannot be read: Error: hands off/],
  [
    "an unknown event",
    (ctx) => ctx.event(any("STARTED")),
    /^event\(type, metadata\): type is "STARTED", not/,
  ],
  [
    "an event by number",
    (ctx) => ctx.event(any(1)),
    /type is a number, not one of SESSION_INITIALIZED, TOOL/,
  ],
  ["a slip", (ctx) => ctx.event(any("TOOL_REQUESTD")), /type is "TOOL_REQUESTD", not one of/],
  [
    "a name that is too long",
    (ctx) => ctx.event(any("n".repeat(65))),
    /a name of your own, of small letters/,
  ],
  ["an event of no kind", (ctx) => ctx.event(any("UNSPECIFIED")), /type is "UNSPECIFIED", not one of/],
  [
    "an unknown speaker",
    (ctx) => ctx.chat(any("ROBOT"), "hi"),
    /speaker is "ROBOT", not one of USER, ASSIST/,
  ],
  ["chat that is no text", (ctx) => ctx.chat("USER", any({ text: "hi" })), /text is an object, not a string/],
  ["no backend", (ctx) => ctx.backendUsed(any(null)), /backend is null: send \{ provider, modelName \}/],
  [
    "a backend without a model",
    (ctx) => ctx.backendUsed(any({ provider: "p" })),
    /modelName is undefined, not/,
  ],
  [
    "half a token",
    (ctx) => ctx.backendUsed(backend({ contextWindow: 1.5 })),
    /contextWindow is 1.5, not a whole/,
  ],
  [
    "no tokens",
    (ctx) => ctx.backendUsed(backend({ contextWindow: Number.NaN })),
    /contextWindow is NaN, not/,
  ],
  ["many tokens", (ctx) => ctx.backendUsed(backend({ contextWindow: 2 ** 40 })), /from 0 to 4294967295/],
  [
    "tokens in words",
    (ctx) => ctx.backendUsed(backend({ contextWindow: "8k" })),
    /is a string, not a number/,
  ],
  [
    "a long provider",
    (ctx) => ctx.backendUsed(backend({ provider: LONG })),
    /provider is 257 bytes long; the/,
  ],
  ["tools by name", (ctx) => ctx.backendUsed(backend({ tools: "rg" })), /tools is a string, not an array/],
  ["a tool that is none", (ctx) => ctx.backendUsed(backend({ tools: [1] })), /tools\[0\] is a number, not a/],
  ["streaming, perhaps", (ctx) => ctx.backendUsed(backend({ supportsStreaming: 1 })), /not true or false/],
  ["a hostile backend", (ctx) => ctx.backendUsed(hostile), /backend cannot be read: /],
  ["a cursor that turns in circles", (ctx) => ctx.yield(circle()), /cursor cannot be written as JSON/],
  ["a cursor that is a symbol", (ctx) => ctx.yield(Symbol("s")), /cursor is a symbol, of which JSON can say/],
])("%s is refused where the agent says it, with the way out", (_, say, complaint) => {
  const { ctx, said } = context();

  expect(() => say(ctx)).toThrow(complaint);
  expect(said).toEqual([]);
});

function getter() {
  return {
    get name(): string {
      throw new Error("hands off");
    },
  };
}

function circle(): object {
  const self: { self?: object } = {};
  self.self = self;
  return self;
}

test("what is said is copied, and is then what it will be on the wire", async () => {
  const { ctx, said } = context();
  const metadata = { tool: "rg\ud83d" };
  const model = { provider: "p", modelName: "m", tools: ["a"] };

  await ctx.output("cut: \ud83d", metadata);
  ctx.backendUsed(model);
  metadata.tool = "changed";
  model.tools.push("b");

  expect(said).toEqual([
    ["cut: \ufffd", { tool: "rg\ufffd" }],
    {
      ...{ provider: "p", modelName: "m", contextWindow: 0, supportsStreaming: false },
      ...{ modalities: [], tools: ["a"], metadata: {} },
    },
  ]);
});

test.each([
  [Number.NaN, "retryAfterMs is NaN, not a number of milliseconds. The error was: busy"],
  [Number.POSITIVE_INFINITY, "retryAfterMs is Infinity, not a number"],
  ["5s", "retryAfterMs is string, not a number"],
  [null, "retryAfterMs is object, not a number"],
])("an agent error with a wait of %s is refused, and keeps its own message", (retryAfterMs, complaint) => {
  expect(() => new AgentError("busy", { retryAfterMs: any(retryAfterMs) })).toThrow(complaint);
});

test("an agent error takes any wait that can be meant", () => {
  const waits = [1.5, -3, 0, 1e300].map((retryAfterMs) => new AgentError("x", { retryAfterMs }).retryAfterMs);

  expect(waits).toEqual([2, 0, 0, limits.retryAfterMax]);
  expect(() => new AgentError("no", { retryable: any("yes") })).toThrow(
    "retryable is string, not true or false",
  );
});

const good: Agent = echo(async () => undefined);

test.each<[unknown, RegExp]>([
  [undefined, /^agents\[0\] is undefined that cannot perform/],
  [{ name: "a", perform: "x" }, /^agents\[0\] is an object that cannot perform/],
  [{ ...good, name: 1 }, /^agents\[0\].name is a number, not a string/],
  [{ ...good, name: "" }, /an agent needs a name/],
  [{ ...good, labels: { a: 1 } }, /^agent echo: labels "a" is a number, not a string/],
  [
    { ...good, backends: [backend({ contextWindow: 1.5 })] },
    /^agent echo: backends\[0\].contextWindow is 1.5/,
  ],
  [{ ...good, backends: Array(17).fill(backend({})) }, /backends has 17 entries; an agent may have 16/],
  [{ ...good, description: 7 }, /^agent echo: description is a number/],
])("an agent that could not be told to the plane is refused at once: %o", async (wrong, complaint) => {
  const served = serve({ agents: [any(wrong)], log: silent, handleSignals: false });

  await expect(served).rejects.toThrow(complaint);
});

test("agents beyond what a worker may have are refused at once, and so are namespaces", async () => {
  const agents = Array.from({ length: 65 }, (_, i) => ({ ...good, name: `a-${i}` }));
  const options = { log: silent, handleSignals: false };

  await expect(serve({ agents, ...options })).rejects.toThrow("agents has 65 entries; a worker may have 64");
  await expect(serve({ agents: [good], namespaces: Array(65).fill("n"), ...options })).rejects.toThrow(
    "namespaces has 65 entries; a worker works for 64 at most",
  );
});

test("an agent that keeps to no type is what it returns", async () => {
  const { ctx, said } = context();
  const loose = (run: unknown) => agent({ name: "a", run: any(run) });

  expect(await loose(() => 5).perform("{}", ctx)).toBe(5);
  expect(await loose(() => undefined).perform("{}", ctx)).toBe(undefined);
  expect(
    await loose(function* () {
      yield undefined;
      yield "word";
      return "end";
    }).perform("{}", ctx),
  ).toBe("end");
  expect(said).toEqual([["word", {}]]);
  await expect(
    loose(function* () {
      yield () => {};
    }).perform("{}", ctx),
  ).rejects.toThrow("a function was yielded: yield text, or what JSON can say");
});
