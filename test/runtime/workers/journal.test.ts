import { expect, test } from "vitest";
import type { TaskId } from "#domain/id";
import { NO_BUDGET } from "#domain/task/budget";
import { type JournalRecord, keptRecord } from "#domain/task/journal";
import { millis } from "#domain/time/time";
import { type BenchPlane, startBench } from "../kit/bench-plane.js";
import type { AssignFrame, BenchWorker } from "../kit/bench-worker.js";

const caller = { principal: "local", namespaces: "*", roles: [] } as const;
const ALL = { records: 1_000, bytes: 1_000_000 };

const named = { occurrence: 1, inputDigest: "", concurrent: false, result: "", errorMessage: "" } as const;
const look: Omit<JournalRecord, "seq" | "entry"> = {
  ...named,
  state: "COMPLETED",
  kind: "STEP",
  name: "look",
  effect: "IDEMPOTENT",
  result: "1",
};
const begun = { ...named, state: "BEGUN", effect: "READ" } as const;
const once = { ...named, kind: "STEP", name: "charge", effect: "ONCE" } as const;
const approval = { ...begun, kind: "SIGNAL", name: "ok", wait: { duration: millis(0) } } as const;

async function given() {
  const bench = await startBench();
  const worker = bench.worker("w1", { agents: ["echo", "helper"] });
  await bench.settle();
  const { task } = await bench.create();
  const run = worker.assigned();
  await worker.report(run.runId, "RUNNING");
  return { bench, worker, task, run };
}

function write(
  worker: BenchWorker,
  { runId, fence }: Pick<AssignFrame, "runId" | "fence">,
  seq: number,
  entry: number,
  record: Omit<JournalRecord, "seq" | "entry">,
) {
  return worker.link.receive({ type: "journal", runId, fence, record: { ...record, seq, entry } });
}

function suspend(worker: BenchWorker, run: AssignFrame, entries: readonly number[], journalCount: number) {
  const { runId, fence } = run;
  return worker.link.receive({ type: "suspend", runId, fence, entries, journalCount });
}

async function journalOf(bench: BenchPlane, taskId: TaskId) {
  const records = await bench.store.reads.journal({ taskId, stepName: "main" }, 0, ALL);
  return records.map((json) => {
    const { entry, kind, name, state, result, errorMessage } = keptRecord(json);
    return `${entry} ${kind} ${name} ${state} ${result}${errorMessage}`.trim();
  });
}

function step(bench: BenchPlane, taskId: TaskId) {
  return bench.store.reads.task(taskId).then((found) => found?.steps[0]);
}

test("what an agent has done is durable, acknowledged and told once, and the next Run knows how much there is", async () => {
  const { bench, worker, task, run } = await given();
  await write(worker, run, 0, 1, look);
  await write(worker, run, 0, 1, look);
  await write(worker, run, 5, 2, look);
  await bench.settle();
  expect(worker.frames.splice(0)).toEqual([
    { type: "ack.journal", runId: run.runId, nextSeq: 1 },
    { type: "ack.journal", runId: run.runId, nextSeq: 1 },
    { type: "ack.journal", runId: run.runId, nextSeq: 1 },
  ]);
  expect(await journalOf(bench, task.id)).toEqual(["1 STEP look COMPLETED 1"]);
  const lines = (await bench.log(task.id)).filter(({ type }) => type === "journal");
  expect(lines).toMatchObject([{ stepName: "main", record: { entry: 1, name: "look" }, resultBytes: 1 }]);

  await worker.report(run.runId, "FAILED", { errorMessage: "no" });
  await bench.settle();
  expect(await bench.show(task.id)).toContain("error");
});

test("a Run that waits ends without a slot or an attempt, and goes on when its signal comes", async () => {
  const { bench, worker, task, run } = await given();
  await write(worker, run, 0, 1, look);
  await write(worker, run, 1, 2, approval);
  await suspend(worker, run, [2], 3);
  await bench.settle();
  expect(worker.heard()).toEqual(["ack.journal", "ack.journal", "ack.journal"]);

  await suspend(worker, run, [2], 2);
  await bench.settle();
  expect(worker.heard()).toEqual(["ack.status"]);
  expect(await bench.show(task.id)).toBe("steps_in_process, in_progress attempts=0, run COMPLETED/SUSPENDED");
  await suspend(worker, run, [2], 2);
  await bench.settle();
  expect(worker.heard()).toEqual(["ack.status"]);

  await bench.plane.signal(caller, task.id, "ok", '{"by":"Ann"}');
  await bench.settle();
  const next = worker.assigned();
  expect(next).toMatchObject({ taskId: task.id, attempt: 1, fence: 2, journalRecords: 3 });
  expect(await journalOf(bench, task.id)).toEqual([
    "1 STEP look COMPLETED 1",
    "2 SIGNAL ok BEGUN",
    '2 SIGNAL ok COMPLETED {"by":"Ann"}',
  ]);
  await worker.report(next.runId, "COMPLETED", { output: "2" });
  await bench.settle();
  expect(await bench.show(task.id)).toContain("complete, complete attempts=1");
});

