import { create } from "@bufbuild/protobuf";
import { expect, onTestFinished, test } from "vitest";
import { sharesOf, topFrame } from "#cli/top/frame";
import { type Pause, PauseKind, PauseSchema } from "#wire/gen/taskrun/v1/pause_service_pb";
import { aTask, Code, fakePlane, refuse, type TaskRpcs, type WorkerRpcs } from "../client/fake-plane.js";
import { type Setting, taskrun } from "./fake-io.js";

const NOW = Date.parse("2030-01-31T09:00:00Z");
const at = (seconds: number) => BigInt(NOW - seconds * 1_000);

const waiting = aTask({ id: "t1", createdAtMs: at(90), waitingReason: 'WORKER: a free slot for agent "a"' });
const held = aTask({
  id: "t0",
  createdAtMs: at(600),
  status: 2,
  waitingReason: "OPERATOR: 1 step is failed",
});
const failed = aTask({
  id: "t9",
  status: 4,
  finishedAtMs: at(5),
  errorMessage: "boom\u001b[31m",
  namespace: "b",
});

const rpcs: TaskRpcs = {
  getOverview: () => ({
    atMs: at(0),
    queues: [
      { namespace: "default", agentName: "a", selector: { zone: "eu" }, waiting: 1_000, firstTaskId: "t1" },
      { namespace: "b", agentName: "typo", waiting: 1, firstTaskId: "018bcfe5-687b-7c3d-8000-123456789abc" },
    ],
    moreQueues: 3,
    rates: { windowMs: 10_000n, created: 125, completed: 2_000, failed: 1, isLeast: false },
    oldest: [waiting],
    failed: [failed],
  }),
  listTasks: () => ({ tasks: [waiting, held] }),
};
const workers: WorkerRpcs = {
  listWorkers: () => ({
    workers: [
      { workerId: "w1", status: 1, activeRuns: 0, maxConcurrentRuns: 4, lastHeartbeatMs: at(1), agents: [] },
      {
        workerId: "w2",
        status: 3,
        activeRuns: 2,
        maxConcurrentRuns: 2,
        lastHeartbeatMs: at(2),
        agents: [{ name: "a" }],
      },
    ],
  }),
};

const pauses = [
  {
    scope: { kind: PauseKind.AGENT, namespace: "*", name: "a" },
    reason: "bad answers",
    pausedBy: "key:ops",
    pausedAtMs: at(120),
    untilMs: at(-3_600),
  },
  { scope: { kind: PauseKind.PLANE }, pausedBy: "key:ops", pausedAtMs: at(30) },
].map((each) => create(PauseSchema, each));
const pausing = { listPauses: () => ({ pauses: [] as Pause[] }) };

async function top(words: readonly string[], setting: Setting = {}, fakes = { rpcs, workers, pausing }) {
  const plane = await fakePlane(fakes.rpcs, fakes.workers, {}, {}, { pauses: fakes.pausing });
  onTestFinished(() => plane[Symbol.asyncDispose]());
  return taskrun(["top", ...words, "--addr", plane.addr], { now: NOW, ...setting });
}

