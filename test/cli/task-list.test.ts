import { expect, onTestFinished, test } from "vitest";
import { createdIn } from "#cli/task/filter-options";
import { aTask, Code, fakePlane, refuse } from "../client/fake-plane.js";
import { type Setting, taskrun } from "./fake-io.js";

const NOW = Date.parse("2030-01-31T09:00:00Z");

/** A server with some tasks, and what was asked of it. */
async function planeWith(tasks: readonly ReturnType<typeof aTask>[]) {
  const asked: Record<string, unknown>[] = [];
  const plane = await fakePlane({
    listTasks: ({ $typeName: _, ...request }) => {
      asked.push(request);
      return { tasks: [...tasks] };
    },
  });
  onTestFinished(() => plane[Symbol.asyncDispose]());
  const list = (words: readonly string[], setting: Setting = {}) =>
    taskrun(["task", "list", ...words, "--addr", plane.addr], { now: NOW, ...setting });
  return { list, asked };
}

test("every filter is asked of the server, and ages are counted from now", async () => {
  const { list, asked } = await planeWith([]);
  const words = [
    ...["--template", "shop/order@1.0.0", "--state", "pending", "BLOCKED_BY_FAILURES", "--status", "running"],
    ...["--agent", "a", "--label", "k=v", "l=w", "--parent", "p1", "--correlation", "c1", "--creator", "ann"],
    ...["--since", "2h", "--before", "2030-01-31T08:30Z", "--waiting", "operator", "--namespace", "ops"],
  ];
  expect(await list(words)).toEqual({ code: 0, stdout: "", stderr: "There are no matching tasks.\n" });
  expect(asked).toMatchObject([
    {
      template: { namespace: "shop", name: "order", version: "1.0.0" },
      states: [1, 8],
      statusFilter: 2,
      agentFilter: "a",
      labels: { k: "v", l: "w" },
      parentTaskId: "p1",
      correlationId: "c1",
      createdBy: "ann",
      createdAfterMs: BigInt(NOW - 7_200_000),
      createdBeforeMs: BigInt(NOW - 1_800_000),
      waiting: "OPERATOR",
      namespace: "ops",
    },
  ]);

  await list(["--waiting", "--age", "<1d", "--age", ">90m", "--template", "order"]);
  expect(asked[1]).toMatchObject({
    waiting: "*",
    template: { namespace: "", name: "order", version: "" },
    createdAfterMs: BigInt(NOW - 86_400_000),
    createdBeforeMs: BigInt(NOW - 5_400_000),
  });
});

test("the nearest of several bounds counts, and what was before there were tasks is no bound", () => {
  const hour = 3_600_000;
  const both = { age: { below: 3 * hour, above: hour }, since: { ago: 2 * hour }, before: { at: NOW } };
  expect(createdIn(both, NOW)).toEqual({ createdAfterMs: NOW - 2 * hour, createdBeforeMs: NOW - hour });
  expect(createdIn({ since: { ago: 100 * 365 * 24 * hour } }, NOW)).toEqual({});
  expect(createdIn({}, NOW)).toEqual({});
});

test.each([
  ["an age without a sign", ["--age", "1h"], `"1h" is no age: write '>1h' for older ones`],
  ["an age without a unit", ["--age", ">5"], "is not a duration"],
  ["a time without a zone", ["--since", "2030-01-31T09:00"], "is neither a duration"],
  ["a state that is a slip", ["--state", "pendign"], "Did you mean pending?"],
  [
    "bounds with nothing in between",
    ["--since", "1h", "--before", "2h"],
    "correct --age, --since or --before",
  ],
  ["a template that is none", ["--template", "a/b/c"], "is not NS/NAME@VERSION"],
])("%s is refused before the server is asked", async (_, words, message) => {
  const { list, asked } = await planeWith([]);
  const { code, stdout, stderr } = await list(words);
  expect([code, stdout, asked]).toEqual([2, "", []]);
  expect(stderr).toContain(message);
});

test("what the listed tasks wait for has a column if one of them waits", async () => {
  const waiting = aTask({ id: "t1", status: 1, waitingReason: 'WORKER: a free slot for agent "a"' });
  const { list } = await planeWith([waiting, aTask({ id: "t2", status: 2 })]);
  const { stdout } = await list(["--waiting"], { now: 61_000 });
  expect(stdout).toMatchInlineSnapshot(`
    "TASK  STATUS   AGENT           CREATED     TOOK  WAITS FOR                          ERROR
    t1    PENDING  support_triage  1m 00s ago        WORKER: a free slot for agent "a"
    t2    RUNNING  support_triage  1m 00s ago
    "
  `);
});

