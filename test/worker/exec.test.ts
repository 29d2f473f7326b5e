import { spawnSync } from "node:child_process";
import { expect, onTestFinished, test } from "vitest";
import { limits } from "#limits/index";
import { RunStopped } from "#worker/agent/error";
import { JsonText } from "#worker/agent/json-of";
import { outcomeOf } from "#worker/agent/outcome";
import { type ExecOptions, execAgent } from "#worker/exec/exec";
import { rehearsal } from "./kit/workbench.js";

/** A program in one line of JavaScript. */
function node(script: string, options: Partial<ExecOptions> = {}, input: unknown = {}) {
  return rehearsal(execAgent({ name: "x", command: [process.execPath, "-e", script], ...options }), input);
}

/** A process that has ended and whose end nobody has asked about yet is not alive. */
function isAlive(pid: number): boolean {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return /^[^Z]/.test(stdout.trim());
}

/** A signal takes effect as soon as its process is scheduled, which a busy machine may delay. */
const GONE_MS = 20_000;

/** Resolves once all of these processes are gone. */
async function gone(...pids: readonly number[]): Promise<void> {
  await expect.poll(() => pids.filter(isAlive), { timeout: GONE_MS }).toEqual([]);
}

test("the input comes in on stdin, text goes out as it is written", async () => {
  const { said, result } = node("process.stdin.pipe(process.stdout)", {}, { a: "é" });

  expect(await result).toEqual({ exit_code: 0, stdout_bytes: 11 });
  expect(said.join("")).toBe('{"a":"é"}\n');
});

test("a program gets the results of the steps before it beside its input, digit by digit", async () => {
  const cat = execAgent({ name: "x", command: ["cat"] });
  const before = {
    results: { b: '{"n":12345678901234567890}' },
    resultRefs: ["a"],
    failedDependencies: ["c"],
  };

  const { said, result } = rehearsal(cat, { order: 1 }, before, { a: "[1.0]" });

  await result;
  expect(said.join("")).toBe(
    '{"order":1,"results":{"a":[1.0],"b":{"n":12345678901234567890}},"failed_dependencies":["c"]}\n',
  );
});

test("a program is not started if it would be given more than 16 MiB of results", async () => {
  const large = JSON.stringify("x".repeat(1024 * 1024 - 2));
  const names = Array.from({ length: 17 }, (_, i) => `s${i}`);
  const cat = execAgent({ name: "x", command: ["cat"] });

  const { said, result } = rehearsal(
    cat,
    {},
    { resultRefs: names },
    Object.fromEntries(names.map((name) => [name, large])),
  );

  await expect(result).rejects.toMatchObject({
    message: /^the results of 17 steps are over 16777216 bytes together/,
    retryable: false,
  });
  expect(said).toEqual([]);
});

test("a program decides by the result that it prints", async () => {
  const outcome = { decision_point_outcome: { type: "create_steps", step_names: ["refund"] } };
  const script = `console.log(JSON.stringify({ result: ${JSON.stringify(outcome)} }))`;

  expect(await node(script, { output: "jsonl" }).result).toEqual(new JsonText(JSON.stringify(outcome)));
});

test("as JSON lines each line is a chunk, and a line with a result is the result", async () => {
  const script = `process.stdout.write('{"a":1}\\nplain\\n{"result":{"b":2}}\\n{"result":3,"more":4}')`;
  const { said, result } = node(script, { output: "jsonl" });

  expect(await result).toEqual(new JsonText('{"b":2}'));
  expect(said).toEqual(['{"a":1}\n', "plain\n", '{"result":3,"more":4}\n']);
});

test("stderr goes to the log, and its end into the error of a program that fails", async () => {
  const { logged, result } = node(`console.error("one"); console.error("two"); process.exit(3)`);

  await expect(result).rejects.toThrow(/ended with code 3; stderr ends: one\ntwo$/);
  expect(logged).toEqual([
    ["stderr", { line: "one" }],
    ["stderr", { line: "two" }],
  ]);
});

