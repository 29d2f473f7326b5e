/** What becomes of a session of Claude Code when its Run is lost or fails: the next Run of the Step continues it. */
import { mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type AgentRun, type RunAgentOptions, runAgent } from "#testing/index";
import {
  type Agent,
  type ClaudeInput,
  type ClaudeOptions,
  type ClaudeResult,
  claudeAgent,
} from "#worker/index";
import { ServerTooOld } from "#worker/journal/unknown";
import { having } from "./kit/openai-runs.js";

const program = fileURLToPath(new URL("fixtures/claude.mjs", import.meta.url));
const GO_ON = /^You were interrupted before you were done\. .* go on from there until all is done\.$/;
let folder = "";

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "taskrun-claude-sessions-")));
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The agent over the double. @param machine where the double keeps its sessions */
function claude(options: ClaudeOptions = {}, machine = "one") {
  const env = { CLAUDE_CONFIG_DIR: join(folder, machine), FAKE_CLAUDE_LOG: join(folder, "log") };
  return claudeAgent({ program, workingDir: folder, ...options, env: { ...options.env, ...env } });
}

type Journal = NonNullable<RunAgentOptions["journal"]>;

/** A Run of a Step whose earlier Runs have left this journal: one whose end did not reach the plane is as good as lost. */
function run(
  input: ClaudeInput,
  journal: Journal = [],
  agent: Agent<string, ClaudeInput, ClaudeResult> = claude(),
): Promise<AgentRun<ClaudeResult>> {
  return runAgent(agent, input, { journal });
}

/** What the double was started with, each time: the session that it continued, and the prompt. */
function starts(): (readonly [string | undefined, string])[] {
  const lines = readFileSync(join(folder, "log"), "utf8").trim().split("\n");
  return lines.map((line) => {
    const { argv, prompt } = JSON.parse(line) as { argv: string[]; prompt: string };
    return [argv.includes("--resume") ? argv[argv.indexOf("--resume") + 1] : undefined, prompt];
  });
}

/** The sessions that a journal names. */
function sessions(journal: Journal): unknown[] {
  return journal.map(({ name, state, result }) => [name, state, JSON.parse(result)]);
}

test("a session is in the journal while the program works, and the next run continues it", async () => {
  const first = await run({ prompt: "hello" });
  const second = await run({ prompt: "hello" }, first.journal);

  const { session_id: id } = first.result;
  expect(second.result).toMatchObject({ session_id: id, text: expect.stringMatching(/^You said: You were/) });
  expect(starts()).toEqual([
    [undefined, "hello"],
    [id, expect.stringMatching(GO_ON)],
  ]);
  expect(sessions(second.journal)).toEqual([
    ["session", "COMPLETED", id],
    ["session", "COMPLETED", id],
  ]);
  const resumed = second.events.map((event) => event.type === "event" && event.metadata.resumed);
  expect(resumed).toContain("true");
});

test("a session is durable before the program has come to an end", async () => {
  const kept: unknown[] = [];
  const step = async (_: string, work: () => Promise<unknown>) => kept.push(await work());
  const stop = new AbortController();
  const output = async () => {
    expect(kept).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)]);
    stop.abort();
  };

  const agent = having(claude() as Agent, { step, output });
  await expect(runAgent(agent, { prompt: "scenario: hang" }, { signal: stop.signal })).rejects.toThrow();

  expect(kept).toHaveLength(1);
});

test.each(["crash", "overloaded", "turns", "broken"])(
  "a run that fails leaves its session to the next one, and ends when that is durable (%s)",
  async (scenario) => {
    const kept: unknown[] = [];
    const step = async (_: string, work: () => Promise<unknown>) => {
      const id = await work();
      await new Promise((resolve) => setTimeout(resolve, 500)); // as on a slow connection
      kept.push(id);
    };

    const agent = having(claude() as Agent, { step });
    await expect(runAgent(agent, { prompt: `scenario: ${scenario}` })).rejects.toThrow();

    expect(kept).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)]);
  },
);

