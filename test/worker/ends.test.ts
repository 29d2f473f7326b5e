import { expect, test } from "vitest";
import { outputBytes } from "#domain/task/report";
import { limits } from "#limits/index";
import { RunEventType, RunStatus } from "#wire/gen/taskrun/v1/common_pb";
import type { AgentContext } from "#worker/agent/context";
import { AgentError } from "#worker/agent/error";
import { logWith } from "#worker/agent/log";
import { echo, latch, settle, silent, startPlane, startWorker } from "./kit/workbench.js";

const throwing = (thing: unknown) => async () => {
  throw thing;
};

/** Throws at every touch. */
const hostile = new Proxy(
  {},
  {
    get: () => {
      throw hostile;
    },
    getPrototypeOf: () => {
      throw hostile;
    },
  },
);

class Unreadable extends Error {
  override get message(): string {
    throw new Error("no");
  }
}

const spoilt = Object.assign(new AgentError("later", { retryable: true }), { retryAfterMs: Number.NaN });
const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
const deep = (() => {
  let value: unknown = 1;
  for (let i = 0; i < 100_000; i += 1) value = [value];
  return value;
})();
const circle: { self?: unknown } = {};
circle.self = circle;

test.each<[string, (ctx: AgentContext) => Promise<unknown>, RegExp]>([
  ["nothing", throwing(undefined), /^undefined was thrown$/],
  ["null", throwing(null), /^null$/],
  ["a word", throwing("out of paper"), /^out of paper$/],
  ["a symbol", throwing(Symbol("s")), /^Symbol\(s\)$/],
  ["an object without a prototype", throwing(Object.create(null)), /^\{\}$/],
  ["an object like an error", throwing({ name: "E", message: "like one" }), /^E: like one$/],
  ["an object with a code", throwing({ code: 7 }), /^\{"code":7\}$/],
  ["an object that turns in circles", throwing(circle), /^something was thrown that cannot be read$/],
  ["a proxy that throws at every touch", throwing(hostile), /^something was thrown that cannot be read$/],
  ["an error whose message throws", throwing(new Unreadable()), /^something was thrown that cannot be read$/],
  [
    "an error whose message is no text",
    throwing(Object.assign(new TypeError(), { message: 5 })),
    /^TypeError, whose message is no text$/,
  ],
  ["an error whose message is cut inside a pair", throwing(new Error("x\ud83d")), /^Error: x\ufffd$/],
  ["a huge error", throwing(new Error("x".repeat(1e8))), /^Error: x{16377}$/],
  ["an agent error whose wait was changed to none", throwing(spoilt), /^later$/],
  ["a wait that is no number", throwingWait, /^TypeError: retryAfterMs is NaN, .* The error was: busy$/],
  ["a big integer as its result", async () => ({ n: 1n }), /result cannot be written as JSON: TypeError/],
  ["a result that turns in circles", async () => circle, /result cannot be written as JSON: TypeError/],
  ["a function as its result", async () => () => 1, /result is a function, of which JSON can say nothing/],
  ["a symbol as its result", async () => Symbol("s"), /result is a symbol, of which JSON can say nothing/],
  [
    "a result whose toJSON throws",
    async () => ({ toJSON: () => fail() }),
    /cannot be written as JSON: Error: no/,
  ],
  [
    "a result whose toJSON says nothing",
    async () => ({ toJSON: () => undefined }),
    /result is an object, of/,
  ],
  [
    "a result whose toJSON throws nothing",
    async () => ({ toJSON: () => fail(undefined) }),
    /undefined was thrown/,
  ],
  [
    "a hostile result",
    async () => ({ inner: hostile }),
    /result cannot be written as JSON: something was thrown/,
  ],
  ["a result nested too deep", async () => nested(65), /result is nested deeper than 64 levels/],
  ["a result nested much too deep", async () => deep, /result cannot be written as JSON: RangeError/],
  [
    "no model",
    async (ctx) => ctx.backendUsed(null as never),
    /^TypeError: backendUsed\(backend\): backend is null/,
  ],
])("an agent that ends with %s fails its run, and no other", async (_, run, complaint) => {
  const plane = await startPlane();
  const { opened, open } = latch();
  const both = echo((input, ctx) => (input === "other" ? opened : run(ctx)));
  await startWorker(plane, { agents: [both] });
  const session = await plane.greet();
  session.assign({ runId: "other", inputJson: '"other"' });
  session.assign({ runId: "r1" });

  const end = await session.hearEnd();
  expect(end).toMatchObject({ runId: "r1", status: RunStatus.FAILED });
  expect(end.errorMessage).toMatch(complaint);
  open();
  expect(await session.hearEnd()).toMatchObject({ runId: "other", status: RunStatus.COMPLETED });
});

async function throwingWait(): Promise<never> {
  throw new AgentError("busy", { retryAfterMs: Number.NaN });
}

function fail(...thing: unknown[]): never {
  throw thing.length > 0 ? thing[0] : new Error("no");
}

