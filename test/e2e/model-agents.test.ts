/** Agents that ask a model, in workers started from the command line, over doubles that speak the real formats. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
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

/** The starts of the double that continued a session. */
function startsOf(sessionId: string) {
  const lines = readFileSync(claudeLog, "utf8").trim().split("\n");
  const starts = lines.map((line) => JSON.parse(line) as { argv: string[]; prompt: string });
  return starts.filter(({ argv }) => argv.includes(sessionId));
}

test("a session of Claude Code whose worker is killed in the middle goes on at the next worker, and is counted once", async () => {
  const client = stage.client(server.addr);
  const labels = ["--agent", "claude", "--label", "machine=one"];
  const first = await worker(["--id", "k1", ...labels]);
  const { id } = await client.tasks.create({
    ...{ agent: "claude", input: { prompt: "scenario: hang" }, workerSelector: { machine: "one" } },
  });
  const seen: TaskEvent[] = [];
  for await (const event of client.tasks.watch(id)) {
    seen.push(event);
    const kinds = new Set(seen.map(({ type }) => type));
    if (["output", "usage", "journal"].every((kind) => kinds.has(kind as TaskEvent["type"]))) break;
  }
  const texts = seen.flatMap((event) => (event.type === "output" ? [event.output.content] : []));
  const pids = (/^pids (\d+) (\d+)/.exec(texts.join("")) ?? []).slice(1).map(Number);
  const before = await client.tasks.get(id);

  await first.end("SIGKILL");
  await until("the program is killed with its worker", () => pids.length === 2 && alive(pids).length === 0);
  const second = await worker(["--id", "k2", ...labels]);
  const ended = await client.tasks.wait(id);

  const result = JSON.parse(ended.outputJson) as { session_id: string };
  expect(result).toMatchObject({ text: expect.stringMatching(/^You said: You were interrupted/) });
  expect(ended.runs.map(({ reason }) => reason)).toEqual(["WORKER_LOST", ""]);
  expect(startsOf(result.session_id)).toEqual([
    expect.objectContaining({ prompt: expect.stringMatching(/^You were interrupted/) }),
  ]);
  // One answer of the first run, told with one token of output, and one of the second, whose end has told all seven.
  expect(before.usage).toMatchObject({ inputTokens: 130, outputTokens: 1, toolCalls: 1 });
  expect(ended.usage).toMatchObject({ inputTokens: 260, outputTokens: 8, toolCalls: 1 });
  await second.end("SIGTERM");
});

test("a session that fails goes on with the retry, and begins anew on a machine that does not have it", async () => {
  const client = stage.client(server.addr);
  const labels = ["--agent", "claude", "--label", "machine=two"];
  const first = await worker(["--id", "k3", ...labels]);
  const input = { prompt: "scenario: crash" };
  const terms = { agent: "claude", input, workerSelector: { machine: "two" }, maxAttempts: 2 };
  const retried = await client.tasks.wait((await client.tasks.create(terms)).id);
  expect(retried.runs.map(({ status }) => status)).toEqual(["FAILED", "COMPLETED"]);
  const { session_id: sessionId } = JSON.parse(retried.outputJson) as { session_id: string };
  expect(startsOf(sessionId)).toHaveLength(1);

  const { id } = await client.tasks.create({ ...terms, input: { prompt: "scenario: hang" } });
  for await (const event of client.tasks.watch(id)) if (event.type === "journal") break;
  await first.end("SIGKILL");
  const elsewhere = { CLAUDE_CONFIG_DIR: join(stage.dir, "elsewhere") };
  const second = await worker(["--id", "k4", ...labels], elsewhere);
  const events: [string, string | undefined][] = [];
  for await (const event of client.tasks.watch(id)) {
    if (event.type !== "event") continue;
    events.push([event.event.kind, event.event.metadata.session_id]);
    if (events.filter(([kind]) => kind === "SESSION_INITIALIZED").length === 2) break;
  }
  const [begun, lost, anew] = events.filter(([kind]) => !kind.startsWith("TOOL_"));
  expect(lost).toEqual(["session_not_found", begun?.[1]]);
  expect(anew?.[1]).not.toBe(begun?.[1]);
  await client.tasks.cancel(id);
  await second.end("SIGTERM");
});

test("a session whose budget is used up is ended, and goes on once that is raised", async () => {
  const client = stage.client(server.addr);
  const proc = await worker(["--id", "k5", "--agent", "claude", "--label", "machine=three"]);
  const { id } = await client.tasks.create({
    ...{ agent: "claude", input: { prompt: "scenario: hang" }, workerSelector: { machine: "three" } },
    budget: { tokens: 100 },
  });
  await until("its budget is used up", async () => {
    const { state, runs } = await client.tasks.get(id);
    return state === "blocked_by_failures" && runs.at(-1)?.reason === "BUDGET_EXCEEDED";
  });

  await client.tasks.topUp(id, { tokens: 10_000 });
  const ended = await client.tasks.wait(id);

  const result = JSON.parse(ended.outputJson) as { session_id: string };
  expect(result).toMatchObject({ text: expect.stringMatching(/^You said: You were interrupted/) });
  expect(startsOf(result.session_id)).toHaveLength(1);
  await proc.end("SIGTERM");
});

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

test("an agent with tools survives its worker: no answer is asked for again, and no tool that has ended runs again", async () => {
  const fake = await FakeOpenai.start();
  onTestFinished(() => fake.stop());
  fake.answer(
    { calls: [{ name: "note", arguments: "{}" }] },
    { calls: [{ name: "wait", arguments: "{}" }] },
    { text: "Noted." },
  );
  const module = join(root, "test/e2e/fixtures/tool-agent.mjs");
  const env = { OPENAI_BASE_URL: fake.baseUrl, OPENAI_API_KEY: "sk-e2e", E2E_FOLDER: stage.dir };
  const first = await worker(["--id", "c4", "--module", module], env);
  const client = stage.client(server.addr);
  const { id } = await client.tasks.create({ agent: "noter", input: { prompt: "note it, then wait" } });
  await until("the second tool runs", () => existsSync(join(stage.dir, "begun")));

  await first.end("SIGKILL");
  await worker(["--id", "c5", "--module", module], env);
  const ended = await client.tasks.wait(id);

  expect(JSON.parse(ended.outputJson)).toMatchObject({ text: "Noted.", turns: 3, tool_calls: 2 });
  expect(ended.runs.map(({ reason }) => reason)).toEqual(["WORKER_LOST", ""]);
  expect(fake.seen).toHaveLength(3);
  expect(readFileSync(join(stage.dir, "notes"), "utf8")).toBe("noted\n");
});
