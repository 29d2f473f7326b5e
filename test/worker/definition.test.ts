import { expect, test } from "vitest";
import { z } from "zod";
import { servedAgents } from "#worker/agent/served-agent";
import { type AgentContext, agent, type StandardSchema } from "#worker/index";

const run = async (): Promise<unknown> => 1;
const good = { name: "x", run };
const ctx = {} as AgentContext;
const zod3 = { _def: { typeName: "ZodObject" }, "~standard": { version: 1, vendor: "zod", validate: run } };

/** Definitions as programs in JavaScript may write them, and what is wrong with them. */
const wrong: readonly (readonly [definition: unknown, problem: string | RegExp])[] = [
  [undefined, "agent() takes an object with a name and run, not undefined"],
  [[good], "agent() takes an object with a name and run, not an array"],
  [{ input: z.unknown(), run }, "an agent needs a name"],
  [{ ...good, name: "" }, "an agent needs a name"],
  [{ ...good, name: "n".repeat(257) }, /^agent name n{40}… is over 256 bytes$/],
  [{ name: "x", input: z.unknown() }, "agent x needs run, a function"],
  [{ ...good, run: "later" }, "agent x needs run, a function"],
  [{ ...good, description: 5 }, "agent x: description is a number, not a string"],
  [{ ...good, labels: { a: 1 } }, 'agent x: labels "a" is a number, not a string'],
  [{ ...good, labels: new Map() }, "agent x: labels is a collection"],
  [{ ...good, backends: {} }, "agent x: backends is an object, not an array"],
  [{ ...good, backends: [{ provider: "p" }] }, "agent x: backends[0].modelName is undefined, not a string"],
  [{ ...good, input: {} }, "agent x: input is an object, not a schema: use one of zod 4"],
  [{ ...good, input: { type: "object" } }, "agent x: input is an object, not a schema: use one of zod 4"],
  [{ ...good, input: "text" }, "agent x: input is a string, not a schema"],
  [{ ...good, input: null }, "agent x: input is null, not a schema"],
  [{ ...good, output: () => true }, "agent x: output is a function, not a schema"],
  [
    { ...good, input: zod3 },
    "agent x: input is a schema of zod 3, which gives no JSON Schema: install zod 4",
  ],
  [{ ...good, output: { _def: { typeName: "ZodString" } } }, "agent x: output is a schema of zod 3"],
  [{ ...good, inputs: z.unknown() }, 'agent x has the key "inputs", which is not known: did you mean input?'],
  [{ ...good, timeoutMS: 5 }, "did you mean timeoutMs?"],
  [{ ...good, queue: "fast" }, 'has the key "queue", which is not known: it has name, description, labels'],
  [{ ...good, retry: 3 }, "agent x: retry is a number, not an object such as { attempts: 3 }"],
  [{ ...good, retry: { max: 3 } }, 'agent x: retry has the key "max"; it has attempts, backoff, baseMs'],
  [{ ...good, retry: { attempts: 0 } }, "agent x: retry.attempts is 0, not a whole number from 1 to 100"],
  [{ ...good, retry: { attempts: 1.5 } }, "agent x: retry.attempts is 1.5, not a whole number"],
  [{ ...good, retry: { backoff: "quadratic" } }, 'retry.backoff is "quadratic", not one of none, linear'],
  [{ ...good, retry: { baseMs: -1 } }, "retry.baseMs is -1, not a whole number from 0"],
  [{ ...good, retry: { maxMs: "1s" } }, "retry.maxMs is a string, not a number"],
  [{ ...good, retry: { only: "TypeError" } }, "retry.only is a string, not an array of names of errors"],
  [{ ...good, retry: { only: [] } }, "retry.only has 0 names; it takes 1 to 32"],
  [{ ...good, retry: { only: [TypeError] } }, "retry.only[0] is a function, not the name of an error"],
  [{ ...good, timeoutMs: 0 }, "agent x: timeoutMs is 0, not a whole number from 1 to 2592000000"],
  [{ ...good, timeoutMs: Number.POSITIVE_INFINITY }, "agent x: timeoutMs is Infinity"],
  [{ ...good, concurrency: 1_025 }, "agent x: concurrency is 1025, not a whole number from 1 to 1024"],
];

