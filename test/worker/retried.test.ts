import { expect, test } from "vitest";
import { outcomeOf } from "#worker/agent/outcome";
import { isRetried } from "#worker/agent/retried";
import { AgentError } from "#worker/index";

const named = (name: string, more: object = {}) =>
  Object.assign(new Error("it went wrong"), { name, ...more });
const cycle: { cause?: unknown } = {};
cycle.cause = cycle;

for (const [what, error, only, retried] of [
  ["any error if none is named", named("Error"), [], true],
  ["an error by its name", named("TimeoutError"), ["TimeoutError"], true],
  ["not another one", named("RangeError"), ["TimeoutError"], false],
  ["an error by its code", named("Error", { code: "ECONNRESET" }), ["ECONNRESET"], true],
  [
    "an error by that of its cause",
    new TypeError("fetch failed", { cause: { code: "ECONNREFUSED" } }),
    ["ECONNREFUSED"],
    true,
  ],
  [
    "an error of a cause within a cause",
    named("A", { cause: named("B", { cause: named("C") }) }),
    ["C"],
    true,
  ],
  ["no text", "TimeoutError", ["TimeoutError"], false],
  ["nothing", undefined, ["undefined"], false],
  ["no code that is a number", named("Error", { code: 7 }), ["7"], false],
  ["nothing that goes round", cycle, ["X"], false],
  [
    "nothing that cannot be read",
    new Proxy(
      {},
      {
        get: () => {
          throw new Error("no");
        },
      },
    ),
    ["X"],
    false,
  ],
] as const) {
  test(`retried is ${what}`, () => expect(isRetried(error, only)).toBe(retried));
}

/** How the Run of an agent that throws this is reported. */
async function outcome(thrown: unknown, only: readonly string[]) {
  const agent = {
    ...{ name: "a", description: "", labels: {}, backends: [], retry: { only } },
    perform: () => Promise.reject(thrown),
  };
  const result = await outcomeOf(agent, "{}", { signal: new AbortController().signal } as never);
  return result.status === "FAILED" ? result.retryable : result.status;
}

test("an error that the agent does not name fails its Run for good; the others are left to the server", async () => {
  expect(await outcome(named("RangeError"), ["TimeoutError"])).toBe(false);
  expect(await outcome(named("TimeoutError"), ["TimeoutError"])).toBeUndefined();
  expect(await outcome(named("RangeError"), [])).toBeUndefined();
});

test("an AgentError that says whether it is retryable has the last word", async () => {
  expect(await outcome(new AgentError("x", { retryable: true }), ["TimeoutError"])).toBe(true);
  expect(await outcome(new AgentError("x", { retryable: false }), ["AgentError"])).toBe(false);
  expect(await outcome(new AgentError("x"), ["TimeoutError"])).toBe(false);
  expect(
    await outcome(new AgentError("x", { cause: named("TimeoutError") }), ["TimeoutError"]),
  ).toBeUndefined();
});
