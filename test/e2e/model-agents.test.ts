/** Agents that ask a model, in workers started from the command line, over doubles that speak the real formats. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { TaskEvent } from "#client/index";
import { FakeOpenai } from "../worker/kit/fake-openai.js";
import { root, type Server, Stage, until } from "./kit/harness.js";

const stage = new Stage();
afterAll(() => stage.end());

const claudeProgram = join(root, "test/worker/fixtures/claude.mjs");
const claudeLog = join(stage.dir, "claude.log");
let server: Server;

beforeAll(async () => {
  server = await stage.server();
});

/** A worker whose agents are those of the command line, once it is connected. */
async function worker(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const doubles = { TASKRUN_CLAUDE: claudeProgram, CLAUDE_CONFIG_DIR: stage.dir, FAKE_CLAUDE_LOG: claudeLog };
  const proc = stage.run(["worker", "--addr", server.addr, "--drain", "1s", ...args], { ...doubles, ...env });
  await proc.said("the worker connects", ({ stderr }) => /"msg":"connected"/.test(stderr));
  return proc;
}

/** Processes that run; one that has ended and that nobody has asked about is not alive. */
function alive(pids: readonly number[]): number[] {
  const { stdout } = spawnSync("ps", ["-o", "pid=,stat=", "-p", pids.join()], { encoding: "utf8" });
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  return lines.filter(([, stat = "Z"]) => !stat.startsWith("Z")).map(([pid]) => Number(pid));
}

test("`worker --agent claude` answers a task with Claude Code, live, and tells which model it was", async () => {
  const args = [
    "--agent",
    "claude",
    "--model",
    "sonnet",
    "--working-dir",
    ".",
    "--allowed-tools",
    "Read",
    "Grep",
  ];
  await worker(["--id", "c1", ...args]);
  const client = stage.client(server.addr);

  const task = await client.tasks.create({ agent: "claude", input: { prompt: "scenario: tools" } });
  const events: TaskEvent[] = [];
  for await (const event of client.tasks.watch(task.id)) events.push(event);

  const ended = await client.tasks.get(task.id);
  expect(ended.status).toBe("COMPLETED");
  const result = JSON.parse(ended.outputJson) as { session_id: string };
  expect(result).toMatchObject({
    text: "There are two files.",
    model: "claude-sonnet-5",
    tool_calls: 3,
  });
  expect(ended.runs[0]?.backendUsed).toMatchObject({ provider: "anthropic", modelName: "claude-sonnet-5" });
  const texts = events.flatMap((event) => (event.type === "output" ? [event.output.content] : []));
  expect(texts.join("")).toBe("I'll look — first.\nThere are two files.\n");
  const kinds = events.flatMap((event) => (event.type === "event" ? [event.event.kind] : []));
  expect(kinds.filter((kind) => kind === "TOOL_COMPLETED")).toHaveLength(3);

  const [first = "{}"] = readFileSync(claudeLog, "utf8").trim().split("\n");
  const { argv, env } = JSON.parse(first) as { argv: string[]; env: Record<string, string> };
  expect(argv).toEqual(
    ["--print --output-format=stream-json --verbose --model sonnet --allowedTools Read,Grep"]
      .join()
      .split(" "),
  );
  expect(Object.keys(env).filter((name) => name.startsWith("TASKRUN_"))).toEqual([]);
  const { agents } = await client.workers.get("c1");
  expect(agents[0]?.backends.map(({ modelName }) => modelName)).toEqual(["sonnet"]);

  const next = { prompt: "and now?", session_id: result.session_id };
  const second = await client.tasks.run({ agent: "claude", input: next });
  expect(second).toMatchObject({ text: "You said: and now?", session_id: next.session_id });
});

test.each(["hang", "stubborn"])(
  "a cancelled task ends Claude Code with all that it has started (%s)",
  async (scenario) => {
    const client = stage.client(server.addr);
    const { id } = await client.tasks.create({ agent: "claude", input: { prompt: `scenario: ${scenario}` } });
    let pids: number[] = [];
    for await (const event of client.tasks.watch(id)) {
      if (event.type !== "output") continue;
      pids = (/^pids (\d+) (\d+)/.exec(event.output.content) ?? []).slice(1).map(Number);
      break;
    }
    expect(alive(pids)).toHaveLength(2);

    await client.tasks.cancel(id);

    await until("nothing of it is left", () => alive(pids).length === 0);
    expect((await client.tasks.get(id)).status).toBe("CANCELLED");
  },
);

test("a worker without the program fails the task for good, and says how to install it", async () => {
  const proc = await worker(["--id", "c2", "--agent", "claude", "--label", "has=nothing"], {
    TASKRUN_CLAUDE: join(stage.dir, "no-claude"),
  });
  const client = stage.client(server.addr);

  const { id } = await client.tasks.create({
    agent: "claude",
    input: { prompt: "hi" },
    workerSelector: { has: "nothing" },
    maxAttempts: 3,
  });
  const failed = await client.tasks.wait(id);

  expect(failed.errorMessage).toMatch(/there is no program .*no-claude: install it with `npm install -g/);
  expect(failed.runs).toHaveLength(1);
  await proc.end("SIGTERM");
});

test("`worker --config worker.toml` serves agents of several kinds and models, and a model that is overloaded is asked again", async () => {
  const fake = await FakeOpenai.start();
  onTestFinished(() => fake.stop());
  const file = join(stage.dir, "worker.toml");
  const [both, local] = [
    `[[agents]]\nname = "reviewer"\nkind = "claude"\nmodel = "haiku"\n`,
    `[[agents]]\nname = "writer"\nkind = "openai"\nmodel = "small"\nprovider = "local"\nbase_url = "${fake.baseUrl}"\n`,
  ];
  writeFileSync(file, `${both}\n${local}\nretry = { attempts = 3, base = "10ms", max = "50ms" }\n`);
  await worker(["--id", "c3", "--config", file], { OPENAI_API_KEY: "sk-e2e-secret" });
  const client = stage.client(server.addr);

  const { agents } = await client.workers.get("c3");
  expect(agents.map(({ name, backends }) => [name, backends[0]?.provider, backends[0]?.modelName])).toEqual([
    ["reviewer", "anthropic", "haiku"],
    ["writer", "local", "small"],
  ]);
  expect(await client.tasks.run({ agent: "reviewer", input: { prompt: "hi" } })).toMatchObject({
    model: "claude-haiku-4-5-20251001",
  });

  fake.answer({ status: 429, headers: { "retry-after-ms": "400" } }, { status: 503 });
  const { id } = await client.tasks.create({ agent: "writer", input: { prompt: "hello" } });
  const ended = await client.tasks.wait(id);
  expect(JSON.parse(ended.outputJson)).toMatchObject({ text: "You said: hello", model: "small-2026-01-01" });
  expect(ended.runs.map(({ status }) => status)).toEqual(["FAILED", "FAILED", "COMPLETED"]);
  const [first, second, third] = ended.runs;
  expect((second?.startedAtMs ?? 0) - (first?.finishedAtMs ?? 0)).toBeGreaterThanOrEqual(400);
  expect(third?.backendUsed).toMatchObject({ provider: "local", modelName: "small-2026-01-01" });
  expect(JSON.stringify(ended)).not.toContain("sk-e2e-secret");

  fake.answer({ text: "and so on", hangs: true });
  const endless = await client.tasks.create({ agent: "writer", input: { prompt: "count" } });
  await until("the request is there", () => fake.seen.length === 4);
  await client.tasks.cancel(endless.id);
  await until("the request is given up", () => fake.abandoned === 1);
});