test("a program that is not there fails the run for good", async () => {
  const { result } = rehearsal(execAgent({ name: "x", command: ["no-such-program"] }), {});

  await expect(result).rejects.toMatchObject({
    message: /^cannot run no-such-program: .*ENOENT/,
    retryable: false,
  });
});

test("no shell reads the command, and the environment is added to", async () => {
  const agent = execAgent({ name: "x", command: ["printenv", "GREETING", "$(id)"], env: { GREETING: "hi" } });

  const { said, result } = rehearsal(agent, {});

  await expect(result).rejects.toThrow("printenv ended with code 1");
  expect(said.join("")).toBe("hi\n");
});

const grandchild = `require("child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"])`;

test("a cancelled program gets SIGTERM with all that it started, and nothing is left of it", async () => {
  const script = `console.log(process.pid, ${grandchild}.pid); setInterval(() => {}, 1000)`;
  const { first, result, stop } = node(script);
  const pids = (await first).trim().split(" ").map(Number);
  expect(pids.map(isAlive)).toEqual([true, true]);

  stop(new RunStopped("cancelled", ""));

  await expect(result).rejects.toThrow("cancelled");
  await gone(...pids);
});

test("a cancelled program ends the run as cancelled, though a process outside its group keeps the pipe open", async () => {
  const daemon = `require("child_process").spawn(process.execPath, ["-e", "setTimeout(() => {}, 60000)"],
    { detached: true, stdio: ["ignore", "inherit", "inherit"] })`;
  const { first, result, stop } = node(`console.log(${daemon}.pid); setInterval(() => {}, 1000)`);
  const pid = Number(await first);
  onTestFinished(() => {
    process.kill(pid, "SIGKILL");
  });

  stop(new RunStopped("cancelled", ""));

  await expect(result).rejects.toThrow("cancelled");
});

test("a program that ignores SIGTERM is killed after the grace", async () => {
  const { first, result, stop } = node(
    `process.on("SIGTERM", () => {}); console.log(process.pid); setInterval(() => {}, 1000)`,
    { killGraceMs: 50 },
  );
  const pid = Number(await first);

  stop(new RunStopped("cancelled", ""));

  await expect(result).rejects.toThrow("cancelled");
  await gone(pid);
});

test("what a program leaves running in the background ends with it", async () => {
  const { said, result } = node(`const child = ${grandchild}; console.log(child.pid); child.unref();
    child.stdin.unref(); child.stdout.unref(); child.stderr.unref()`);

  expect(await result).toMatchObject({ exit_code: 0 });
  await gone(Number(said.join("")));
});

/** Starts a process outside the group that holds the program's pipes, and says its id. */
const daemon = (script: string) => `const daemon = require("child_process").spawn(process.execPath,
  ["-e", ${JSON.stringify(script)}], { detached: true, stdio: "inherit" }); daemon.unref(); console.log(daemon.pid);`;

function killAfterwards(pid: number): void {
  onTestFinished(() => {
    if (isAlive(pid)) process.kill(pid, "SIGKILL");
  });
}

/** Each ends by itself in the end, so that a worker which waits for it fails the test and does not hang. */
test.each([
  ["waits", "setTimeout(() => {}, 10_000)"],
  [
    "writes a little again and again",
    "setInterval(() => console.log(), 20); setTimeout(process.exit, 10_000)",
  ],
  [
    "writes as much as it can",
    "let left = 256; const on = () => left-- && process.stdout.write('x'.repeat(65536), on); on()",
  ],
])("a run ends when its program does, though a daemon holds its pipes and %s", async (_, script) => {
  const { said, first, result, logged } = node(daemon(script));
  killAfterwards(Number((await first).split("\n", 1)));

  expect(await result).toMatchObject({ exit_code: 0 });
  expect(said.join("").length).toBeLessThan(limits.execRestBytes + 2 * 1024 * 1024);
  expect(logged).toContainEqual([
    expect.stringContaining("still holds its stdout"),
    { program: process.execPath },
  ]);
});

