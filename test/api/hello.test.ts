import { expect, test } from "vitest";
import { run } from "#api/use-case";
import { connectWorker } from "#api/workers/connect-worker";
import { limits } from "#limits/index";
import { FakePlane } from "../gateway/kit/fake-plane.js";
import { requestOf, servicesFor } from "./services.js";

/** The agents of a hello as the plane gets it, of one that says this beside its name. */
async function announcedBy(said: object) {
  const agent = { name: "greet", description: "", labels: {}, backends: [], ...said };
  const info = {
    ...{ workerId: "w-1", hostname: "", version: "", agents: [agent], labels: {}, maxConcurrentRuns: 0 },
    namespaces: [],
  };
  const input = { info, resume: [], instance: "i", protocol: 2 };
  const { hello } = await run(connectWorker, input as never, requestOf(servicesFor(new FakePlane())));
  return hello.info.agents[0]?.announced;
}
const retry = (part: object) => ({ retry: { attempts: 0, backoff: "", only: [], ...part } });
const MOST = limits.agentSchemaBytes;

test("a hello announces retry, timeout, concurrency and schema", async () => {
  const said = {
    ...retry({ attempts: 3, backoff: "linear", baseMs: 0n, maxMs: 9_000n, only: ["ECONNRESET"] }),
    timeoutMs: 5_000n,
    concurrency: 2,
    inputSchemaJson: ' { "type" : "object" } ',
  };
  expect(await announcedBy(said)).toEqual({
    digest: expect.stringMatching(/^[0-9a-f]{64}$/),
    retry: { attempts: 3, backoff: "linear", base: 0, max: 9_000, only: ["ECONNRESET"] },
    timeoutMs: 5_000,
    concurrency: 2,
    inputSchema: '{"type":"object"}',
  });
});

test("an agent that says nothing announces nothing, as one of a public worker", async () => {
  expect(await announcedBy({})).toBeUndefined();
  expect(
    await announcedBy({ ...retry({}), timeoutMs: 0n, concurrency: 0, inputSchemaJson: "" }),
  ).toBeUndefined();
});

test("the digest is one of the contract: how many Runs a worker takes at once is not part of it", async () => {
  const digest = async (said: object) => (await announcedBy(said))?.digest;
  const schema = { inputSchemaJson: '{"type":"object"}' };
  expect(await digest({ ...schema, concurrency: 3 })).toBe(
    await digest({ inputSchemaJson: '{ "type": "object" }' }),
  );
  expect(await digest({ concurrency: 3 })).toBe("");
  expect(await digest(schema)).not.toBe(await digest({ ...schema, timeoutMs: 1n }));
  expect(await digest(schema)).not.toBe(await digest({ ...schema, ...retry({ only: ["E"] }) }));
});

for (const [what, said, field, problem] of [
  ["more attempts than there may be", retry({ attempts: 101 }), "retry.attempts", "from 0 to 100"],
  ["an unknown backoff", retry({ backoff: "expo\u001b[31m" }), "retry.backoff", "one of none, linear"],
  ["a delay below 0", retry({ baseMs: -1n }), "retry.base_ms", "from 0"],
  ["a delay beyond a century", retry({ maxMs: 2n ** 62n }), "retry.max_ms", "from 0"],
  ["too many errors", retry({ only: Array.from({ length: 33 }, String) }), "retry.only", "limit is 32"],
  ["a name that is too long", retry({ only: ["E".repeat(257)] }), "retry.only[0]", "limit is 256"],
  ["a timeout below 0", { timeoutMs: -1n }, "timeout_ms", "from 0"],
  ["more at once than a worker may take", { concurrency: 1_025 }, "concurrency", "from 0 to 1024"],
  ["a schema that is not JSON", { inputSchemaJson: "{" }, "input_schema_json", "is not JSON"],
  ["a schema that is no object", { inputSchemaJson: "true" }, "input_schema_json", "no JSON object"],
  ["a schema that is a list", { inputSchemaJson: "[]" }, "input_schema_json", "no JSON object"],
  [
    "a schema that is too deep",
    { inputSchemaJson: `${'{"a":'.repeat(65)}1${"}".repeat(65)}` },
    "input_schema_json",
    "nested deeper",
  ],
  [
    "a schema that is too long",
    { inputSchemaJson: `{"a":"${"x".repeat(MOST)}"}` },
    "input_schema_json",
    `limit is ${MOST}`,
  ],
] as const) {
  test(`a hello with ${what} is refused, naming the field`, async () => {
    await expect(announcedBy(said)).rejects.toMatchObject({
      code: "invalid",
      details: { field: `info.agents[0].${field}` },
      message: expect.stringContaining(problem),
    });
  });
}