test("a signal that came before is taken at once, in the order of arrival, and a repeated one counts once", async () => {
  const { bench, worker, task, run } = await given();
  const send = (payload: string, id = "") => bench.plane.signal(caller, task.id, "ok", payload, "", id);
  await send("1", "a");
  await send("1", "a");
  await send("2");
  await send("2");
  await write(worker, run, 0, 1, approval);
  await suspend(worker, run, [1], 1);
  await bench.settle();
  const next = worker.assigned();
  expect(await journalOf(bench, task.id)).toEqual(["1 SIGNAL ok BEGUN", "1 SIGNAL ok COMPLETED 1"]);
  await write(worker, next, 2, 2, { ...approval, occurrence: 2 });
  await suspend(worker, next, [2], 3);
  await bench.settle();
  expect(worker.assigned().journalRecords).toBe(4);
  expect((await journalOf(bench, task.id)).at(-1)).toBe("2 SIGNAL ok COMPLETED 2");
  expect((await bench.store.reads.task(task.id))?.task.signals).toMatchObject({ count: 2, kept: [] });
});

test("two waits for one signal get the two that came, each its own", async () => {
  const { bench, worker, task, run } = await given();
  for (const payload of ["1", "2"]) await bench.plane.signal(caller, task.id, "ok", payload);
  await write(worker, run, 0, 1, approval);
  await write(worker, run, 1, 2, { ...approval, occurrence: 2, concurrent: true });
  await suspend(worker, run, [1, 2], 2);
  await bench.settle();
  expect((await journalOf(bench, task.id)).slice(2)).toEqual([
    "1 SIGNAL ok COMPLETED 1",
    "2 SIGNAL ok COMPLETED 2",
  ]);
});

test("a hundred signals are kept, and one more is refused", async () => {
  const { bench, task } = await given();
  for (let i = 0; i < 100; i += 1) await bench.plane.signal(caller, task.id, "ok", String(i));
  await expect(bench.plane.signal(caller, task.id, "ok", "100")).rejects.toMatchObject({
    reason: "SIGNALS_FULL",
  });
});

test("a sleep ends by itself; a signal that nobody sends comes to its default, or fails", async () => {
  const { bench, worker, task, run } = await given();
  await write(worker, run, 0, 1, {
    ...begun,
    kind: "SLEEP",
    name: "sleep",
    wait: { duration: millis(60_000) },
  });
  await suspend(worker, run, [1], 1);
  await bench.settle();
  worker.assignments();
  await bench.clock.advance(20_000);
  await worker.beat([], 1);
  await bench.clock.advance(20_000);
  await worker.beat([], 1);
  expect(worker.assignments()).toEqual([]);
  await bench.clock.advance(20_001);
  const next = worker.assigned();
  const short = { duration: millis(1_000) };
  await write(worker, next, 2, 2, { ...approval, wait: { ...short, otherwise: '"no"' } });
  await write(worker, next, 3, 3, { ...approval, name: "other", wait: short });
  await suspend(worker, next, [2, 3], 4);
  await bench.clock.advance(1_001);
  expect(worker.assigned().journalRecords).toBe(6);
  expect(await journalOf(bench, task.id)).toEqual([
    "1 SLEEP sleep BEGUN",
    "1 SLEEP sleep COMPLETED",
    "2 SIGNAL ok BEGUN",
    "3 SIGNAL other BEGUN",
    '2 SIGNAL ok COMPLETED "no"',
    '3 SIGNAL other FAILED nobody sent signal "other" within 1000 ms',
  ]);
});

const child = {
  ...begun,
  kind: "CHILD",
  name: "helper",
  wait: {
    duration: millis(0),
    child: {
      agentName: "helper",
      template: null,
      input: '{"q":1}',
      labels: { a: "b" },
      timeoutMs: millis(0),
      maxAttempts: 0,
      workerSelector: {},
    },
  },
} as const;

