import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { runAgent } from "#testing/index";
import { RunStopped } from "#worker/agent/error";
import {
  type Agent,
  type AgentContext,
  type ClaudeOptions,
  claudeAgent,
  type UsageReport,
} from "#worker/index";

const program = fileURLToPath(new URL("fixtures/claude.mjs", import.meta.url));
let folder = "";

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "taskrun-claude-")));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The agent over the double, whose sessions lie in the folder of this test. */
function claude(options: ClaudeOptions = {}) {
  const env = { CLAUDE_CONFIG_DIR: folder, ...options.env };
  return claudeAgent({ program, workingDir: folder, ...options, env });
}

/** Runs the agent, and keeps what it reports as used. */
async function counted(options: ClaudeOptions, input: { prompt: string; session_id?: string }) {
  const usage: UsageReport[] = [];
  const whole: Agent = claude(options);
  const counting: Agent = {
    ...whole,
    perform: (json, ctx) => {
      const own: AgentContext = Object.defineProperties({} as AgentContext, {
        ...Object.getOwnPropertyDescriptors(ctx),
        usage: { value: (report: UsageReport) => usage.push(report) },
      });
      return whole.perform(json, own);
    },
  };
  const run = await runAgent(counting, input);
  return { ...run, result: run.result as { session_id: string }, usage };
}

