import { expect, test } from "vitest";
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
  [["foo"], "unknown command 'foo'\nCommands are list, get, drain"],
  [["lst"], "unknown command 'lst'; did you mean list?\nCommands are list, get, drain"],
])("a worker that cannot be started so ends with 2: %j", async (words, message) => {
  const { code, stderr } = await taskrun(["worker", ...words]);

  expect(stderr).toContain(message);
  expect(code).toBe(2);
});

test("completion knows commands, options and values", async () => {
  const complete = async (...words: string[]) =>
    (await taskrun(["complete", "--", ...words])).stdout.trim().split("\n");

  expect(await complete("")).toEqual(["dev", "server", "store", "worker", "task", "template", "completion"]);
  expect(await complete("task", "c")).toEqual(["create", "cancel"]);
  expect(await complete("worker", "")).toEqual(["list", "get", "drain"]);
  expect(await complete("task", "s")).toEqual(["steps", "signal"]);
  expect(await complete("template", "")).toEqual(["apply", "list", "get", "validate", "visualize"]);
  expect(await complete("task", "resolve", "t1", "--r")).toEqual(["--retry", "--result"]);
  expect(await complete("task", "create", "--t")).toEqual(["--template", "--timeout"]);
  expect(await complete("server", "--tem")).toEqual(["--templates"]);
  expect(await complete("task", "create", "--a")).toEqual(["--agent", "--attempts", "--addr"]);
  expect(await complete("task", "list", "--status", "C")).toEqual(["COMPLETED", "CANCELLED"]);
  expect(await complete("completion", "")).toEqual(["bash", "zsh", "fish"]);
  expect(await complete("server", "--le")).toEqual(["--lease"]);
  expect(await complete("task", "create", "--input", "")).toEqual([""]);
});

test("each shell has its script", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    expect((await taskrun(["completion", shell])).stdout).toContain("taskrun complete --");
  }
  expect((await taskrun(["completion", "csh"])).code).toBe(2);
});
