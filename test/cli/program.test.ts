import { spawnSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { completionScript } from "#cli/completion";
import { taskrun } from "./fake-io.js";

test("--version and --help end well; a word that is no command ends with 2", async () => {
  expect((await taskrun(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(await taskrun(["--help"])).toMatchObject({ code: 0, stderr: "" });
  expect(await taskrun(["task", "--help"])).toMatchObject({ code: 0, stderr: "" });
  expect(await taskrun([])).toMatchObject({ code: 2, stdout: "" });

  const wrong = await taskrun(["tsak"]);
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain("Did you mean task?");
});

test("every setting is an option of server and dev, with its range and default", async () => {
  for (const command of ["server", "dev"]) {
    const { stdout } = await taskrun([command, "--help"]);
    expect(stdout).toContain("--lease <value>");
    expect(stdout.replace(/\s+/g, " ")).toContain("500ms to 1h, at least two heartbeats; default: 30s");
    expect(stdout).toContain("--public-lease <value>");
  }
});

test("wrong settings end a server with 2 before anything starts", async () => {
  const { code, stderr } = await taskrun(["server", "--lease", "3", "--retention", "1h"]);

  expect(code).toBe(2);
  expect(stderr).toContain('--lease: "3" is not a duration');
  expect(stderr).toContain('--retention: "1h" is out of range: 24h to 3650d');
});

test.each([
  [["--agent", "support_triag"], "did you mean support_triage?"],
  [["--exec", "shout"], "is not NAME=COMMAND"],
  [["--exec", "shout=tr 'a"], "is not closed"],
  [["--module", "./nothing.js"], "nothing.js cannot be loaded"],
  [["--module", "./fake-io.ts"], "exports no agent"],
  [["--exec", "a=true", "a=false"], "two agents called a"],
  [["--max-runs", "0"], "whole number from 1"],
  [["--id", "no spaces"], 'id "no spaces" is not'],
  [["--drain", "soon"], `option '--drain <duration>' argument 'soon' is invalid. "soon" is not a duration`],
  [
    ["foo"],
    "unknown command 'foo'\nCommands are list, get, invite, enrolled, revoke, drain; `worker` alone runs agents.",
  ],
  [
    ["lst"],
    "unknown command 'lst'; did you mean list?\nCommands are list, get, invite, enrolled, revoke, drain; `worker` alone runs agents.",
  ],
])("a worker that cannot be started so ends with 2: %j", async (words, message) => {
  const { code, stderr } = await taskrun(["worker", ...words]);

  expect(stderr).toContain(message);
  expect(code).toBe(2);
});

test("completion knows commands, options and values", async () => {
  const complete = async (...words: string[]) =>
    (await taskrun(["complete", "--", ...words])).stdout.trim().split("\n");

  expect(await complete("")).toEqual([
    ...[
      "dev",
      "server",
      "config",
      "store",
      "export",
      "import",
      "worker",
      "pause",
      "drain",
      "resume",
      "node",
      "agent",
      "task",
      "dlq",
      "top",
      "usage",
      "inspect",
      "template",
      "key",
      "login",
      "logout",
      "profile",
      "audit",
      "ca",
      "doctor",
      "completion",
    ],
  ]);
  expect(await complete("agent", "")).toEqual(["list", "get"]);
  expect(await complete("task", "c")).toEqual(["create", "cancel"]);
  expect(await complete("worker", "")).toEqual(["list", "get", "invite", "enrolled", "revoke", "drain"]);
  expect(await complete("task", "s")).toEqual(["steps", "signal"]);
  expect(await complete("template", "")).toEqual(["apply", "list", "get", "validate", "visualize"]);
  expect(await complete("task", "resolve", "t1", "--r")).toEqual(["--retry", "--result", "--reason"]);
  expect(await complete("task", "create", "--t")).toEqual(["--template", "--timeout"]);
  expect(await complete("server", "--tem")).toEqual(["--templates"]);
  expect(await complete("task", "create", "--a")).toEqual([
    "--agent",
    "--attempts",
    "--addr",
    "--api-key-file",
  ]);
  expect(await complete("task", "list", "--status", "C")).toEqual(["COMPLETED", "CANCELLED"]);
  expect(await complete("completion", "")).toEqual(["bash", "zsh", "fish"]);
  expect(await complete("server", "--le")).toEqual(["--lease"]);
  expect(await complete("task", "create", "--input", "")).toEqual([""]);
});

test("help explains a command wherever it stands, and names the nearest of one that is not there", async () => {
  const same = async (help: string, command: string) =>
    expect(await taskrun(help.split(" "))).toEqual(await taskrun([...command.split(" "), "--help"]));

  await same("help task create", "task create");
  await same("task help create", "task create");
  await same("help task", "task");
  await same("help server", "server");
  await same("help worker", "worker");
  await same("worker help list", "worker list");
  await same("help store verify", "store verify");
  expect((await taskrun(["help"])).stdout).toBe((await taskrun(["--help"])).stdout);
  expect(await taskrun(["help", "taks"])).toMatchObject({
    code: 2,
    stdout: "",
    stderr: expect.stringContaining("did you mean task?"),
  });
  expect(await taskrun(["help", "task", "creat"])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("task has no command 'creat'; did you mean create?"),
  });
  expect(await taskrun(["help", "task", "list", "x"])).toMatchObject({ code: 2 });
  for (const before of [[], ["task"]]) {
    expect(await taskrun([...before, "help", "--\u001b[31mx"])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^error: unknown option '--x'\nRun with --help/),
    });
  }
  expect((await taskrun(["complete", "--", "help", "task", "cre"])).stdout).toBe("create\n");
});

/** Loads the script in bash, completes these words, and answers with the candidates. */
function completedByBash(script: string, words: readonly string[], cwd: string): string {
  const list = words.map((word) => `'${word}'`).join(" ");
  const text = `${script}\nCOMP_WORDS=(${list}); COMP_CWORD=${words.length - 1}; _taskrun; echo "\${COMPREPLY[*]}"`;
  const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` };
  const { stdout, stderr } = spawnSync("bash", ["--norc", "-c", text], { encoding: "utf8", cwd, env });
  expect(stderr).toBe("");
  return stdout.trim();
}

test("completion finds the command where npx is needed to run it, from any directory", () => {
  const folder = mkdtempSync(join(tmpdir(), "taskrun-it's-"));
  const script = join(folder, "taskrun.js");
  writeFileSync(script, "console.log(process.argv.slice(2).join('|'));");
  const underNpx = completionScript("bash", { self: "npx taskrun", script });

  expect(completedByBash(underNpx, ["npx", "taskrun", "task", "cr"], "/")).toBe("complete|--|task|cr");
  expect(completedByBash(underNpx, ["npx", "-y", "taskrun", ""], "/")).toBe("complete|--|");
  expect(completedByBash(underNpx, ["taskrun", "task", ""], "/")).toBe("complete|--|task|");
  expect(completedByBash(underNpx, ["npx", "vitest", "r"], "/")).toBe("");
  expect(underNpx).toContain("complete -o default -F _taskrun taskrun npx\n");
  const byFile = completionScript("bash", { self: "node bin/taskrun.js", script });
  expect(completedByBash(byFile, ["taskrun", "t"], "/")).toBe("complete|--|t");
  const installed = completionScript("bash", { self: "taskrun", script });
  expect(installed).toContain("  taskrun complete -- ");
  expect(installed).toContain("-F _taskrun taskrun\n");
});

test("each shell has its script", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    expect((await taskrun(["completion", shell])).stdout).toContain("taskrun complete --");
  }
  expect((await taskrun(["completion", "csh"])).code).toBe(2);
});