test("a child is created with its record, and its end is what the agent waits for", async () => {
  const { bench, worker, task, run } = await given();
  await write(worker, run, 0, 1, child);
  await bench.clock.advance(1);
  const [ack] = worker.frames.flatMap((frame) => (frame.type === "ack.journal" ? [frame] : []));
  const work = worker.assigned();
  expect(work).toMatchObject({
    taskId: ack?.childId,
    agentName: "helper",
    input: '{"q":1}',
    labels: { a: "b" },
  });
  const detail = await bench.store.reads.task(work.taskId);
  expect(detail?.task.spec).toMatchObject({ parent: { taskId: task.id, stepName: "main" }, depth: 1 });

  await suspend(worker, run, [1], 1);
  await bench.settle();
  await worker.report(work.runId, "COMPLETED", { output: '{"a":2}' });
  await bench.settle();
  expect(worker.assigned().taskId).toBe(task.id);
  expect((await journalOf(bench, task.id)).at(-1)).toBe('1 CHILD helper COMPLETED {"a":2}');
});

test("a child that ended before is over at once; one that fails, or cannot be, is a failure of the wait", async () => {
  const { bench, worker, task, run } = await given();
  await write(worker, run, 0, 1, child);
  const none = { ...child.wait.child, agentName: "", template: { namespace: "", name: "none", version: "" } };
  await write(worker, run, 1, 2, { ...child, wait: { ...child.wait, child: none } });
  await bench.clock.advance(1);
  const work = worker.assigned();
  await worker.report(work.runId, "FAILED", { errorMessage: "no luck", retryable: false });
  await bench.settle();
  await suspend(worker, run, [1, 2], 2);
  await bench.settle();
  expect(worker.assigned().journalRecords).toBe(4);
  const [failed, missing] = (await journalOf(bench, task.id)).slice(2);
  expect(failed).toContain("ended FAILED: no luck");
  expect(missing).toContain("there is no template default/none");
});

test("a Step's children end with it", async () => {
  const { bench, worker, run, task } = await given();
  await write(worker, run, 0, 1, child);
  await bench.clock.advance(1);
  const work = worker.assigned();
  await worker.report(run.runId, "COMPLETED", { output: "1" });
  await bench.settle();
  await bench.clock.advance(1);
  expect(await bench.show(task.id)).toContain("complete, complete");
  expect(await bench.show(work.taskId)).toContain("cancelled");
});

test("a suspended Step ends with its Task, and its child too", async () => {
  const { bench, worker, run, task } = await given();
  await write(worker, run, 0, 1, child);
  await suspend(worker, run, [1], 1);
  await bench.clock.advance(1);
  const work = worker.assigned();
  await bench.plane.cancel(caller, task.id, "not needed");
  await bench.clock.advance(1);
  expect(await bench.show(task.id)).toContain("cancelled");
  expect(await bench.show(work.taskId)).toContain("cancelled");
  expect((await step(bench, task.id))?.waits).toBeUndefined();
  await bench.clock.advance(10 * 60_000);
  expect(await bench.show(task.id)).toContain("cancelled");
});

test.each([
  ["an entry that skips one", 3, { ...look }, "journal.entry is 3"],
  ["a result of what has not begun", 1, { ...once, state: "COMPLETED" }, "has not begun"],
  ["the end of a wait", 1, { ...approval, state: "COMPLETED", wait: undefined }, "has not begun"],
  ["a wait without what it waits for", 1, { ...approval, wait: undefined }, "journal.wait is missing"],
  ["a beginning of what need not be", 1, { ...look, state: "BEGUN" }, "journal.state BEGUN"],
] as const)("%s breaks the Run off", async (_, entry, record, message) => {
  const { bench, worker, task, run } = await given();
  await write(worker, run, 0, entry, record as never);
  await bench.settle();
  const found = await bench.store.reads.task(task.id);
  expect(found?.runs[0]).toMatchObject({ status: "FAILED", reason: "REPORT_INVALID" });
  expect(found?.runs[0]?.errorMessage).toContain(message);
});

test("what is done once begins once, unless it is known not to have been done", async () => {
  const { bench, worker, task, run } = await given();
  await write(worker, run, 0, 1, { ...once, state: "BEGUN" });
  await write(worker, run, 1, 1, { ...once, state: "NOT_DONE" });
  await write(worker, run, 2, 1, { ...once, state: "BEGUN" });
  await write(worker, run, 3, 1, { ...once, state: "BEGUN" });
  await bench.settle();
  const found = await bench.store.reads.task(task.id);
  expect(found?.runs[0]).toMatchObject({ reason: "REPORT_INVALID" });
  expect(found?.runs[0]?.errorMessage).toContain("has begun already");
  expect(await journalOf(bench, task.id)).toHaveLength(3);
});