test("on a machine that does not have the session it begins anew, says so, and the run after that continues the new one", async () => {
  const input = { prompt: "hello" };
  const first = await run(input);
  const second = await run(input, first.journal, claude({}, "two"));
  const third = await run(input, second.journal, claude({}, "two"));

  const [one, two] = [first.result.session_id, second.result.session_id];
  expect(two).not.toBe(one);
  expect(starts()).toEqual([
    [undefined, "hello"],
    [one, expect.stringMatching(GO_ON)],
    [undefined, "hello"],
    [two, expect.stringMatching(GO_ON)],
  ]);
  expect(second.result.text).toBe("You said: hello");
  expect(second.events).toContainEqual({
    ...{ type: "event", kind: "session_not_found", metadata: { session_id: one } },
  });
  expect(second.events).toContainEqual(
    expect.objectContaining({ type: "log", level: "warn", message: expect.stringMatching(/begins anew/) }),
  );
  expect(sessions(third.journal)).toEqual([one, two, two].map((id) => ["session", "COMPLETED", id]));
});

test("a session that goes on and fails is not begun anew", async () => {
  const { journal } = await run({ prompt: "hello" });
  const failing = claude({ resumePrompt: "scenario: overloaded" });

  await expect(run({ prompt: "hello" }, journal, failing)).rejects.toMatchObject({ retryable: true });
  expect(starts()).toHaveLength(2);
});

test("versions that say only on stderr that a session is not there are understood, too", async () => {
  const { journal } = await run({ prompt: "hello" });
  const old = claude({ env: { FAKE_CLAUDE_TERSE: "yes" } }, "two");

  expect((await run({ prompt: "hello" }, journal, old)).result.text).toBe("You said: hello");
});

test("what is used is counted once for each run: of a session that goes on, what its earlier runs told is not told again", async () => {
  const tokens = { model: "claude-opus-5", inputTokens: 130, cachedTokens: 100 };
  const sum = ({ usage }: AgentRun<unknown>) =>
    usage.reduce((all, { outputTokens = 0 }) => all + outputTokens, 0);
  const first = await run({ prompt: "hello" });
  const second = await run({ prompt: "hello" }, first.journal);
  const third = await run({ prompt: "hello" }, second.journal);
  const anew = await run({ prompt: "hello" }, second.journal, claude({}, "two"));

  for (const { usage } of [second, third]) {
    expect(usage[0]).toMatchObject(tokens);
    expect(usage.map(({ usdMicros }) => usdMicros)).toEqual([undefined, undefined]);
  }
  expect([first, second, third, anew].map(sum)).toEqual([7, 7, 7, 7]);
  expect(anew.usage.map(({ usdMicros }) => usdMicros)).toEqual([0, 400]);
});

test("a session of an earlier task goes on with its prompt, which it may not have had, and fails as before where it is not", async () => {
  const { result } = await run({ prompt: "remember 7" });
  const input = { prompt: "and now", session_id: result.session_id };
  const first = await run(input);
  const second = await run(input, first.journal);

  expect(starts().slice(1)).toEqual([
    [result.session_id, "and now"],
    [result.session_id, expect.stringMatching(/^You were interrupted .*\n\nYou were asked:\n\nand now$/s)],
  ]);
  expect(second.result.session_id).toBe(result.session_id);
  await expect(run(input, second.journal, claude({}, "two"))).rejects.toMatchObject({
    ...{ message: expect.stringMatching(/^Claude Code does not have the session/), retryable: false },
  });
});

test("what a session that goes on is told can be said otherwise, and that it goes on can be switched off", async () => {
  const first = await run({ prompt: "hello" });
  const second = await run({ prompt: "hello" }, first.journal, claude({ resumePrompt: "Go on, please." }));
  const third = await run({ prompt: "hello" }, second.journal, claude({ resume: false }));

  expect(starts().slice(1)).toEqual([
    [first.result.session_id, "Go on, please."],
    [undefined, "hello"],
  ]);
  expect(sessions(third.journal)).toHaveLength(3);
});

test("a session that could be read as an option is not passed on", async () => {
  const { journal } = await run({ prompt: "hello" });
  const forged = journal.map((record) => ({ ...record, result: '"--dangerously-skip-permissions"' }));
  await run({ prompt: "hello" }, forged);

  expect(starts()).toEqual([
    [undefined, "hello"],
    [undefined, "hello"],
  ]);
});

test("with a server that keeps no journal it works as ever", async () => {
  const step = () => Promise.reject(new ServerTooOld("ctx.step"));
  const { result } = await runAgent(having(claude() as Agent, { step }), { prompt: "hello" });

  expect(result).toMatchObject({ text: "You said: hello" });
});