test("'*' lists over all namespaces, whatever the environment says, and says which each task is of", async () => {
  const tasks = [aTask({ id: "t1", namespace: "shop" }), aTask({ id: "t2", namespace: "ops" })];
  const { list, asked } = await planeWith(tasks);
  const env = { TASKRUN_NAMESPACE: "shop" };
  const { stdout } = await list(["--namespace", "*"], { env, now: 61_000 });
  await list([], { env });

  expect(asked.map(({ namespace }) => namespace)).toEqual(["", "shop"]);
  expect(stdout).toMatchInlineSnapshot(`
    "TASK  NAMESPACE  STATUS   AGENT           CREATED     TOOK  ERROR
    t1    shop       PENDING  support_triage  1m 00s ago
    t2    ops        PENDING  support_triage  1m 00s ago
    "
  `);
  const create = await taskrun(["task", "create", "--agent", "a", "--namespace", "*"]);
  expect([create.code, create.stderr]).toEqual([2, expect.stringContaining("is no namespace")]);
});

const idAt = (ms: number, n: number) =>
  `${Math.floor(ms)
    .toString(16)
    .padStart(12, "0")
    .replace(/^(.{8})/, "$1-")}-7000-8000-00000000000${n}`;

/** A server whose answers to lists come one after the other, and then the last again and again. */
async function planeThatAnswers(answers: readonly (ReturnType<typeof aTask>[] | Code)[]) {
  const asked: bigint[] = [];
  const plane = await fakePlane({
    listTasks: ({ createdAfterMs }) => {
      const answer = answers[Math.min(asked.length, answers.length - 1)] ?? [];
      asked.push(createdAfterMs);
      if (!Array.isArray(answer)) return refuse(answer, "restarting");
      return { tasks: answer.filter(({ createdAtMs }) => createdAtMs >= createdAfterMs) };
    },
  });
  onTestFinished(() => plane[Symbol.asyncDispose]());
  return { asked, addr: plane.addr };
}

const taskAt = (n: number, status: number, part: object = {}) =>
  aTask({ id: idAt(NOW + n * 1_000, n), status, createdAtMs: BigInt(NOW + n * 1_000), ...part });

test("a watched list in a pipe has a line for what is new or has changed, also across a restart", async () => {
  const first = [taskAt(2, 3), taskAt(1, 2), taskAt(0, 3)];
  const failed = taskAt(1, 4, { errorMessage: "boom" });
  const second = [taskAt(3, 1, { waitingReason: "WORKER: none" }), taskAt(2, 3), failed];
  const { asked, addr } = await planeThatAnswers([first, first, Code.Unavailable, Code.Unavailable, second]);
  const watched = await taskrun(["task", "list", "--watch", "--addr", addr], {
    now: NOW,
    onWrite: (text, signal) => {
      if (text.includes("boom")) signal();
    },
  });

  expect(watched.code).toBe(130);
  expect(watched.stderr).toBe(`${addr} does not answer; trying again.\n${addr} answers again.\n`);
  expect(watched.stdout.replaceAll(/[0-9a-f]{8}-\S+(\d) /g, "task $1 ")).toMatchInlineSnapshot(`
    "task 0  COMPLETED  default  support_triage
    task 1  RUNNING  default  support_triage
    task 2  COMPLETED  default  support_triage
    task 1  FAILED  default  support_triage  boom
    task 3  PENDING  default  support_triage  WORKER: none
    "
  `);
  // Nothing is asked for that has ended before the oldest task which goes on.
  expect(asked.slice(0, 3)).toEqual([0n, BigInt(NOW + 1_000), BigInt(NOW + 1_000)]);
});

test("a watched list on a terminal is redrawn until q, no higher than the screen", async () => {
  const tasks = Array.from({ length: 30 }, (_, i) => taskAt(9 - (i % 9), 2));
  const { addr } = await planeThatAnswers([tasks]);
  const setting = { terminal: 100, rows: 12, keys: ["x", "q"], now: NOW + 60_000 };
  const { code, stdout, stderr } = await taskrun(["task", "list", "--watch", "--addr", addr], setting);

  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout.startsWith("\u001b[?1049h")).toBe(true);
  expect(stdout.endsWith("\u001b[?1049l")).toBe(true);
  const [, frame = ""] = stdout.split("\u001b[H");
  expect(frame.split("\n").length).toBe(12);
  expect(frame).toContain("q quit");
});

test("a watched list ends at once with what will not pass", async () => {
  const { addr } = await planeThatAnswers([[taskAt(1, 2)], Code.PermissionDenied]);
  const { code, stderr } = await taskrun(["task", "list", "--watch", "--addr", addr], { now: NOW });
  expect([code, stderr]).toEqual([1, expect.stringContaining("restarting")]);
});