test("top prints once into a pipe: rates, workers, queues, who waits longest, what failed last", async () => {
  const { code, stdout, stderr } = await top([]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatchInlineSnapshot(`
    "Tasks: created 12.5/s   completed 200/s   failed 0.1/s   cancelled 0/s   over 10.0 s

    WORKERS
    2 connected, 2 of 6 slots busy, 1 draining
    WORKER  STATUS    RUNS  HEARD      AGENTS
    w2      DRAINING  2/2   2.0 s ago  a
    w1      IDLE      0/4   1.0 s ago

    QUEUES
    AGENT  NAMESPACE  READY  FIRST CREATED  FIRST TASK                            SELECTOR
    a      default    1000+  -              t1                                    zone=eu
    typo   b          1      2269d 10h ago  018bcfe5-687b-7c3d-8000-123456789abc  -
    and 3 more queues

    WAITING
    TASK  NAMESPACE  AGENT           AGE      WAITS FOR
    t0    default    support_triage  10m 00s  OPERATOR: 1 step is failed
    t1    default    support_triage  1m 30s   WORKER: a free slot for agent "a"

    FAILED LAST
    TASK  NAMESPACE  AGENT           FAILED     ERROR
    t9    b          support_triage  5.0 s ago  boom
    "
  `);
});

test("top --json is one document, with what is waited for", async () => {
  const { code, stdout } = await top(["--json"]);
  const { queues, rates, workers, waiting, failed } = JSON.parse(stdout);
  expect([code, queues.length, rates.created, workers.length]).toEqual([0, 2, 125, 2]);
  expect([waiting, failed].map((tasks) => tasks.map(({ id }: { id: string }) => id))).toEqual([
    ["t0", "t1"],
    ["t9"],
  ]);
});

test("top is a screen until q, never higher or wider than the terminal", async () => {
  const { code, stdout } = await top([], { terminal: 60, rows: 14, keys: ["q"] });
  expect(code).toBe(0);
  const [, frame = ""] = stdout.split("\u001b[H");
  const lines = frame.split("\u001b[J")[0]?.split("\n") ?? [];
  expect(lines).toHaveLength(14);
  for (const line of lines) expect(line.replaceAll("\u001b[K", "").length).toBeLessThan(60);
  expect(frame).toContain("FAILED LAST");
});

test("a caller that may see no workers sees the rest", async () => {
  const denied: WorkerRpcs = { listWorkers: () => refuse(Code.PermissionDenied, "no") };
  const { code, stdout } = await top(["--once"], {}, { rpcs, workers: denied, pausing });
  expect(code).toBe(0);
  expect(stdout).toContain("WORKERS\nnot shown: the credential may not see them");
  expect(stdout).toContain("typo");
});

test("top says what is paused, by whom and until when", async () => {
  const { stdout } = await top(
    ["--once"],
    {},
    { rpcs, workers, pausing: { listPauses: () => ({ pauses }) } },
  );
  expect(stdout).toContain(`
PAUSED
WHAT                        UNTIL                     SINCE       BY       REASON
agent a in every namespace  2030-01-31T10:00:00.000Z  2m 00s ago  key:ops  bad answers
the plane                   resumed                   30.0 s ago  key:ops  -
`);
});

test("a caller that may see no pauses is told so", async () => {
  const denied = { listPauses: () => refuse(Code.PermissionDenied, "no") };
  const { code, stdout } = await top(["--once"], {}, { rpcs, workers, pausing: denied });
  expect(code).toBe(0);
  expect(stdout).toContain("PAUSED\nnot shown: the credential may not see them");
});

test("a server that has no overview yet is said to be older", async () => {
  const { code, stderr } = await top(["--once"], {}, { rpcs: {}, workers, pausing });
  expect([code, stderr]).toEqual([1, expect.stringContaining("It may be older than this command.")]);
});

test("where rows are few, small parts keep theirs and large ones share what is left", () => {
  expect(sharesOf([2, 10, 1, 10], 9)).toEqual([2, 3, 1, 3]);
  expect(sharesOf([2, 10], 100)).toEqual([2, 10]);
  expect(sharesOf([5, 5], 0)).toEqual([0, 0]);
});

test("an idle plane has none of everything", () => {
  const rates = { windowMs: 10_000, created: 0, completed: 0, failed: 0, cancelled: 0, isLeast: true };
  const overview = { atMs: 0, queues: [], moreQueues: 0, rates, oldest: [], failed: [] };
  const plain = (text: string) => text;
  const lines = topFrame(
    { overview, workers: [], pauses: [], waiting: [] },
    { rows: 50, columns: undefined, now: 0, colors: { bold: plain } as never },
  );
  expect(lines.join("\n")).toMatchInlineSnapshot(`
    "Tasks: created ≥0/s   completed ≥0/s   failed ≥0/s   cancelled ≥0/s   over 10.0 s

    WORKERS
    none

    QUEUES
    none

    WAITING
    none

    FAILED LAST
    none"
  `);
});
