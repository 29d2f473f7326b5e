import { create } from "@bufbuild/protobuf";
import { expect, onTestFinished, test } from "vitest";
import { TaskEventSchema } from "#wire/gen/taskrun/v1/task_service_pb";
import { aTask, fakePlane } from "../client/fake-plane.js";
import { type Setting, taskrun } from "./fake-io.js";

const ended = (id: string, status: number, more: object = {}) =>
  create(TaskEventSchema, {
    seq: 1n,
    taskId: id,
    event: {
      case: "taskChanged",
      value: { id, status, state: status === 3 ? 9 : 10, createdAtMs: 1n, finishedAtMs: 2n, ...more },
    },
  });

/** Watches a booking that fails, and whose compensation ends with this status, or never. */
async function watch(undone: number | undefined, setting: Setting = {}, words: readonly string[] = []) {
  const plane = await fakePlane({
    getTask: ({ id }) =>
      aTask({ id, status: 4, state: 10, finishedAtMs: 2n, compensatedBy: id === "book" ? "undo" : "" }),
    async *watchTask({ id }) {
      if (id === "book") yield ended("book", 4, { errorMessage: "no seats" });
      else if (undone === undefined) await new Promise(() => {});
      else yield ended("undo", undone, undone === 4 ? { errorMessage: "refund refused" } : {});
    },
  });
  onTestFinished(() => plane[Symbol.asyncDispose]());
  return taskrun(["task", "watch", "book", ...words, "--addr", plane.addr], setting);
}

test("a watch tells of the task that compensates, and how it ended; the exit code is the task's own", async () => {
  expect(await watch(3)).toMatchObject({
    code: 1,
    stderr: [
      "task book: FAILED after 1 ms: no seats",
      "task undo compensates the steps that had been completed; waiting for its end",
      "compensation undo: COMPLETED\n",
    ].join("\n"),
  });
  expect((await watch(4)).stderr).toContain("compensation undo: FAILED: refund refused\n");
});

test("an interrupted wait for the compensation says how to go on", async () => {
  const { code, stderr } = await watch(undefined, {
    onWrite: (text, signal) => {
      if (text.includes("waiting for its end")) setImmediate(signal);
    },
  });

  expect(code).toBe(130);
  expect(stderr).toContain("npx taskrun task watch undo\n");
});

test("watch --json has the events of its own task alone", async () => {
  const { code, stdout } = await watch(3, {}, ["--json"]);

  expect(code).toBe(1);
  expect(
    stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).taskId ?? ""),
  ).not.toContain("undo");
});

test.each([
  ["a long string", JSON.stringify("x".repeat(100_000))],
  ["many items", JSON.stringify(Array.from({ length: 10_000 }, (_, i) => i))],
  ["many escapes", JSON.stringify("\u0001".repeat(150_000))],
])(
  "a long result is abridged at the end of a watch, and it says how to see all of it: %s",
  async (_, outputJson) => {
    const plane = await fakePlane({
      getTask: ({ id }) => aTask({ id, status: 3, state: 9, finishedAtMs: 2n, outputJson }),
      async *watchTask({ id }) {
        yield ended(id, 3, { outputJson });
      },
    });
    onTestFinished(() => plane[Symbol.asyncDispose]());
    const { stderr } = await taskrun(["task", "watch", "t1", "--addr", plane.addr]);
    const page = await taskrun(["task", "get", "t1", "--addr", plane.addr]);

    expect(stderr.length).toBeLessThan(2_500);
    expect(stderr.split("\n").length).toBeLessThan(30);
    expect(stderr).toContain(`${outputJson.length} characters; all of it: npx taskrun task get t1 --json\n`);
    expect(page.stdout.replace(/\s/g, "")).toContain(outputJson);
  },
);

test("a result keeps its digits", async () => {
  const outputJson = '{"id":12345678901234567890,"price":1.10,"far":[1e400,{}],"s":"a, b: {c}"}';
  const plane = await fakePlane({
    getTask: ({ id }) => aTask({ id, status: 3, state: 9, finishedAtMs: 2n, outputJson }),
    async *watchTask({ id }) {
      yield ended(id, 3, { outputJson });
    },
  });
  onTestFinished(() => plane[Symbol.asyncDispose]());
  const shown = `{
  "id": 12345678901234567890,
  "price": 1.10,
  "far": [
    1e400,
    {}
  ],
  "s": "a, b: {c}"
}
`;

  expect((await taskrun(["task", "watch", "t1", "--addr", plane.addr])).stderr).toContain(`result ${shown}`);
  expect((await taskrun(["task", "get", "t1", "--addr", plane.addr])).stdout).toContain(`result\n${shown}`);
});
