/** Reads of journals: by the Run that goes on from one, and by people. */
import { create } from "@bufbuild/protobuf";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { TaskId } from "#domain/id";
import { type KeptRecord, NO_JOURNAL, type OpenEntry } from "#domain/task/journal";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import { instant, millis } from "#domain/time/time";
import { limits } from "#limits/index";
import { run, runId, step, task } from "#testing/rows";
import { RunService } from "#wire/gen/taskrun/v1/run_service_pb";
import { TaskService } from "#wire/gen/taskrun/v1/task_service_pb";
import { grpcJsMount, type Mount } from "./kit/mounts.js";
import { type Opened, open } from "./kit/open.js";

let opened: Opened;
let mount: Mount;
const id = "t" as TaskId;

const named = { kind: "STEP", name: "charge", occurrence: 1, inputDigest: "ab", effect: "ONCE" } as const;
const records: readonly KeptRecord[] = Array.from({ length: 5 }, (_, seq) => ({
  ...named,
  ...{ seq, entry: seq + 1, state: "COMPLETED", concurrent: false, result: `"${seq}"`, errorMessage: "" },
  ...{ at: instant(1_000 + seq), runId: runId(1) },
}));
const begun: OpenEntry = { ...named, entry: 4, seq: 3, concurrent: false };

beforeAll(async () => {
  opened = await open();
  mount = grpcJsMount(opened);
  Object.assign(opened.plane.reads, {
    journal: async (_: unknown, from: number, most: { records: number }) =>
      records.slice(from, from + most.records).map((record) => JSON.stringify(record)),
  });
});

beforeEach(() => have({}, []));

afterAll(async () => {
  mount.close();
  await opened.gateway.close(1_000);
});

function have(part: Partial<StepRow>, runs: readonly RunRow[]): void {
  const journal = { ...NO_JOURNAL, records: records.length, entries: 5 };
  opened.plane.details.set(id, {
    task: task(id),
    input: "{}",
    steps: [step(id, { journal, ...part })],
    runs,
  });
}

async function readAsRun(part: Partial<RunRow> = {}, asked: { fence?: number; fromSeq?: bigint } = {}) {
  const row = run(runId(1), id, { fence: 3, ...part });
  opened.plane.runs.set(row.id, row);
  const { getJournal } = RunService.method;
  const request = create(getJournal.input, { runId: row.id, fence: 3, ...asked });
  const { answers, error } = await mount.call(getJournal, [request]);
  return error ? `${error.code} ${error.reason}: ${error.message}` : answers[0];
}

async function readAsClient(asked: object = {}) {
  const { getStepJournal } = TaskService.method;
  const request = create(getStepJournal.input, { taskId: id, stepName: "main", ...asked });
  const { answers, error } = await mount.call(getStepJournal, [request]);
  return error ? `${error.code} ${error.reason}: ${error.message}` : answers[0];
}

test("a Run reads its Step's journal from a seq on, without who wrote it", async () => {
  const wires = [3, 4].map((seq) => ({
    ...{ runId: "", seq: BigInt(seq), entry: seq + 1, state: 2, kind: 1, name: "charge", occurrence: 1 },
    ...{ inputDigest: "ab", effect: 3, resultJson: `"${seq}"`, timestampMs: BigInt(1_000 + seq) },
  }));
  expect(await readAsRun({}, { fromSeq: 3n })).toMatchObject({ records: wires });
  expect(await readAsRun({}, { fromSeq: 5n })).toMatchObject({ records: [] });
  expect(await readAsRun({}, { fromSeq: BigInt(limits.journalRecords) })).toMatchObject({ records: [] });
  expect(await readAsRun({}, { fromSeq: 2n ** 64n - 1n })).toMatchObject({ records: [] });
});

test.each<[string, Partial<RunRow>, number, string]>([
  ["with an old fence", {}, 2, "9 FENCE_OUTDATED"],
  ["after its end", { status: "CANCELLED" }, 3, "9 RUN_ENDED"],
  ["as somebody else", { principal: "mallory" }, 3, "5 RUN_NOT_FOUND: Run not found: run-0001"],
])("a Run that reads a journal %s is refused", async (_, part, fence, refused) => {
  expect(String(await readAsRun(part, { fence })).startsWith(refused)).toBe(true);
});

test("people read it a page at a time, and the last page says that it is", async () => {
  const seqs: number[][] = [];
  for (let pageToken = "", more = true; more; more = pageToken !== "") {
    const page = (await readAsClient({ pageSize: 2, pageToken })) as unknown as {
      records: { seq: bigint; runId: string }[];
      nextPageToken: string;
    };
    expect(page.records.every((record) => record.runId === runId(1))).toBe(true);
    seqs.push(page.records.map(({ seq }) => Number(seq)));
    pageToken = page.nextPageToken;
  }
  expect(seqs).toEqual([[0, 1], [2, 3], [4]]);
  for (const pageSize of [0, -1, limits.journalPageRecords, limits.journalPageRecords + 1])
    expect(await readAsClient({ pageSize })).toMatchObject({ records: { length: 5 }, nextPageToken: "" });
});

test("a Step that has journaled nothing has an empty page, and one that there is not is named", async () => {
  opened.plane.details.set(id, { task: task(id), input: "{}", steps: [step(id)], runs: [] });
  expect(await readAsClient()).toMatchObject({ records: [], nextPageToken: "", inDoubt: [] });
  expect(await readAsClient({ stepName: "none" })).toMatch(/^5 STEP_NOT_FOUND: .*"none".*main/);
  expect(await readAsClient({ taskId: "gone" })).toBe("5 TASK_NOT_FOUND: Task not found: gone");
  expect(await readAsClient({ pageToken: "x" })).toMatch(/^3 .*page_token/);
});

test("what must be done once and has begun is in doubt while no Run can be doing it", async () => {
  const open: readonly OpenEntry[] = [
    begun,
    { ...begun, entry: 5, effect: "READ" },
    { ...begun, entry: 6, kind: "SLEEP", until: instant(9) },
  ];
  const journal = { ...NO_JOURNAL, records: 5, entries: 6, open };
  const ended = run(runId(1), id, { status: "FAILED" });
  const live = run(runId(2), id, { status: "RUNNING", startedAt: instant(millis(1)) });

  have({ journal }, [ended]);
  expect(await readAsClient()).toMatchObject({ inDoubt: [4] });
  have({ journal }, [ended, { ...live, stepName: "other" }]);
  expect(await readAsClient()).toMatchObject({ inDoubt: [4] });
  have({ journal }, [ended, live]);
  expect(await readAsClient()).toMatchObject({ inDoubt: [] });
});
