/** Agents of another copy of this code, as of `@taskrun/sdk` beside `taskrun`: what they throw and return is understood. */
import { beforeAll, expect, test, vi } from "vitest";
import { runAgent } from "#testing/index";
import { outcomeOf } from "#worker/agent/outcome";
import * as ours from "#worker/index";

let others: typeof ours;
beforeAll(async () => {
  vi.resetModules();
  others = await import("#worker/index");
});

const any = {
  "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) },
} as const;

const outcome = (agent: ours.Agent) => outcomeOf(agent, '{"text":5}', contextOf());

/** As much of a context as the agents below use. */
function contextOf(): ours.AgentContext {
  return { signal: new AbortController().signal } as unknown as ours.AgentContext;
}

test("it is another copy", () => {
  expect(others.AgentError).not.toBe(ours.AgentError);
  expect(Object.getPrototypeOf(new others.AgentError("x")) instanceof Error).toBe(true);
});

test("an error that says whether to try again is heeded", async () => {
  const run = () => {
    throw new others.AgentError("never", { retryable: false, retryAfterMs: 7 });
  };
  expect(await outcome(others.agent({ name: "a", run }))).toMatchObject({
    status: "FAILED",
    retryable: false,
    retryAfterMs: 7,
  });
});

test("input that does not fit fails for good, without a stack of the library's own", async () => {
  const validate = () => ({ issues: [{ message: "no number is wanted", path: ["text"] }] });
  const input = { "~standard": { version: 1, vendor: "test", validate } } as const;
  const told = await outcome(others.agent({ name: "a", input, run: async () => 1 }));

  expect(told).toMatchObject({ status: "FAILED", retryable: false });
  expect(told).not.toHaveProperty("detail");
});

test("a checkpoint is one, also with a schema of the result", async () => {
  const agent = others.agent({ name: "a", output: any, run: async (_, ctx) => ctx.yield({ page: 2 }) });
  const { yielded } = await runAgent(agent, {});

  expect(yielded).toMatchObject({ cursor: { page: 2 } });
});