test("a suspension for what is not waited for breaks the Run off", async () => {
  const { bench, worker, task, run } = await given();
  await write(worker, run, 0, 1, { ...once, state: "BEGUN" });
  await suspend(worker, run, [1], 1);
  await bench.settle();
  const found = await bench.store.reads.task(task.id);
  expect(found?.runs[0]).toMatchObject({ status: "FAILED", reason: "REPORT_INVALID", heldBy: "" });
});

test("records of a Run that was taken away change nothing", async () => {
  const { bench, worker, run, task } = await given();
  await bench.clock.advance(40_000);
  const again = bench.worker("w2");
  await bench.clock.advance(1_000);
  const next = again.assigned();
  await write(worker, run, 0, 1, look).catch(() => {});
  await write(again, next, 0, 1, { ...look, name: "other" });
  await bench.settle();
  expect(await journalOf(bench, task.id)).toEqual(["1 STEP other COMPLETED 1"]);
});

test("what a Run had done when it used up its budget counts, until another Run follows; nothing begins any more", async () => {
  const bench = await startBench();
  const [worker, other] = [bench.worker("w1"), bench.worker("w2", { agents: ["other"] })];
  await bench.settle();
  const budget = { ...NO_BUDGET, tokens: 10 };
  const { task } = await bench.create({ budget });
  await bench.settle();
  const run = worker.assigned();
  await write(worker, run, 0, 1, look);
  const used = { model: "m", inputTokens: 10, outputTokens: 0, cachedTokens: 0, toolCalls: 0 };
  await worker.link.receive({ type: "usage", runId: run.runId, fence: run.fence, seq: 0, used });
  await write(worker, run, 1, 2, { ...look, name: "again" });
  await write(worker, run, 1, 2, { ...look, name: "again" });
  await write(worker, run, 2, 3, { ...once, state: "BEGUN" });
  await write(worker, run, 2, 7, look);
  await write(other, run, 2, 3, look);
  await bench.settle();
  const journaled = ["1 STEP look COMPLETED 1", "2 STEP again COMPLETED 1"];
  expect(await journalOf(bench, task.id)).toEqual(journaled);
  expect(await bench.show(task.id)).toMatch(/^blocked_by_failures/);

  await bench.plane.topUp(caller, task.id, budget, "", "");
  await bench.clock.advance(1);
  await bench.settle();
  const next = worker.assignments().at(-1);
  expect(next).toMatchObject({ taskId: task.id, fence: run.fence + 1, journalRecords: 2 });
  await write(worker, run, 2, 3, look);
  await bench.settle();
  expect(await journalOf(bench, task.id)).toEqual(journaled);
  bench.errors();
});

test("many waits of one Step are no yield loop", async () => {
  const { bench, worker, run, task } = await given();
  let held = run;
  for (let i = 0; i < 150; i += 1) {
    const sleep = { ...begun, kind: "SLEEP", name: "sleep", wait: { duration: millis(0) } } as const;
    await write(worker, held, 2 * i, i + 1, { ...sleep, occurrence: i + 1 });
    await suspend(worker, held, [i + 1], 2 * i + 1);
    await bench.settle();
    held = worker.assigned();
  }
  expect(await step(bench, task.id)).toMatchObject({ state: "in_progress", attempts: 1, declines: 0 });
});

test("of an entry in doubt a person says whether it was done, and the Step goes on from its journal", async () => {
  const { bench, worker, run, task } = await given();
  await write(worker, run, 0, 1, { ...once, state: "BEGUN" });
  await worker.report(run.runId, "FAILED", {
    errorMessage: "in doubt",
    reason: "IN_DOUBT" as never,
    retryable: false,
  });
  await bench.settle();
  worker.frames.splice(0);
  const resolve = (entry: number) =>
    bench.plane.resolve(caller, task.id, "main", { type: "complete", output: '"paid"', entry }, "saw it");
  if ((await bench.show(task.id)).includes("blocked_by_failures")) {
    await expect(resolve(2)).rejects.toMatchObject({ reason: "ENTRY_STATE" });
    await resolve(1);
    await resolve(1);
    await bench.settle();
    expect(worker.assigned()).toMatchObject({ attempt: 1, journalRecords: 2 } satisfies Partial<AssignFrame>);
    expect((await journalOf(bench, task.id)).at(-1)).toBe('1 STEP charge COMPLETED "paid"');
  }
});