test("text that is cut inside a character costs nobody the stream", async () => {
  const plane = await startPlane();
  const text = "smile 😀 ".repeat(20);
  const cutting = echo(async (_, ctx) => {
    for (let at = 0; at < text.length; at += 7) await ctx.output(text.slice(at, at + 7));
    ctx.chat("ASSISTANT", "😀".slice(0, 1));
    ctx.event("TOOL_REQUESTED", { tool: "😀".slice(1) });
    ctx.event("progress", { percent: "40" });
    return "😀".slice(0, 1);
  });
  await startWorker(plane, { agents: [cutting] });
  const session = await plane.greet();
  session.assign({ runId: "r1" });

  expect(await session.hearEnd()).toMatchObject({ status: RunStatus.COMPLETED, outputJson: '"\\ud83d"' });
  const heard = session.log.flatMap((said) => (said.case === "outputChunk" ? [said.value.content] : []));
  expect(heard.join("").length).toBe(text.length);
  const events = session.log.flatMap((said) => (said.case === "event" ? [said.value] : []));
  expect(events.map(({ eventType, name }) => [eventType, name])).toEqual([
    [RunEventType.TOOL_REQUESTED, ""],
    [RunEventType.CUSTOM, "progress"],
  ]);
});

test("a run that says more than one run may fails with that reason, and what fits is still sent", async () => {
  const plane = await startPlane();
  const { opened: error, open } = latch<unknown>();
  const large = "x".repeat(limits.chunkBytes);
  const endless = echo(async (_, ctx) => {
    await ctx.output("first");
    try {
      for (;;) ctx.chat("ASSISTANT", large);
    } catch (caught) {
      open(caught);
    }
    return "as if nothing had happened";
  });
  await startWorker(plane, { agents: [endless] });
  const session = await plane.greet();
  session.assign({ runId: "r1" });

  expect(await session.hear("outputChunk")).toMatchObject({ content: "first" });
  expect(await session.hearEnd()).toMatchObject({
    status: RunStatus.FAILED,
    reason: "OUTPUT_LIMIT",
    retryable: false,
    errorMessage: expect.stringContaining("the run wrote more than 67108864 bytes of output"),
  });
  expect(await error).toMatchObject({ name: "AgentError", retryable: false });
}, 30_000);

test("output comes to the limit by what it weighs, like the plane's own count", async () => {
  const plane = await startPlane();
  const { opened: context, open } = latch<AgentContext>();
  await startWorker(plane, {
    agents: [
      echo(async (_, ctx) => {
        open(ctx);
        await new Promise(() => {});
      }),
    ],
  });
  const session = await plane.greet();
  session.assign({ runId: "r1" });
  const { output } = await context;
  const acknowledge = (nextSeq: number) =>
    session.ack({ ackType: "output", refId: "r1", nextSeq: BigInt(nextSeq) });

  const chunk = "é".repeat(limits.chunkBytes / 2);
  const chunks = limits.runOutputBytes / limits.chunkBytes;
  for (let seq = 0; seq < chunks - 1; seq += 1) {
    await output(chunk);
    await session.hear("outputChunk");
    acknowledge(seq + 1);
  }
  const small = limits.chunkBytes / outputBytes("x", {});
  for (let i = 0; i < small; i += 1) {
    await output("x");
    await session.hear("outputChunk");
    acknowledge(chunks + i);
  }
  await expect(output("y")).rejects.toThrow("the run wrote more than 67108864 bytes");
  expect(await session.hearEnd()).toMatchObject({ reason: "OUTPUT_LIMIT" });
}, 60_000);

test("empty output is not sent, unless there is metadata with it", async () => {
  const plane = await startPlane();
  const quiet = echo(async (_, ctx) => {
    await ctx.output("");
    await ctx.output("", { step: "1" });
  });
  await startWorker(plane, { agents: [quiet] });
  const session = await plane.greet();
  session.assign({ runId: "r1" });

  expect(await session.hearEnd()).toMatchObject({ outputCount: 1n });
  const chunks = session.log.filter((said) => said.case === "outputChunk");
  expect(chunks).toMatchObject([{ value: { seq: 0n, content: "", metadata: { step: "1" } } }]);
});

test("what is said after the end is dropped, and changes nothing", async () => {
  const plane = await startPlane();
  const { opened: context, open } = latch<AgentContext>();
  await startWorker(plane, { agents: [echo(async (_, ctx) => open(ctx))] });
  const session = await plane.greet();
  session.assign({ runId: "r1" });
  const ctx = await context;
  expect(await session.hearEnd()).toMatchObject({ status: RunStatus.COMPLETED });

  await ctx.output("late");
  ctx.event("TOOL_COMPLETED");
  ctx.chat("USER", "late");
  ctx.backendUsed({ provider: "late", modelName: "late" });
  session.ack({ ackType: "output", refId: "r1", nextSeq: 0n });
  await settle();

  expect(
    session.log.filter((said) => said.case !== "heartbeat" && said.case !== "statusUpdate"),
  ).toMatchObject([{ case: "hello" }]);
});

test("a log entry that cannot be written fails nobody", () => {
  const warned: unknown[] = [];
  const log = {
    ...silent,
    info: (_: string, fields?: object) => void JSON.stringify(fields),
    warn: (message: string, fields?: object) => void warned.push([message, fields]),
  };

  logWith(log, { runId: "r1" }).info("counted", { count: 1n });

  expect(warned).toEqual([
    ["a log entry could not be written", { runId: "r1", why: expect.stringContaining("BigInt") }],
  ]);
});
