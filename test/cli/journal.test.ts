import type { MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { JournalRecordSchema } from "#wire/gen/taskrun/v1/run_service_pb";
import { ResolveAction } from "#wire/gen/taskrun/v1/task_service_pb";
import { aTask, type FakePlane, fakePlane } from "../client/fake-plane.js";
import { taskrun } from "./fake-io.js";

type Init = MessageInitShape<typeof JournalRecordSchema>;

const [BEGUN, COMPLETED, FAILED] = [1, 2, 3];
const [STEP, TOOL, SIGNAL, CHILD] = [1, 2, 4, 5];
const record = (seq: number, entry: number, more: Init): Init => ({
  ...{ seq: BigInt(seq), entry, occurrence: 1, effect: 1, timestampMs: BigInt(1_000 + seq) },
  ...more,
});

const charge = { kind: TOOL, name: "charge", effect: 3 };
const pages: Init[][] = [
  [
    record(0, 1, { kind: STEP, name: "search", state: COMPLETED, resultJson: '{"hits": [1, 2]}' }),
    record(1, 2, { ...charge, state: BEGUN }),
    record(2, 3, { kind: CHILD, name: "research", state: BEGUN, childTaskId: "t9" }),
  ],
  [
    record(3, 3, { kind: CHILD, name: "research", state: FAILED, errorMessage: "no\u001b[31m\nluck" }),
    record(4, 4, { kind: SIGNAL, name: "approval", state: BEGUN, untilMs: 61_000n }),
  ],
];

let plane: FakePlane;
const heard: unknown[] = [];

beforeAll(async () => {
  plane = await fakePlane({
    getTask: () => aTask({}),
    getStepJournal({ taskId, stepName, pageToken }) {
      heard.push({ taskId, stepName, pageToken });
      if (stepName === "idle") return {};
      const inDoubt = [2];
      return pageToken === ""
        ? { records: pages[0] ?? [], nextPageToken: "more", inDoubt }
        : { records: pages[1] ?? [], inDoubt };
    },
    resolveStep({ stepName, action, resultJson, journalEntry }) {
      heard.push({ stepName, action: ResolveAction[action], resultJson, journalEntry });
      return aTask({});
    },
  });
});
afterAll(() => plane[Symbol.asyncDispose]());

const task = (...words: string[]) => taskrun(["task", ...words, "--addr", plane.addr]);

test("a journal is a table of its entries, with what each has come to, and says what is in doubt", async () => {
  const { code, stdout, stderr } = await task("steps", "t1", "main");
  expect(code).toBe(0);
  const rows = stdout.split("\n").map((text) => text.replace(/\s{2,}/g, " | ").trimEnd());
  expect(rows.map((row) => row.replace(/ \| [^|]* ago$/, ""))).toMatchInlineSnapshot(`
    [
      "ENTRY | NAME | NO | EFFECT | STATE | RESULT | WHEN",
      "1 | search | 1 | read | COMPLETED | {"hits": [1, 2]}",
      "2 | tool charge | 1 | once | IN DOUBT | -",
      "3 | child research | 1 | read | FAILED | no luck; task t9",
      "4 | signal approval | 1 | read | BEGUN | until 1970-01-01T00:01:01.000Z",
      "",
    ]
  `);
  expect(stderr).toContain("task resolve t1 main --journal-entry 2 --result JSON");
  expect(heard.slice(-2)).toEqual([
    { taskId: "t1", stepName: "main", pageToken: "" },
    { taskId: "t1", stepName: "main", pageToken: "more" },
  ]);
});

test("for programs it is its records, a line each", async () => {
  const { stdout } = await task("steps", "t1", "main", "--json");
  const lines = stdout
    .trimEnd()
    .split("\n")
    .map((text) => JSON.parse(text));
  expect(lines.map(({ seq, entry, state }) => [seq, entry, state])).toEqual([
    [0, 1, "COMPLETED"],
    [1, 2, "BEGUN"],
    [2, 3, "BEGUN"],
    [3, 3, "FAILED"],
    [4, 4, "BEGUN"],
  ]);
  expect(lines[0]).toMatchObject({
    kind: "STEP",
    name: "search",
    effect: "READ",
    resultJson: '{"hits": [1, 2]}',
  });
});

test("a step without a journal says so", async () => {
  expect(await task("steps", "t1", "idle")).toMatchObject({
    code: 0,
    stdout: "",
    stderr: "The agent of this step has journaled nothing.\n",
  });
});

test("an entry in doubt is decided about by its number", async () => {
  expect(await task("resolve", "t1", "main", "--journal-entry", "2", "--result", "1")).toMatchObject({
    code: 0,
  });
  expect(heard.at(-1)).toEqual({
    ...{ stepName: "main", action: "COMPLETE_MANUALLY", resultJson: "1", journalEntry: 2 },
  });
  await task("resolve", "t1", "main", "--retry");
  expect(heard.at(-1)).toMatchObject({ action: "RESET_FOR_RETRY", journalEntry: 0 });

  for (const wrong of ["0", "-1", "x", "1.5", "99999999999"]) {
    const { code, stderr } = await task("resolve", "t1", "main", `--journal-entry=${wrong}`, "--retry");
    expect([code, stderr]).toEqual([2, expect.stringContaining("is no number of an entry")]);
  }
  expect(await task("resolve", "t1", "--journal-entry", "2", "--done")).toMatchObject({ code: 2 });
  expect(await task("resolve", "--all", "--journal-entry", "2", "--done")).toMatchObject({ code: 2 });
});
