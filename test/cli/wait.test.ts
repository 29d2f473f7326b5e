/** Awaiting results on the command line: `task create --wait`, `task wait`, `task result`. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { aTask, Code, deadAddr, type FakePlane, fakePlane, refuse } from "../client/fake-plane.js";
import { type AddressedMessage, type Setting, taskrun } from "./fake-io.js";

const LONG = "01234567-89ab-7def-8123-456789abcdef";
let plane: FakePlane;

const ended = (id: string) => {
  const status = id === "failing" ? 4 : id === "cancelled" ? 5 : 3;
  const errorMessage = id === "failing" ? "boom\u001b[31m" : "";
  return aTask({
    ...{ id, status, finishedAtMs: 3_200n, errorMessage },
    outputJson: status === 3 && id !== "none" && id !== "big" ? '{"n":1.10}' : "",
    steps: id === "big" ? [{ name: "main", state: 7, outputBytes: 3_000_000n }] : [],
  });
};

beforeAll(async () => {
  plane = await fakePlane({
    createTask: ({ agentName }) => aTask({ id: agentName }),
    waitTask: async ({ id }) => {
      if (id === "missing") refuse(Code.NotFound, "Task not found: missing");
      if (id === "long" || id === LONG) return new Promise(() => {});
      if (id === "slow") await new Promise((resolve) => setTimeout(resolve, 150));
      return ended(id);
    },
    getTask: ({ id }) => {
      if (id === "missing") refuse(Code.NotFound, "Task not found: missing");
      return id === "long" ? aTask({ id, status: 2 }) : ended(id);
    },
    getStepResult: () => ({ outputJson: `"${"x".repeat(3_000_000)}"` }),
    listTasks: ({ idPrefix }) => ({ tasks: LONG.startsWith(idPrefix) ? [aTask({ id: LONG })] : [] }),
  });
});
afterAll(() => plane[Symbol.asyncDispose]());

const task = (words: string, setting: Setting = {}): Promise<AddressedMessage> =>
  taskrun(["task", ...words.split(" "), "--addr", plane.addr], setting);

test("create --wait prints the result alone, as it was written, and its exit code says how the task ended", async () => {
  expect(await task("create --agent ok --wait")).toEqual({
    code: 0,
    stdout: '{\n  "n": 1.10\n}\n',
    stderr: "task ok created\n",
  });
  expect(await task("create --agent failing --wait")).toEqual({
    code: 1,
    stdout: "",
    stderr: "task failing created\ntask failing: FAILED after 2.2 s: boom\n",
  });
  expect(await task("create --agent none --wait")).toMatchObject({ code: 0, stdout: "null\n" });
  expect(await task("create --agent cancelled --wait")).toMatchObject({ code: 1, stdout: "" });
});

test("create --wait --json prints the ended task, whatever its status", async () => {
  const { code, stdout, stderr } = await task("create --agent failing --wait --json");
  expect([code, stderr]).toEqual([1, ""]);
  expect(JSON.parse(stdout)).toMatchObject({ id: "failing", status: "FAILED", output: null });
});

test("create takes --wait or --watch, not both", async () => {
  const { code, stderr } = await task("create --agent a --wait --watch");
  expect(code).toBe(2);
  expect(stderr).toContain("give either --wait, for the result, or --watch");
});

test("wait prints how a task ended", async () => {
  expect(await task("wait ok")).toEqual({ code: 0, stdout: "ok COMPLETED\n", stderr: "" });
  expect(await task("wait failing")).toEqual({
    code: 1,
    stdout: "failing FAILED\n",
    stderr: "task failing: FAILED after 2.2 s: boom\n",
  });
  expect(JSON.parse((await task("wait ok --json")).stdout)).toMatchObject({ id: "ok", output: { n: 1.1 } });
  expect(await task("wait missing")).toMatchObject({ code: 4, stdout: "" });
});

test("wait tells of several tasks as they end, once of each, whatever becomes of the others", async () => {
  const { code, stdout, stderr } = await task("wait slow missing ok failing ok");
  expect([code, stdout]).toEqual([4, "ok COMPLETED\nfailing FAILED\nslow COMPLETED\n"]);
  expect(stderr).toContain("Task not found: missing");

  expect(await task("wait slow ok")).toMatchObject({ code: 0 });
  expect(await task("wait slow failing")).toMatchObject({ code: 1 });
});

test("wait --json of several prints one array in the order of the ids, with what was refused", async () => {
  const { code, stdout } = await task("wait slow missing ok --json");
  expect(code).toBe(4);
  expect(JSON.parse(stdout)).toMatchObject([
    { id: "slow", status: "COMPLETED" },
    { id: "missing", error: { code: "NOT_FOUND" } },
    { id: "ok", status: "COMPLETED" },
  ]);
});

test.each([
  ["wait long", "task wait long"],
  ["create --agent long --wait", "task wait long"],
  ["wait ok long 01234567-89ab", `task wait long ${LONG}`],
])("Ctrl-C ends `task %s`, not the tasks, and says how to wait again", async (words, again) => {
  let signal = () => {};
  setTimeout(() => signal(), 400);
  const asked = task(words, {
    onStart: (send) => {
      signal = send;
    },
  });
  const { code, stderr } = await asked;
  expect(code).toBe(130);
  expect(stderr).toContain(again);
});

test("result prints the whole result, however large, as JSON", async () => {
  expect(await task("result ok")).toEqual({ code: 0, stdout: '{\n  "n": 1.10\n}\n', stderr: "" });
  expect(await task("result ok --json")).toEqual({ code: 0, stdout: '{"n":1.10}\n', stderr: "" });
  expect((await task("result big --json")).stdout).toHaveLength(3_000_003);
  expect(await task("result none")).toMatchObject({ code: 0, stdout: "null\n" });
});

test("result of a task without one says why, and what to do", async () => {
  const failed = await task("result failing");
  expect([failed.code, failed.stdout]).toEqual([1, ""]);
  expect(failed.stderr).toContain("task failing failed: boom");
  const running = await task("result long");
  expect([running.code, running.stdout]).toEqual([1, ""]);
  expect(running.stderr).toContain("task long is RUNNING and has no result yet\n");
  expect(running.stderr).toContain("Wait for it with `npx taskrun task wait long`.");
  expect(await task("result missing")).toMatchObject({ code: 4, stdout: "" });
  expect(await task("result 0123")).toMatchObject({ code: 2, stdout: "" });
});

test("a server that cannot be reached ends both with 3", async () => {
  const addr = await deadAddr();
  for (const words of [
    ["wait", "a"],
    ["wait", "a", "b"],
    ["result", "a"],
  ]) {
    const { code } = await taskrun(["task", ...words, "--addr", addr]);
    expect(code, words.join(" ")).toBe(3);
  }
});
