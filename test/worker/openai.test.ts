import { OpenAI } from "openai";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { runAgent } from "#testing/index";
import {
  AgentError,
  type ModelTool,
  modelTool,
  type OpenaiOptions,
  openaiAgent,
  type UsageReport,
} from "#worker/index";
import { type ChatClient, type ChatClientOptions, chatClientClass } from "#worker/openai/client";
import { modelSchema } from "#worker/openai/strict-schema";
import { double, failure, having, KEY, model, useDouble } from "./kit/openai-runs.js";

useDouble();

const weather = modelTool({
  name: "weather",
  description: "The weather in a city",
  input: z.object({ city: z.string() }),
  run: ({ city }) => ({ city, sky: "blue" }),
});

test("the agent's types are those of the package that it uses", () => {
  const asUsed = (client: OpenAI): ChatClient => client;
  const made: new (options: ChatClientOptions) => OpenAI = OpenAI;

  expect(asUsed).toBeDefined();
  expect(chatClientClass().name).toBe(made.name);
});

test("the model's text comes out as output, as it is written, and its answer is the result", async () => {
  const agent = model({ instructions: "Be brief.", maxOutputTokens: 50, parameters: { temperature: 0 } });
  const { result, output, events, backendUsed } = await runAgent(agent, { prompt: "hello" });

  expect(result).toEqual({
    ...{ text: "You said: hello", model: "small-2026-01-01", turns: 1, tool_calls: 0, finish_reason: "stop" },
  });
  expect(output).toBe("You said: hello\n");
  expect(events.filter(({ type }) => type === "output").length).toBeGreaterThan(3);
  expect(backendUsed).toMatchObject({ provider: "openai", modelName: "small-2026-01-01" });
  const [{ path, headers, body } = expect.unreachable()] = double.server.seen;
  expect([path, headers.authorization]).toEqual(["/v1/chat/completions", `Bearer ${KEY}`]);
  expect(body).toEqual({
    model: "small",
    messages: [
      { role: "system", content: "Be brief." },
      { role: "user", content: "hello" },
    ],
    stream: true,
    stream_options: { include_usage: true },
    max_completion_tokens: 50,
    temperature: 0,
  });
});

test("tools that the model calls are run, whose results it is told, until it has answered", async () => {
  double.server.answer(
    {
      calls: [
        { name: "weather", arguments: '{"city":"Lisbon"}' },
        { name: "weather", arguments: '{"city":"Oslo"}' },
      ],
    },
    { text: "Blue in both." },
  );

  const { result, output, events } = await runAgent(model({ tools: [weather] }), { prompt: "weather?" });

  expect(result).toMatchObject({ text: "Blue in both.", turns: 2, tool_calls: 2 });
  expect(output).toBe("Blue in both.\n");
  const [first, second] = double.server.seen;
  expect(first?.body.tools).toEqual([
    {
      type: "function",
      function: {
        name: "weather",
        description: "The weather in a city",
        strict: true,
        parameters: {
          type: "object",
          properties: { city: { type: "string" } },
          required: ["city"],
          additionalProperties: false,
        },
      },
    },
  ]);
  const called = (id: string, json: string) => {
    return { id, type: "function", function: { name: "weather", arguments: json } };
  };
  expect(second?.body.messages.slice(1)).toEqual([
    {
      role: "assistant",
      content: null,
      tool_calls: [called("call_1", '{"city":"Lisbon"}'), called("call_2", '{"city":"Oslo"}')],
    },
    { role: "tool", tool_call_id: "call_1", content: '{"city":"Lisbon","sky":"blue"}' },
    { role: "tool", tool_call_id: "call_2", content: '{"city":"Oslo","sky":"blue"}' },
  ]);
  const told = events.flatMap((event) => (event.type === "event" ? [[event.kind, event.metadata]] : []));
  const args_digest = expect.stringMatching(/^[0-9a-f]{64}$/);
  expect(told.slice(0, 2)).toEqual([
    ["TOOL_REQUESTED", { tool: "weather", call_id: "call_1", args_digest }],
    [
      "TOOL_COMPLETED",
      {
        tool: "weather",
        call_id: "call_1",
        args_digest,
        outcome: "ok",
        duration_ms: expect.stringMatching(/^\d+$/),
      },
    ],
  ]);
});

