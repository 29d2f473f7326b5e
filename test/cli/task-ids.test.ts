import { expect, onTestFinished, test } from "vitest";
import { shortIds } from "#cli/task/short-id";
import { aTask, Code, fakePlane, refuse } from "../client/fake-plane.js";
import { taskrun } from "./fake-io.js";

const ids = [
  "019a2b3c-4d5e-7f01-8abc-def012345678",
  "019a2b3c-4d5e-7f01-8abc-def112345678",
  "019a2b3c-5000-7f01-8abc-def012345678",
  "0aaaaaaa-4d5e-7f01-8abc-def012345678",
];

/** A server with these tasks, and what was asked of it. */
async function planeWith(tasks: readonly string[] = ids) {
  const asked: string[] = [];
  const found = (verb: string) => (request: { readonly id?: string; readonly taskId?: string }) => {
    const id = request.id ?? request.taskId ?? "";
    asked.push(`${verb} ${id}`);
    if (!tasks.includes(id)) refuse(Code.NotFound, `Task not found: ${id}`);
    return aTask({ id, status: verb === "cancel" ? 5 : 3, state: 9, finishedAtMs: 2_000n });
  };
  const plane = await fakePlane({
    getTask: found("get"),
    cancelTask: (request) => {
      const task = found("cancel")(request);
      if (request.id === ids[2]) refuse(Code.FailedPrecondition, `task ${request.id} is COMPLETED`);
      return task;
    },
    retryTask: found("retry"),
    signalTask: found("signal"),
    resolveStep: found("resolve"),
    topUpTask: found("top up"),
    listTasks: ({ idPrefix, namespace, pageSize }) => {
      asked.push(`list ${idPrefix}`);
      expect([namespace, pageSize]).toEqual(["", 6]);
      return { tasks: tasks.filter((id) => id.startsWith(idPrefix)).map((id) => aTask({ id })) };
    },
  });
  onTestFinished(() => plane[Symbol.asyncDispose]());
  const run = (...words: readonly string[]) =>
    taskrun([...words, "--addr", plane.addr], { env: { TASKRUN_NAMESPACE: "elsewhere" } });
  return { run, asked };
}

test.each([
  ["get", []],
  ["steps", []],
  ["visualize", []],
  ["cancel", []],
  ["retry", []],
  ["signal", ["approved"]],
  ["resolve", ["main", "--done"]],
])("a task is called by the beginning of its id: task %s", async (verb, rest) => {
  const { run, asked } = await planeWith();

  expect(await run("task", verb, "019A2B3C-5", ...rest)).toMatchObject({ code: verb === "cancel" ? 1 : 0 });
  expect(asked[0]).toBe("list 019a2b3c-5");
  expect(asked[1]).toContain(ids[2]);
});

test("a whole id, and what no server makes, is not looked up", async () => {
  const { run, asked } = await planeWith([...ids, "order-1"]);

  expect((await run("task", "get", ids[0] as string)).code).toBe(0);
  expect((await run("task", "get", ` ${(ids[0] as string).toUpperCase()} `)).code).toBe(0);
  expect((await run("task", "get", "order-1")).code).toBe(0);
  expect(await run("task", "get", "order-2")).toMatchObject({ code: 4 });
  expect(asked.filter((call) => call.startsWith("list"))).toEqual([]);
});

test("a beginning that several have is refused with the first of them, one that none has is not found", async () => {
  const { run } = await planeWith();

  expect(await run("task", "cancel", "019a2b3c")).toEqual({
    code: 2,
    stdout: "",
    stderr: `taskrun: several tasks' ids begin with "019a2b3c": give more of it\n  ${ids.slice(0, 3).join("\n  ")}\n`,
  });
  expect(await run("task", "get", "ffffffff")).toEqual({
    code: 4,
    stdout: "",
    stderr: 'taskrun: no task\'s id begins with "ffffffff"\n  `npx taskrun task list` lists what exists.\n',
  });
  expect(await run("task", "get", "019a")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("8 characters"),
  });
});

