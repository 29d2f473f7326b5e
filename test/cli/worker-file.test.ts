import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Io } from "#cli/terminal/io";
import { gatherAgents } from "#cli/worker/agents";
import { agentsOfFile } from "#cli/worker/worker-file";
import { runAgent } from "#testing/index";

let folder = "";

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "taskrun-worker-file-")));
  mkdirSync(join(folder, "checkout"));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const env = { LOCAL_KEY: "sk-local" };

/** The agents of a file with this text. */
function agentsIn(text: string) {
  const path = join(folder, "worker.toml");
  writeFileSync(path, text);
  return agentsOfFile("worker.toml", { cwd: folder, env });
}

const whole = `
[[agents]]
name = "reviewer"
kind = "claude"
model = "sonnet"
working_dir = "checkout"
allowed_tools = ["Read", "Bash(git log:*)"]
permission_mode = "dontAsk"
max_turns = 30
timeout = "10m"
retry = { attempts = 3, backoff = "exponential", base = "1s", max = "1m" }

[[agents]]
name = "summarize"
kind = "openai"
model = "qwen3:8b"
base_url = "http://localhost:11434/v1"
api_key_env = "LOCAL_KEY"
provider = "ollama"
concurrency = 2
parameters = { temperature = 0.2 }

[[agents]]
name = "where"
kind = "exec"
command = "pwd -P"
working_dir = "checkout"
`;

test("a file describes agents of several kinds, each with its own model", async () => {
  const agents = agentsIn(whole);

  expect(
    agents.map(({ name, backends }) => [name, backends.map((b) => `${b.provider}/${b.modelName}`)]),
  ).toEqual([
    ["reviewer", ["anthropic/sonnet"]],
    ["summarize", ["ollama/qwen3:8b"]],
    ["where", ["exec/pwd"]],
  ]);
  expect(agents[0]).toMatchObject({
    timeoutMs: 600_000,
    retry: { attempts: 3, backoff: "exponential", baseMs: 1_000, maxMs: 60_000 },
  });
  expect(agents[1]).toMatchObject({ concurrency: 2 });
  const [, , where] = agents;
  expect((await runAgent(where ?? expect.unreachable(), {})).output).toBe(`${join(folder, "checkout")}\n`);
});

test("a file's agents stand beside those of the command line, and have other names", async () => {
  const io = { cwd: folder, env } as unknown as Io;
  writeFileSync(join(folder, "worker.toml"), '[[agents]]\nname = "a"\nkind = "exec"\ncommand = "true"\n');

  const agents = await gatherAgents({ exec: ["b=true"], config: "worker.toml" }, io);
  expect(agents.map(({ name }) => name)).toEqual(["b", "a"]);
  await expect(gatherAgents({ exec: ["a=true"], config: "worker.toml" }, io)).rejects.toThrow(
    "two agents called a",
  );
});

const exec = 'name = "x"\nkind = "exec"\ncommand = "true"\n';
const claude = 'name = "x"\nkind = "claude"\n';
const openai = 'name = "x"\nkind = "openai"\nmodel = "m"\nbase_url = "http://localhost:1/v1"\n';

test.each([
  ["", "has no agents: write a table [[agents]] for each"],
  ["agent = []", "has no agent; did you mean agents?"],
  ["[[agents]]\nname = ", ":2:8: "],
  ['[[agents]]\nname = "x"', "agent x: has no kind: write claude, openai, exec"],
  ['[[agents]]\nname = "x"\nkind = "cloude"', "agent x: there is no kind cloude; did you mean claude?"],
  ['[[agents]]\nkind = "claude"', "agents[0]: has no name"],
  [`[[agents]]\n${claude}modle = "m"`, "agent x: has no modle; did you mean model?"],
  [`[[agents]]\n${claude}max_turns = 0`, "agent x: max_turns is 0, not a whole number from 1 to 1000"],
  [`[[agents]]\n${claude}resume = "no"`, "agent x: resume is a string, not true or false"],
  [`[[agents]]\n${claude}resume_prompt = ""`, "agent x: resume_prompt is empty: leave it out"],
  [`[[agents]]\n${claude}allowed_tools = "Read"`, "agent x: allowed_tools is a string, not a list of texts"],
  [`[[agents]]\n${claude}working_dir = "nowhere"`, "agent x: working_dir: there is no folder "],
  [`[[agents]]\n${claude}timeout = 5`, "agent x: timeout is 5, not a duration"],
  [`[[agents]]\n${claude}retry = { atempts = 2 }`, "agent x: retry has no atempts; did you mean attempts?"],
  [`[[agents]]\n${claude}env = { A = 1 }`, "agent x: env is no table of texts"],
  ['[[agents]]\nname = "x"\nkind = "openai"', "agent x: openaiAgent() needs model"],
  [
    `[[agents]]\n${openai}api_key = "sk-1"`,
    "agent x: a key does not stand in the file: name its variable with api_key_env",
  ],
  [
    `[[agents]]\n${openai}api_key_env = "NO_KEY"`,
    'agent x: api_key_env names the variable "NO_KEY", which is not set',
  ],
  [`[[agents]]\n${openai}max_output_tokens = 1.5`, "agent x: max_output_tokens is 1.5, not a whole number"],
  [`[[agents]]\n${exec}output = "json"`, 'agent x: output is "json", not one of text, jsonl'],
  [
    '[[agents]]\nname = "x"\nkind = "exec"\ncommand = "tr \'a"',
    "agent x: quote ' at character 4 is not closed",
  ],
])("what is wrong with a file is named: %s", (text, message) => {
  expect(() => agentsIn(text)).toThrow(message);
});

test("everything that is wrong is told at once", () => {
  const text = `[[agents]]\n${claude}modle = "m"\n[[agents]]\n${exec.replace("x", "y")}outptu = "text"`;

  expect(() => agentsIn(text)).toThrow(
    expect.objectContaining({
      message: expect.stringContaining("agent x: has no modle; did you mean model?"),
      next: [expect.stringContaining("agent y: has no outptu; did you mean output?")],
    }),
  );
});

test("a file that is not there, or far too large, is not read", () => {
  expect(() => agentsOfFile("none.toml", { cwd: folder, env })).toThrow(
    "cannot be read: there is no such file",
  );
  writeFileSync(join(folder, "large.toml"), "#".repeat(1_100_000));
  expect(() => agentsOfFile("large.toml", { cwd: folder, env })).toThrow(
    /it has 1100000 bytes, and may have 1048576$/,
  );
});

test.each([
  [{ model: "m" }, "--model is about --agent claude or openai"],
  [{ agent: ["claude", "openai"], model: "m" }, "--model may mean claude or openai: write the agents"],
  [{ agent: ["openai"], model: "m", workingDir: "." }, "--working-dir is about --agent claude"],
  [{ agent: ["claude"], workingDir: "nowhere" }, "--working-dir: there is no folder "],
  [
    { agent: ["claude"], permissionMode: "yolo" },
    '--agent claude: permissionMode is "yolo", not one of default',
  ],
  [{ agent: ["openai"] }, "--agent openai needs --model"],
  [{ agent: ["opanai"] }, "there is no built-in agent opanai; did you mean openai?"],
])("options about a model that mean nothing are refused: %j", async (sources, message) => {
  const io = { cwd: folder, env } as unknown as Io;

  await expect(gatherAgents(sources, io)).rejects.toThrow(message);
});