/** Of one call of a tool, what the model was told. */
async function toldOf(tool: ModelTool, call: { name: string; arguments: string }) {
  double.server.answer({ calls: [call] }, { text: "I see." });
  await runAgent(model({ tools: [tool] }), { prompt: "do it" });
  return double.server.seen.at(-1)?.body.messages.at(-1)?.content;
}

test("what is wrong with a call is told the model, which can do something else", async () => {
  const fails: ModelTool = { name: "fails", run: () => Promise.reject(new Error("no such city")) };

  expect(await toldOf(weather, { name: "wether", arguments: "{}" })).toBe(
    '{"error":"there is no tool wether"}',
  );
  expect(await toldOf(weather, { name: "weather", arguments: '{"city":' })).toMatch(
    /the arguments are no JSON/,
  );
  expect(await toldOf(weather, { name: "weather", arguments: '{"city":5}' })).toMatch(
    /the arguments do not fit: city/,
  );
  expect(await toldOf(fails, { name: "fails", arguments: "" })).toBe('{"error":"Error: no such city"}');
  const long: ModelTool = { name: "long", run: () => "x".repeat(300_000) };
  expect(await toldOf(long, { name: "long", arguments: "{}" })).toMatch(
    /x … \(cut: it has 300000 characters\)$/,
  );
});

test("a tool runs only once it is approved, and a refusal is told the model", async () => {
  let ran = 0;
  const pay = (approve: ModelTool["approve"]): ModelTool => ({
    name: "pay",
    ...(approve && { approve }),
    run: () => ++ran,
  });

  expect(
    await toldOf(
      pay(() => "not on a Sunday"),
      { name: "pay", arguments: "{}" },
    ),
  ).toBe('{"error":"not on a Sunday"}');
  expect(
    await toldOf(
      pay(async () => false),
      { name: "pay", arguments: "{}" },
    ),
  ).toBe('{"error":"it was not allowed"}');
  expect(ran).toBe(0);
  expect(
    await toldOf(
      pay(() => true),
      { name: "pay", arguments: "{}" },
    ),
  ).toBe("1");
});

test("an AgentError of a tool fails the run as it is", async () => {
  const gone: ModelTool = {
    name: "gone",
    run: () => {
      throw new AgentError("the account is closed", { retryable: false });
    },
  };
  double.server.answer({ calls: [{ name: "gone", arguments: "{}" }] });

  const run = runAgent(model({ tools: [gone] }), { prompt: "x" });

  await expect(run).rejects.toMatchObject({ message: "the account is closed", retryable: false });
});

test("a model that goes on calling tools is stopped at its limit", async () => {
  const call = { calls: [{ name: "weather", arguments: '{"city":"Rome"}' }] };
  double.server.answer(call, call);

  const run = runAgent(model({ tools: [weather], maxTurns: 2 }), { prompt: "x" });

  await expect(run).rejects.toMatchObject({
    message: "the model was not done after 2 answers, its limit: allow more with maxTurns",
    retryable: false,
  });
});

test("tokens are told after every answer, and calls of tools with them", async () => {
  const usage: UsageReport[] = [];
  double.server.answer({ calls: [{ name: "weather", arguments: '{"city":"Rome"}' }] }, { text: "Blue." });

  const agent = having(model({ tools: [weather] }), { usage: (report: UsageReport) => usage.push(report) });
  await runAgent(agent, { prompt: "x" });

  const tokens = { model: "small-2026-01-01", inputTokens: 120, cachedTokens: 100, outputTokens: 30 };
  expect(usage).toEqual([{ ...tokens, toolCalls: 1 }, tokens]);
});

test("a worker that keeps steps has every answer and every tool call as one, and asks for none that it has", async () => {
  const kept: [string, unknown, unknown][] = [];
  const journal: unknown[] = [];
  const durable = (replay: readonly unknown[]) => {
    let at = 0;
    const once = async (name: string, what: unknown, run: () => Promise<unknown>, effect: unknown) => {
      kept.push([name, what, effect]);
      const result = at < replay.length ? replay[at] : await run();
      at += 1;
      journal.push(result);
      return result;
    };
    return {
      step: (
        name: string,
        run: (signal: AbortSignal) => Promise<unknown>,
        options: { effect: string; input: unknown },
      ) => once(name, options.input, () => run(new AbortController().signal), options.effect),
      tool: (name: string, args: unknown, run: () => Promise<unknown>, options: { effect: string }) =>
        once(name, args, run, options.effect),
    };
  };
  const agent = model({ tools: [{ ...weather, effect: "once" }] });
  double.server.answer({ calls: [{ name: "weather", arguments: '{"city":"Rome"}' }] }, { text: "Blue." });
  const first = await runAgent(having(agent, durable([])), { prompt: "x" });
  const before = [...kept];
  kept.length = 0;

  const second = await runAgent(having(agent, durable([...journal])), { prompt: "x" });

  expect(second.result).toEqual(first.result);
  expect(kept).toEqual(before);
  expect(kept.map(([name, , effect]) => [name, effect])).toEqual([
    ["model", "read"],
    ["weather", "once"],
    ["model", "read"],
  ]);
  expect(double.server.seen).toHaveLength(2);
});

