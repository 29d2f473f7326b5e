import { expect, onTestFinished, test } from "vitest";
import { createdIn } from "#cli/task/filter-options";
import { aTask, fakePlane } from "../client/fake-plane.js";
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
