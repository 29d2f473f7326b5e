import { expect, test } from "vitest";
import { runAgent } from "#testing/index";
import { FakeOpenai } from "./kit/fake-openai.js";
import { double, failure, having, KEY, model, useDouble } from "./kit/openai-runs.js";

useDouble();

const soon = (ms: number) => new Date(Date.now() + ms).toUTCString();

test.each([
  [429, { "retry-after-ms": "1500" }, 1_500],
  [429, { "retry-after": "20" }, 20_000],
  [503, { "retry-after": soon(600_000) }, 480_000],
  [529, {}, 0],
  [500, {}, 0],
  [408, {}, 0],
])("status %s is tried again, after as long as %o says", async (status, headers, leastMs) => {
  const { retryable, retryAfterMs, message } = await failure({ status, headers });

  expect(retryable).toBe(true);
  expect(retryAfterMs).toBeGreaterThanOrEqual(leastMs);
  expect(retryAfterMs).toBeLessThanOrEqual(leastMs + 120_000);
  expect(message).toMatch(/^the model's server http:\/\/127.0.0.1:\d+ has answered with status \d+: /);
  expect(double.server.seen).toHaveLength(1);
});

test.each([
  [401, {}, {}, /has refused the key \(status 401\); set OPENAI_API_KEY/],
  [404, {}, {}, /does not know the model small, or the path of the base URL/],
  [400, {}, { message: "max_tokens is too large" }, /status 400: .*max_tokens is too large/],
  [
    429,
    {},
    { code: "insufficient_quota", message: "You exceeded your current quota" },
    /exceeded your current quota/,
  ],
  [503, { "x-should-retry": "false" }, {}, /status 503/],
])("status %s with %o %o is not tried again", async (status, headers, error, message) => {
  expect(await failure({ status, headers, error })).toMatchObject({ message, retryable: false });
});

test("a key is not told, though the server says it again", async () => {
  const { message, stack } = await failure({
    status: 401,
    error: { message: `Incorrect API key provided: ${KEY}.` },
  });

  expect(message).toContain("Incorrect API key provided: ***.");
  expect(`${message}${stack}`).not.toContain(KEY);
});

test.each([
  [{ text: "half of it", cut: "end" }, /^the model's answer was cut off: its stream has ended/, true],
  [{ text: "half of it", cut: "reset" }, /cannot be reached: terminated/, true],
  [{ text: "half of it", cut: "error" }, /has failed while it answered: The server had an error/, true],
  [{ text: "half of", finish: "length" }, /was cut off at its limit of tokens: allow more tokens/, false],
  [{ text: "", finish: "content_filter" }, /was withheld by the server's filter$/, false],
  [{ refusal: "I can't help with that." }, /^the model has refused: I can't help with that\.$/, false],
] as const)("an answer that is not whole is a failure: %o", async (answer, message, retryable) => {
  expect(await failure(answer)).toMatchObject({ message, retryable });
});

test("a server that is not there may be there later", async () => {
  const stopped = await FakeOpenai.start();
  const { baseUrl } = stopped;
  await stopped.stop();

  const run = runAgent(model({ baseUrl }), { prompt: "x" });

  await expect(run).rejects.toMatchObject({
    message: expect.stringMatching(/^the model's server http:\S+ cannot be reached: .*ECONNREFUSED/),
    retryable: true,
  });
});

test("a run that is stopped ends its request", async () => {
  double.server.answer({ text: "and so on", hangs: true });
  const aborter = new AbortController();
  const agent = having(model(), {
    output: async () => {
      aborter.abort();
    },
  });
  const before = double.server.abandoned;

  await expect(runAgent(agent, { prompt: "x" }, { signal: aborter.signal })).rejects.toThrow("cancelled");

  await expect.poll(() => double.server.abandoned).toBe(before + 1);
});
