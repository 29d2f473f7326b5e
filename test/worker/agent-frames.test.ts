import { expect, test } from "vitest";
import type { JsonObject } from "#domain/json/json";
import { limits } from "#limits/index";
import { servedAgents } from "#worker/agent/served-agent";
import type { Agent } from "#worker/index";
import { agentFrames } from "#worker/protocol/agent-frames";

const agentOf = (part: Partial<Agent>): Agent => ({
  ...{ name: "greet", description: "", labels: {}, backends: [] },
  perform: async () => undefined,
  ...part,
});

/** What the hello says of these agents, and what the log does. */
function framesOf(...agents: readonly Agent[]) {
  const said: unknown[] = [];
  const log = { debug() {}, info() {}, error() {}, warn: (_: string, fields?: object) => said.push(fields) };
  return { frames: agentFrames(servedAgents(agents), log), said };
}

test("an agent's policies and the schema of its input are announced", () => {
  const retry = { attempts: 3, baseMs: 0, only: ["TimeoutError"] };
  const inputSchema = { type: "object" };
  const { frames, said } = framesOf(agentOf({ retry, timeoutMs: 5, concurrency: 2, inputSchema }));
  expect(frames).toMatchObject([
    {
      retry: { attempts: 3, backoff: "", baseMs: 0n, only: ["TimeoutError"] },
      timeoutMs: 5n,
      concurrency: 2,
      inputSchemaJson: '{"type":"object"}',
    },
  ]);
  expect(said).toEqual([]);
});

const deep = (levels: number): JsonObject => (levels === 0 ? {} : { not: deep(levels - 1) });

for (const [what, inputSchema, problem] of [
  ["too long", { description: "x".repeat(limits.agentSchemaBytes) }, /the limit is 65536 bytes/],
  ["too deep", deep(limits.jsonDepth + 1), /nested deeper/],
] as const) {
  test(`a schema that is ${what} is not announced, and the log says so: the agent still works`, () => {
    const { frames, said } = framesOf(agentOf({ inputSchema }));
    expect(frames).toMatchObject([{ name: "greet", inputSchemaJson: "" }]);
    expect(said).toEqual([{ agent: "greet", problem: expect.stringMatching(problem) }]);
  });
}

test("the schemas of many agents do not make the hello too large", () => {
  const inputSchema = { description: "x".repeat(limits.agentSchemaBytes - 100) };
  const agents = Array.from({ length: limits.agentsPerWorker }, (_, i) =>
    agentOf({ name: `a${i}`, inputSchema }),
  );
  const { frames, said } = framesOf(...agents);
  const bytes = frames.reduce((sum, { inputSchemaJson = "" }) => sum + inputSchemaJson.length, 0);
  expect(bytes).toBeLessThanOrEqual(limits.helloSchemaBytes);
  expect(said.length).toBe(frames.filter(({ inputSchemaJson }) => inputSchemaJson === "").length);
});