test.each(wrong)("what is wrong with a definition is said when it is made: %j", (definition, problem) => {
  expect(() => agent(definition as never)).toThrow(problem);
});

test("an agent announces what its definition says of it, and no more", () => {
  const retry = { attempts: 3, backoff: "linear", baseMs: 5, only: ["TimeoutError"] } as const;
  const made = agent({
    ...good,
    input: z.object({ a: z.string() }),
    retry,
    timeoutMs: 1_000,
    concurrency: 2,
  });
  const [served] = servedAgents([made]);

  const inputSchema = { type: "object", properties: { a: { type: "string" } }, required: ["a"] };
  expect(served).toMatchObject({ name: "x", inputSchema, retry, timeoutMs: 1_000, concurrency: 2 });
  const [plain] = servedAgents([agent(good)]);
  expect(Object.keys(plain ?? {})).toEqual(["name", "description", "labels", "backends", "perform"]);
  expect(() => servedAgents([{ ...made, timeoutMs: -1 }])).toThrow("agent x: timeoutMs is -1");
});

test("an agent without input takes any JSON value", async () => {
  const echo = agent({ name: "echo", run: async (input) => input });

  expect(await echo.perform("[1]", ctx)).toEqual([1]);
  expect(await echo.perform("", ctx)).toEqual({});
  await expect(echo.perform("{", ctx)).rejects.toThrow(/^input_json is not JSON/);
});

test("what does not fit a schema that answers later is refused with its path, whatever its library", async () => {
  const later: StandardSchema<unknown, number> = {
    "~standard": {
      version: 1,
      vendor: "own",
      validate: async (value) =>
        typeof value === "number"
          ? { value: value + 1 }
          : { issues: [{ message: "no number", path: ["a", { key: 0 }] }, { message: "at all" }] },
    },
  };
  const made = agent({ name: "own", input: later, run: async (n) => n });

  expect(await made.perform("1", ctx)).toBe(2);
  await expect(made.perform('"1"', ctx)).rejects.toMatchObject({
    message: "input_json does not fit the agent: a.0: no number; input: at all",
    retryable: false,
  });
  expect(made.inputSchema).toBeUndefined();
});

test("a result is what the output makes of it; one that does not fit fails the run, which may be tried again", async () => {
  const output = z.object({ n: z.number(), kind: z.string().default("plain") });
  const made = agent({ name: "made", output, run: async (n) => ({ n }) as { n: number } });

  expect(await made.perform("1", ctx)).toEqual({ n: 1, kind: "plain" });
  await expect(made.perform('"1"', ctx)).rejects.toMatchObject({
    message: expect.stringMatching(/^the agent's result does not fit its output: n: Invalid input/),
    retryable: undefined,
  });
});

test.each<[string, () => unknown]>([
  ["an async generator", () => told()],
  ["an async function that returns one", async () => told()],
  [
    "a generator",
    function* () {
      yield "said";
      return { done: true };
    },
  ],
])("the output and the result of %s are those of the run", async (_, run) => {
  const said: string[] = [];
  const made = agent({ name: "told", run: run as never });
  const speaking = { ...ctx, output: async (text: string) => void said.push(text) };

  expect(await made.perform("{}", speaking)).toEqual({ done: true });
  expect(said).toEqual(["said"]);
});

async function* told() {
  yield "said";
  return { done: true };
}

test("a result with a member called next is a result", async () => {
  const page = { next: () => 1, items: [] };

  expect(await agent({ name: "page", run: async () => page }).perform("{}", ctx)).toBe(page);
});

test.each([
  ["nothing", undefined, "a schema of own answered undefined: validate gives { value } or { issues }"],
  ["null", null, "a schema of own answered null"],
  ["text", "yes", "a schema of own answered yes"],
  ["no issue", { issues: [] }, "input_json does not fit the agent: input: its schema gives no reason"],
  [
    "a path of null",
    { issues: [{ message: "bad", path: [null, "a"] }] },
    "does not fit the agent: null.a: bad",
  ],
])(
  "a schema by hand that answers %s fails the run, with what is wrong with it",
  async (_, answer, message) => {
    const input = { "~standard": { version: 1, vendor: "own", validate: () => answer } };
    const made = agent({ name: "own", input: input as never, run });

    await expect(made.perform("1", ctx)).rejects.toThrow(message);
  },
);