const verdict = z.object({ mood: z.enum(["good", "bad"]), why: z.string() });

test("with a schema the model is asked for an answer by it, which is the result", async () => {
  double.server.answer({ text: '{"mood":"good","why":"sunny"}' });

  const { result } = await runAgent(model({ output: verdict }), { prompt: "mood?" });

  expect(result).toEqual({ mood: "good", why: "sunny" });
  expect(double.server.seen[0]?.body.response_format).toEqual({
    type: "json_schema",
    json_schema: {
      name: "result",
      strict: true,
      schema: {
        type: "object",
        properties: { mood: { type: "string", enum: ["good", "bad"] }, why: { type: "string" } },
        required: ["mood", "why"],
        additionalProperties: false,
      },
    },
  });
});

test.each([
  ['{"mood":"so-so","why":""}', /^the agent's result does not fit its output: mood/],
  ["Good, I think.", /^the model's answer is no JSON, though a schema was asked for/],
])("an answer that does not keep to the schema may be tried again: %s", async (text, message) => {
  expect(await failure({ text }, { output: verdict })).toMatchObject({ message, retryable: undefined });
});

test("a schema is strict if every object is closed and every property required", () => {
  const open = {
    type: "object",
    properties: { a: { type: "string" }, b: { type: "number" } },
    required: ["a"],
  } as const;
  expect(modelSchema(open)).toEqual({ strict: false, schema: { ...open, additionalProperties: false } });
  const list = { type: "array", items: { ...open, required: ["a", "b"] } } as const;
  expect(modelSchema(list)).toEqual({
    strict: true,
    schema: { type: "array", items: { ...list.items, additionalProperties: false } },
  });
  expect(modelSchema({ type: "object", additionalProperties: { type: "string" } }).strict).toBe(false);
});

function withEnv(changes: Readonly<Record<string, string | undefined>>): void {
  const before = Object.fromEntries(Object.keys(changes).map((name) => [name, process.env[name]]));
  const put = (values: typeof changes) => {
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
  put(changes);
  onTestFinished(() => put(before));
}

test("server and key come from the environment; OpenAI's own needs a key", async () => {
  withEnv({ OPENAI_BASE_URL: double.server.baseUrl, OPENAI_API_KEY: "sk-env" });
  await runAgent(openaiAgent({ model: "small" }), { prompt: "x" });
  expect(double.server.seen[0]?.headers.authorization).toBe("Bearer sk-env");

  withEnv({ OPENAI_BASE_URL: undefined, OPENAI_API_KEY: undefined });
  await expect(runAgent(openaiAgent({ model: "small" }), { prompt: "x" })).rejects.toMatchObject({
    message:
      "there is no key for the model's server: set OPENAI_API_KEY for the worker, or the option apiKey",
    retryable: false,
  });
  await runAgent(openaiAgent({ model: "small", baseUrl: double.server.baseUrl }), { prompt: "x" });
});

test.each([
  [{}, "needs model"],
  [{ model: "" }, "model is empty"],
  [{ model: "m", baseURL: "x" }, "has no baseURL; did you mean baseUrl?"],
  [{ model: "m", baseUrl: "localhost:1" }, "baseUrl is no URL"],
  [{ model: "m", maxTurns: 1.5 }, "maxTurns is 1.5, not a whole number from 1 to 1000"],
  [{ model: "m", tools: [{ name: "x y", run() {} }] }, "tools[0].name is not 1 to 64 letters"],
  [{ model: "m", tools: [weather, weather] }, "there are two tools called weather"],
  [{ model: "m", tools: [{ name: "x" }] }, "tools[0] is no tool"],
  [{ model: "m", output: {} }, "output "],
])("an option that is wrong is named: %o", (options, message) => {
  expect(() => openaiAgent(options as unknown as OpenaiOptions)).toThrow(message);
});