interface Started {
  readonly argv: readonly string[];
  readonly prompt: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What the double was started with. */
async function started(
  options: ClaudeOptions,
  input: { prompt: string; session_id?: string },
): Promise<Started> {
  const log = join(folder, `${Math.random()}.log`);
  await runAgent(claude({ ...options, env: { ...options.env, FAKE_CLAUDE_LOG: log } }), input).catch(
    () => {},
  );
  return JSON.parse(readFileSync(log, "utf8"));
}

/** Runs a scenario that fails, to its error. */
function failure(scenario: string, options: ClaudeOptions = {}, more: { session_id?: string } = {}) {
  return runAgent(claude(options), { prompt: `scenario: ${scenario}`, ...more }).then(
    () => expect.unreachable(`${scenario} did not fail`),
    (error: Error) => error,
  );
}

test("the prompt goes in on stdin, the model's text comes out as output, and its last answer is the result", async () => {
  const { result, output, backendUsed } = await runAgent(claude({ model: "sonnet" }), { prompt: "hello" });

  expect(output).toBe("You said: hello\n");
  expect(result).toEqual({
    text: "You said: hello",
    session_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    model: "claude-sonnet-5",
    num_turns: 1,
    tool_calls: 0,
    duration_ms: expect.any(Number),
    stop_reason: "end_turn",
    total_cost_usd: 0.0004,
    permission_denials: [],
  });
  expect(backendUsed).toMatchObject({ provider: "anthropic", modelName: "claude-sonnet-5" });
});

test("options become arguments, the prompt never, and no permission is skipped unless it is asked for", async () => {
  const plain = await started({}, { prompt: "a secret prompt" });
  expect(plain.argv).toEqual(["--print", "--output-format=stream-json", "--verbose"]);
  expect(plain.prompt).toBe("a secret prompt");
  expect(plain.cwd).toBe(folder);

  const full = await started(
    {
      model: "sonnet",
      instructions: "Be brief.",
      allowedTools: ["Read", "Bash(git log:*)"],
      disallowedTools: ["WebFetch"],
      permissionMode: "plan",
      maxTurns: 3,
      partialMessages: true,
      dangerouslySkipPermissions: true,
      args: ["--mcp-config", "mcp.json"],
    },
    { prompt: "go on", session_id: "5f9c" },
  );
  expect(full.argv).toEqual([
    ...["--print", "--output-format=stream-json", "--verbose", "--include-partial-messages"],
    ...["--model", "sonnet", "--append-system-prompt", "Be brief."],
    ...["--allowedTools", "Read,Bash(git log:*)", "--disallowedTools", "WebFetch"],
    ...["--permission-mode", "plan", "--dangerously-skip-permissions", "--max-turns", "3"],
    ...["--resume", "5f9c", "--mcp-config", "mcp.json"],
  ]);
});

test("the program gets the worker's environment without its secrets", async () => {
  process.env.TASKRUN_API_KEY = "secret";
  process.env.OTHER_VARIABLE = "kept";
  onTestFinished(() => {
    delete process.env.TASKRUN_API_KEY;
    delete process.env.OTHER_VARIABLE;
  });

  const { env } = await started({ env: { GIVEN: "too" } }, { prompt: "hi" });

  expect(env).toMatchObject({ OTHER_VARIABLE: "kept", GIVEN: "too" });
  expect(Object.keys(env).filter((name) => name.startsWith("TASKRUN_"))).toEqual([]);
});

test("what belongs to the prompt is put below it, and a query is a prompt", async () => {
  const { prompt } = await started({}, { prompt: "Sum up.", context: { n: [1] } } as never);
  expect(prompt).toBe('Sum up.\n\nContext, as JSON:\n{\n  "n": [\n    1\n  ]\n}\n');

  const asked = await started({}, { query: "What?" } as never);
  expect(asked.prompt).toBe("What?");
});

test("an input without a prompt, or with a session that is an option, is refused before anything starts", async () => {
  const refused = (input: unknown) => runAgent(claude(), input as { prompt: string });

  await expect(refused({ text: "hi" })).rejects.toThrow("needs prompt");
  await expect(refused({ prompt: "" })).rejects.toThrow("input_json does not fit");
  await expect(refused({ prompt: "hi", session_id: "--dangerously-skip-permissions" })).rejects.toMatchObject(
    {
      message: expect.stringContaining("session_id"),
      retryable: false,
    },
  );
});

test("the session and every tool call are events, with their names, digests, durations and outcomes", async () => {
  const { events, output, result } = await runAgent(claude(), { prompt: "scenario: tools" });

  const told = events.flatMap((event) => (event.type === "event" ? [[event.kind, event.metadata]] : []));
  const duration = expect.stringMatching(/^\d+$/);
  const args_digest = expect.stringMatching(/^[0-9a-f]{64}$/);
  const call = (tool: string, call_id: string, more = {}) => ({ tool, call_id, args_digest, ...more });
  const read = call("Read", "toolu_01C", { parent_call_id: "toolu_01B" });
  const [bash, task] = [call("Bash", "toolu_01A"), call("Task", "toolu_01B")];
  const ended = { outcome: "ok", duration_ms: duration };
  expect(told).toEqual([
    [
      "SESSION_INITIALIZED",
      {
        session_id: result.session_id,
        model: "claude-opus-5",
        version: "2.1.285",
        permission_mode: "default",
      },
    ],
    ["TOOL_REQUESTED", bash],
    ["TOOL_COMPLETED", { ...bash, ...ended }],
    ["TOOL_REQUESTED", task],
    ["TOOL_REQUESTED", read],
    ["TOOL_COMPLETED", { ...read, ...ended, outcome: "failed" }],
    ["TOOL_COMPLETED", { ...task, ...ended }],
  ]);
  expect(output).toBe("I'll look — first.\nThere are two files.\n");
  expect(result).toMatchObject({ text: "There are two files.", num_turns: 3, tool_calls: 3 });
});

test("text that comes in parts is written once, as it comes", async () => {
  const { output, events } = await runAgent(claude({ partialMessages: true }), { prompt: "scenario: tools" });

  expect(output).toBe("I'll look — first.\nThere are two files.\n");
  expect(events.filter(({ type }) => type === "output").length).toBeGreaterThan(5);
});

test("messages arrive whole, however they are cut on their way", async () => {
  const env = { FAKE_CLAUDE_PIECE: "1" };
  const { output } = await runAgent(claude({ env }), { prompt: "scenario: tools" });

  expect(output).toBe("I'll look — first.\nThere are two files.\n");
});

/** The sum of all reports, by model. */
function sums(usage: readonly UsageReport[]) {
  const all: Record<string, Record<string, number>> = {};
  for (const { model, ...counts } of usage) {
    const sum = all[model] ?? {};
    all[model] = sum;
    for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count;
  }
  return all;
}

test("tokens are told with each message, and at the end what was missing, so that the sum is the program's own", async () => {
  const { usage } = await counted({}, { prompt: "scenario: tools" });

  expect(usage[0]).toEqual({
    ...{ model: "claude-opus-5", inputTokens: 130, cachedTokens: 100, outputTokens: 1, usdMicros: 0 },
  });
  expect(sums(usage)).toEqual({
    "claude-opus-5": { inputTokens: 390, cachedTokens: 300, outputTokens: 21, toolCalls: 2, usdMicros: 1200 },
    "claude-haiku-4-5-20251001": {
      ...{ inputTokens: 130, cachedTokens: 100, outputTokens: 7, toolCalls: 1, usdMicros: 80 },
    },
  });
});

test("a session goes on where it was, and what it used before is not counted again", async () => {
  const first = await counted({}, { prompt: "remember 7" });
  const second = await counted({}, { prompt: "and now", session_id: first.result.session_id });

  expect(second.result).toMatchObject({ session_id: first.result.session_id, text: "You said: and now" });
  expect(sums(first.usage)).toEqual({
    "claude-opus-5": { inputTokens: 130, cachedTokens: 100, outputTokens: 7, usdMicros: 400 },
  });
  expect(sums(second.usage)).toEqual({
    "claude-opus-5": { inputTokens: 130, cachedTokens: 100, outputTokens: 7 },
  });
});

test("a tool that it might not use is in the result", async () => {
  const { result } = await runAgent(claude(), { prompt: "scenario: denied" });

  expect(result.permission_denials).toEqual(["Write"]);
});

test.each([
  [
    "logout",
    /^Claude Code is not logged in \(it says: Not logged in · Please run \/login\): run `claude`/,
    false,
  ],
  ["old-logout", /^Claude Code is not logged in \(it says: Invalid API key/, false],
  ["overloaded", /has failed \(overloaded, status 529\): API Error: 529 Overloaded$/, true],
  ["limited", /has failed \(rate_limit, status 429\): You've hit your session limit$/, true],
  ["no-model", /has failed \(model_not_found, status 404\): There's an issue with the selected model/, false],
  ["turns", /was not done after 1 turns, its limit: allow more .* continue the session [0-9a-f-]{36}/, false],
  ["broken", /^Claude Code has failed \(error_during_execution, session .*\): the disk is full$/, undefined],
  [
    "crash",
    /claude\.mjs ended with code 3; stderr ends: TypeError.*\n.*; it has given no result$/,
    undefined,
  ],
  ["noise", /has printed what is no message of Claude Code: this is another program; is it/, false],
])("%s is a failure that says what to do, and whether to try again", async (scenario, message, retryable) => {
  expect(await failure(scenario)).toMatchObject({ name: "AgentError", message, retryable });
});

test("an account that has reached its limit is left alone until that ends", async () => {
  const { retryAfterMs } = (await failure("limited")) as Error & { retryAfterMs: number };

  expect(retryAfterMs).toBeGreaterThan(1_790_000);
  expect(retryAfterMs).toBeLessThanOrEqual(1_800_000);
});

test("a session that is not there is a failure for good", async () => {
  expect(await failure("x", {}, { session_id: "00000000-0000-4000-8000-000000000000" })).toMatchObject({
    message: expect.stringMatching(
      /^Claude Code does not have the session: .*; sessions are kept where they began/,
    ),
    retryable: false,
  });
});

test("a program that is not there is a failure for good, and says how to install it", async () => {
  expect(await failure("x", { program: "no-such-claude" })).toMatchObject({
    message: expect.stringMatching(
      /^there is no program no-such-claude \(in .*\): install it with `npm install -g @anthropic-ai\/claude-code`.*TASKRUN_CLAUDE/,
    ),
    retryable: false,
  });
  expect(await failure("x", { workingDir: join(folder, "nowhere") })).toMatchObject({
    message: `the working directory ${join(folder, "nowhere")} is not there`,
    retryable: false,
  });
});

test("the program is found by its variable", async () => {
  process.env.TASKRUN_CLAUDE = program;
  onTestFinished(() => {
    delete process.env.TASKRUN_CLAUDE;
  });
  const agent = claudeAgent({ workingDir: folder, env: { CLAUDE_CONFIG_DIR: folder } });

  expect((await runAgent(agent, { prompt: "hi" })).output).toBe("You said: hi\n");
});

test("lines that are no messages, and messages that are not known, are passed over", async () => {
  const { output, events } = await runAgent(claude(), { prompt: "scenario: chatter" });

  expect(output).toBe("You said: scenario: chatter\n");
  expect(events).toContainEqual(
    expect.objectContaining({ type: "log", message: "stdout is no message of Claude Code" }),
  );
});

test("a message that is too long to be read is left out, and the run goes on", async () => {
  const { output, events } = await runAgent(claude(), { prompt: "scenario: image" });

  expect(output).toBe("A large picture.\n");
  expect(events).toContainEqual(
    expect.objectContaining({
      message: "messages of Claude Code were too long to be read",
      fields: { lines: 1 },
    }),
  );
});

test("a program that does not end after its result is ended, and the result counts", async () => {
  const { result } = await runAgent(claude(), { prompt: "scenario: linger" });

  expect(result.text).toBe("You said: scenario: linger");
});

/** A process that has ended and whose end nobody has asked about yet is not alive. */
function isAlive(pid: number): boolean {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return /^[^Z]/.test(stdout.trim());
}

test.each([
  ["hang", undefined],
  ["stubborn", 50],
])("a cancelled program is ended with all that it has started (%s)", async (scenario, killGraceMs) => {
  const aborter = new AbortController();
  const pids: number[] = [];
  const agent = claude(killGraceMs === undefined ? {} : { killGraceMs });
  const watched: Agent = {
    ...agent,
    perform: (json, ctx) => {
      const output = (text: string): Promise<void> => {
        pids.push(...(/^pids (\d+) (\d+)/.exec(text) ?? []).slice(1).map(Number));
        expect(pids.map(isAlive)).toEqual([true, true]);
        aborter.abort();
        return Promise.resolve();
      };
      const descriptors = Object.getOwnPropertyDescriptors(ctx);
      return agent.perform(
        json,
        Object.defineProperties({} as AgentContext, { ...descriptors, output: { value: output } }),
      );
    },
  };

  const run = runAgent(watched, { prompt: `scenario: ${scenario}` }, { signal: aborter.signal });

  await expect(run).rejects.toBeInstanceOf(RunStopped);
  await expect.poll(() => pids.filter(isAlive)).toEqual([]);
});

test.each([
  [{ model: "--help" }, /^model has "--help", which is no name$/],
  [{ allowedTools: ["Read", ""] }, /^allowedTools\[1\] is empty/],
  [{ allowedTools: "Read" }, /^allowedTools is a string, not a list of texts$/],
  [{ permissionMode: "yolo" }, /^permissionMode is "yolo", not one of default/],
  [{ maxTurns: 0 }, /^maxTurns is 0, not a whole number from 1 to 1000$/],
  [{ workingDirs: "x" }, /has no workingDirs; did you mean workingDir\?$/],
  [{ dangerouslySkipPermissions: "yes" }, /^dangerouslySkipPermissions is a string, not true or false$/],
])("an option that is wrong is named: %o", (options, message) => {
  expect(() => claudeAgent(options as ClaudeOptions)).toThrow(message);
});

test("what a server is told of the agent is what is configured", () => {
  expect(claudeAgent().backends).toEqual([]);
  expect(claudeAgent({ name: "reviewer", model: "sonnet" })).toMatchObject({
    name: "reviewer",
    backends: [{ provider: "anthropic", modelName: "sonnet" }],
  });
  expect(JSON.stringify(claudeAgent().inputSchema)).toContain('"prompt"');
});
