import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { InputReads } from "#api/runs/input-reads";
import type { TaskId } from "#domain/id";
import type { RunRow } from "#domain/task/run";
import { limits } from "#limits/index";
import { run, runId, step, task } from "#testing/rows";
import { RunService } from "#wire/gen/taskrun/v1/run_service_pb";
import { grpcJsMount, type Mount } from "./kit/mounts.js";
import { type Opened, open } from "./kit/open.js";

let opened: Opened;
let mount: Mount;
const id = "t" as TaskId;
const input = `{"text": "€${"x".repeat(100_000)}", "id": 12345678901234567890}`;

beforeAll(async () => {
  opened = await open();
  mount = grpcJsMount(opened);
  opened.plane.details.set(id, { task: task(id), input, steps: [step(id)], runs: [] });
});

afterAll(async () => {
  mount.close();
  await opened.gateway.close(1_000);
});

async function read(part: Partial<RunRow> = {}, fence = 3) {
  const row = run(runId(1), id, { fence: 3, ...part });
  opened.plane.runs.set(row.id, row);
  const { getRunInput } = RunService.method;
  const { answers, error } = await mount.call(getRunInput, [
    create(getRunInput.input, { runId: row.id, fence }),
  ]);
  return error ? `${error.code} ${error.reason}: ${error.message}` : answers[0];
}

test("a Run reads its Task's input byte for byte", async () => {
  expect(await read()).toMatchObject({ inputJson: input, inputBytes: BigInt(Buffer.byteLength(input)) });
});

test.each<[string, Partial<RunRow>, number, string]>([
  [
    "with an old fence",
    {},
    2,
    "9 FENCE_OUTDATED: fence 2 is not that of Run run-0001, which is 3: it was given to somebody else since.",
  ],
  [
    "after its end",
    { status: "CANCELLED" },
    3,
    "9 RUN_ENDED: Run run-0001 is CANCELLED: only one that has not ended reads results.",
  ],
  ["as somebody else", { principal: "mallory" }, 3, "5 RUN_NOT_FOUND: Run not found: run-0001"],
  ["of a Task that is gone", { taskId: "gone" as TaskId }, 3, "5 NO_INPUT: Task gone has no input any more."],
])("a Run that reads its input %s is refused", async (_, part, fence, refused) => {
  expect(await read(part, fence)).toBe(refused);
});

/** Reads that end when they are told to. */
function slowReads() {
  const open: { id: string; done: () => void }[] = [];
  const reads = new InputReads({
    input: (taskId) => new Promise((resolve) => open.push({ id: taskId, done: () => resolve(taskId) })),
  });
  return { reads, open };
}

test("one input is read once for all who ask meanwhile, and anew for who asks later", async () => {
  const { reads, open } = slowReads();
  const both = [reads.read(id), reads.read(id)];
  await Promise.resolve();
  expect(open).toHaveLength(1);
  open[0]?.done();
  expect(await Promise.all(both)).toEqual([id, id]);
  void reads.read(id);
  await Promise.resolve();
  expect(open).toHaveLength(2);
});

test("so many inputs are read at once, others wait in turn, and too many are told to come again", async () => {
  const { reads, open } = slowReads();
  const most = limits.inputReads + limits.inputReadsWaiting;
  const all = Array.from({ length: most }, (_, i) => reads.read(`t${i}` as TaskId));
  await Promise.resolve();
  expect(open).toHaveLength(limits.inputReads);
  await expect(reads.read("late" as TaskId)).rejects.toMatchObject({
    code: "overloaded",
    reason: "INPUT_READS_FULL",
  });
  for (let i = 0; i < most; i += 1) {
    open[i]?.done();
    await all[i];
    await Promise.resolve();
  }
  expect(open).toHaveLength(most);
  const again = reads.read("late" as TaskId);
  await Promise.resolve();
  open[most]?.done();
  expect(await again).toBe("late");
});