test("a program that fails says what its stderr ends with, though a daemon holds that", async () => {
  const { first, result } = node(
    `${daemon("setInterval(() => {}, 1000)")} console.error("no luck"); process.exitCode = 3`,
  );
  killAfterwards(Number(await first));

  await expect(result).rejects.toThrow(/ended with code 3; stderr ends: no luck$/);
});

test("what a program wrote before its exit arrives whole, however slowly it is accepted", async () => {
  const script = `${daemon("setInterval(() => {}, 1000)")} const fs = require("fs");
    for (let i = 0; i < 3000; i += 1) { try { fs.writeSync(1, "x".repeat(99) + "\\n"); } catch { i -= 1; } }`;
  const slow = execAgent({ name: "x", command: [process.execPath, "-e", script], output: "jsonl" });
  let lines = 0;
  const { said, first, result } = rehearsal(slow, {}, {}, {}, async () => {
    lines += 1;
    if (lines % 500 === 0) await new Promise((resolve) => setTimeout(resolve, limits.execRestWait / 2));
  });
  killAfterwards(Number(await first));

  expect(await result).toMatchObject({ exit_code: 0 });
  expect(said.length).toBe(3001);
});

test("a program that does not read its input ends all the same, though a daemon holds its stdin", async () => {
  const { first, result } = node(daemon("setInterval(() => {}, 1000)"), {}, "x".repeat(900_000));
  killAfterwards(Number(await first));

  expect(await result).toMatchObject({ exit_code: 0 });
});

test.each(["12345678901234567890", "1.10", "1e400", "-0", '{"n": [0.1000, 1E2], "s": "\\u00e9"}', "null"])(
  "a result is passed on digit by digit: %s",
  async (json) => {
    const script = `console.log(${JSON.stringify(`{ "result" : ${json} }`)})`;
    const program = execAgent({ name: "x", command: [process.execPath, "-e", script], output: "jsonl" });
    const { ctx } = rehearsal(execAgent({ name: "y", command: ["true"] }), {});

    expect(await outcomeOf(program, "{}", ctx)).toEqual({ status: "COMPLETED", outputJson: json });
  },
);

test("a result that is too large or too deep fails the run by the limit of results", async () => {
  const outcome = (script: string) => {
    const program = execAgent({ name: "x", command: [process.execPath, "-e", script], output: "jsonl" });
    const { ctx } = rehearsal(execAgent({ name: "y", command: ["true"] }), {});
    return outcomeOf(program, "{}", ctx);
  };

  expect(await outcome(`console.log('{"result":"' + "x".repeat(1100000) + '"}')`)).toMatchObject({
    status: "FAILED",
    reason: "OUTPUT_LIMIT",
  });
  expect(await outcome(`console.log('{"result":' + "[".repeat(70) + "]".repeat(70) + "}")`)).toMatchObject({
    status: "FAILED",
    error: expect.stringContaining("nested deeper than 64"),
  });
});

test("a line of JSON Lines over the limit fails the run for good, and says what to do", async () => {
  const { result } = node(`process.stdout.write("x".repeat(${limits.execLineChars + 1}))`, {
    output: "jsonl",
  });

  await expect(result).rejects.toMatchObject({
    message: expect.stringMatching(
      /^a line of output is over 2097152 characters, .*run the program with text output$/,
    ),
    retryable: false,
  });
});

test("a command that no system takes fails the run for good, and names the program", async () => {
  const { result } = rehearsal(execAgent({ name: "x", command: ["true", "a\0b"] }), {});

  await expect(result).rejects.toMatchObject({ message: /^cannot run true: /, retryable: false });
});

test("an agent needs a name and a program", () => {
  expect(() => execAgent({ name: "x", command: [] })).toThrow("agent x has an empty command");
  expect(() => execAgent({ name: "", command: ["true"] })).toThrow("an agent needs a name");
  // Of programs in JavaScript, which no compiler has checked.
  const wrong = { name: "x", command: "wc -w" } as unknown as ExecOptions;
  expect(() => execAgent(wrong)).toThrow("agent x needs command, a list");
  expect(() => execAgent({ name: "x" } as unknown as ExecOptions)).toThrow("agent x needs command, a list");
});