test("several tasks are cancelled at once, each is told of, and one that is refused keeps none from it", async () => {
  const { run, asked } = await planeWith();
  const [first, second, ended] = ids as [string, string, string];
  const { code, stdout, stderr } = await run(
    "task",
    "cancel",
    first,
    ended,
    "0aaaaaaa",
    "bbbbbbbb",
    second,
    first,
  );

  expect(code).toBe(1);
  expect(stdout).toBe([first, ids[3], second].map((id) => `${id} CANCELLED\n`).join(""));
  expect(stderr).toContain(`taskrun: task ${ended} is COMPLETED\n`);
  expect(stderr).toContain('no task\'s id begins with "bbbbbbbb"');
  expect(asked.filter((call) => call === `cancel ${first}`)).toHaveLength(1);
});

test("cancel --json of several is one array", async () => {
  const { run } = await planeWith();
  const { code, stdout } = await run("task", "cancel", "0aaaaaaa", "bbbbbbbb", ids[2] as string, "--json");

  expect(code).toBe(4);
  expect(JSON.parse(stdout)).toMatchObject([
    { id: ids[3], status: "CANCELLED" },
    { id: "bbbbbbbb", error: { code: "NOT_FOUND" } },
    { id: ids[2], error: { code: "FAILED_PRECONDITION" } },
  ]);
  expect(JSON.parse((await run("task", "cancel", "0aaaaaaa", "--json")).stdout)).toMatchObject({
    id: ids[3],
  });
});

test("a worker is called by the beginning of its id, unless one has just that", async () => {
  const workers = ["pool-a", "pool-a1", "pool-b"];
  const plane = await fakePlane(
    {},
    {
      listWorkers: () => ({ workers: workers.map((workerId) => ({ workerId })) }),
      getWorker: ({ workerId }) =>
        workers.includes(workerId) ? { workerId } : refuse(Code.NotFound, `Worker ${workerId} not found`),
    },
  );
  onTestFinished(() => plane[Symbol.asyncDispose]());
  const get = (id: string) => taskrun(["worker", "get", id, "--json", "--addr", plane.addr]);

  expect(JSON.parse((await get("pool-a")).stdout)).toMatchObject({ id: "pool-a" });
  expect(await get("pool")).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("several workers' ids begin"),
  });
  expect(await get("poo")).toMatchObject({ code: 4 });
  expect(await get("none")).toMatchObject({ code: 4 });
});

test("short ids name the millisecond, and more where that is not enough", () => {
  expect([...shortIds([...ids, "t1"]).values()].sort()).toEqual([
    "019a2b3c-4d5e-7f01-8abc-def0",
    "019a2b3c-4d5e-7f01-8abc-def1",
    "019a2b3c-5000",
    "0aaaaaaa-4d5e",
    "t1",
  ]);
});

test.each([80, 0, 1, 40, 1e9])(
  "a list of tasks names id and error on a terminal of %d columns",
  async (terminal) => {
    const failed = (id: string) =>
      aTask({
        id,
        status: 4,
        state: 10,
        agentName: "an_agent_with_a_long_name",
        errorMessage: "the card was refused, twice",
      });
    const plane = await fakePlane({ listTasks: () => ({ tasks: ids.map(failed) }) });
    onTestFinished(() => plane[Symbol.asyncDispose]());
    const { stdout } = await taskrun(["task", "list", "--addr", plane.addr], { terminal });
    const lines = stdout.trimEnd().split("\n").slice(1);

    const width = terminal === 0 ? 80 : terminal;
    if (width > 20) expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    for (const line of lines)
      expect(ids.filter((id) => id.startsWith(line.split(" ", 1)[0] ?? "-"))).toHaveLength(1);
    if (width >= 80) for (const line of lines) expect(line).toContain("FAILED");
    if (width >= 80) for (const line of lines) expect(line).toContain("the card was refuse");
  },
);
