import { expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import type { TaskId } from "#domain/id";
import { millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { TaskWait, WaitEnd } from "#ports/task-wait";
import { Retention } from "#runtime/timers/retention";
import { Waiters } from "#runtime/watch/waiters";
import { task } from "#testing/rows";
import { settle, VirtualClock } from "#testing/virtual-time";
import { type BenchPlane, startBench } from "./kit/bench-plane.js";

const MINUTE = millis(60_000);

/** Waits, and keeps how it ended: the state of the Task, `over`, or the code of the fault. */
function outcomeOf(wait: TaskWait, most = MINUTE, signal?: AbortSignal) {
  const heard = { end: "", rows: undefined as Extract<WaitEnd, { type: "ended" }>["rows"] };
  wait.ended(most, signal).then(
    (end) => {
      heard.end = end.type === "ended" ? end.task.state : end.type;
      if (end.type === "ended") heard.rows = end.rows;
    },
    (fault: { code: string }) => {
      heard.end = fault.code;
    },
  );
  return heard;
}

const begin = (bench: BenchPlane, id: TaskId) => bench.plane.wait(LOCAL_CALLER, id);

async function runningTask() {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  await bench.create({ timeoutMs: millis(90_000) });
  return { bench, worker, ...worker.assigned() };
}

test("a wait is told by the commit that ends its Task, with the rows of a Task of one Step", async () => {
  const { bench, worker, taskId, runId } = await runningTask();
  const heard = outcomeOf(begin(bench, taskId));
  await bench.pass(50_000, worker);
  expect([heard.end, bench.supervisor.waiters.count]).toEqual(["", 1]);

  await worker.report(runId, "COMPLETED", { output: "42" });
  await bench.settle();
  expect(heard.end).toBe("complete");
  expect(heard.rows?.steps.map(({ state }) => state)).toEqual(["complete"]);
  expect(heard.rows?.runs.map(({ id, status }) => [id, status])).toEqual([[runId, "COMPLETED"]]);
  expect(bench.supervisor.waiters.count).toBe(0);
  // Its own timer, which had ten seconds left, is gone.
  expect(bench.clock.pending()).not.toContain(bench.clock.now() + 10_000);
});

test("a wait that began before its Task was created is told of its end", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  const id = "00000000-0000-7000-8000-000000000001" as TaskId;
  const heard = outcomeOf(begin(bench, id));
  await bench.create({}, { id });
  await worker.report(worker.assigned().runId, "COMPLETED");
  await bench.settle();
  expect(heard.end).toBe("complete");
});

test("rows are given only if the commit had all of them: not after an earlier Run, in another turn", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create({ maxAttempts: 2 });
  const heard = outcomeOf(begin(bench, task.id), limits.waitMost);
  await worker.report(worker.assigned().runId, "FAILED", { retryable: true });
  await bench.pass(70_000, worker);
  await worker.report(worker.assigned().runId, "COMPLETED");
  await bench.settle();
  const detail = await bench.store.reads.task(task.id);
  expect([heard.end, heard.rows, detail?.runs.length]).toEqual(["complete", undefined, 2]);
});

test.each([
  ["cancelled", async (bench: BenchPlane, id: TaskId) => void (await bench.cancel(id))],
  ["error", async (bench: BenchPlane) => bench.clock.advance(90_000)],
])("a Task that ends as %s ends its waits", async (state, end) => {
  const { bench, taskId } = await runningTask();
  const heard = outcomeOf(begin(bench, taskId), limits.waitMost);
  await end(bench, taskId);
  await bench.settle();
  expect([heard.end, bench.supervisor.waiters.count]).toEqual([state, 0]);
});

test("a wait is over at its time, not a millisecond before, and then leaves nothing behind", async () => {
  const { bench, taskId } = await runningTask();
  const before = bench.clock.pending().length;
  const heard = outcomeOf(begin(bench, taskId), millis(7_000));
  await bench.clock.advance(6_999);
  expect(heard.end).toBe("");
  await bench.clock.advance(1);
  expect([heard.end, bench.supervisor.waiters.count, bench.clock.pending().length]).toEqual([
    "over",
    0,
    before,
  ]);
});

test("a caller that gives up leaves at once, and its timer with it", async () => {
  const { bench, taskId } = await runningTask();
  const before = bench.clock.pending().length;
  const caller = new AbortController();
  const heard = outcomeOf(begin(bench, taskId), MINUTE, caller.signal);
  caller.abort();
  expect([bench.supervisor.waiters.count, bench.clock.pending().length]).toEqual([0, before]);
  await settle();
  expect(heard.end).toBe("unavailable");

  const gone = outcomeOf(begin(bench, taskId), MINUTE, caller.signal);
  await settle();
  expect([gone.end, bench.supervisor.waiters.count]).toEqual(["unavailable", 0]);
});

test("a drain ends every wait, and begins no other; a wait that is not heard yet hears of it", async () => {
  const { bench, taskId } = await runningTask();
  const heard = outcomeOf(begin(bench, taskId));
  const late = begin(bench, taskId);
  bench.supervisor.drain();
  const lateHeard = outcomeOf(late);
  await settle();
  expect([heard.end, lateHeard.end, bench.supervisor.waiters.count]).toEqual([
    "unavailable",
    "unavailable",
    0,
  ]);
  expect(() => begin(bench, taskId)).toThrow(
    expect.objectContaining({
      code: "unavailable",
      details: { reason: "DRAINING", retryAfter: limits.retryAfter },
    }),
  );
});

test("a stop without a drain ends the waits as well", async () => {
  const { bench, taskId } = await runningTask();
  const heard = outcomeOf(begin(bench, taskId));
  await bench.supervisor.stop();
  await settle();
  expect(heard.end).toBe("unavailable");
});

test("a Task that is removed while a wait is about to be answered is said to be gone", async () => {
  const { bench, worker, taskId, runId } = await runningTask();
  await worker.report(runId, "COMPLETED");
  await bench.settle();
  await bench.clock.advance(limits.retentionMin + 1_000);
  const heard = outcomeOf(begin(bench, taskId));
  expect(
    await new Retention(bench.supervisor.core, bench.supervisor.followed, limits.retentionMin).sweep(),
  ).toBe(1);
  await settle();
  expect([heard.end, bench.supervisor.waiters.count]).toEqual(["not_found", 0]);
});

test("a wait that follows another Task hears of that one alone", async () => {
  const { bench, worker, taskId, runId } = await runningTask();
  const { task: other } = await bench.create();
  const wait = begin(bench, other.id);
  const heard = outcomeOf(wait);
  wait.follow(taskId);
  await bench.cancel(other.id);
  await bench.settle();
  expect([heard.end, bench.supervisor.waiters.count]).toEqual(["", 1]);
  await worker.report(runId, "COMPLETED");
  await bench.settle();
  expect(heard.end).toBe("complete");
  wait.follow(other.id);
  wait.close();
  expect(bench.supervisor.waiters.count).toBe(0);
});

test("a foreign caller does not learn how a Task ended", async () => {
  const { bench, worker, taskId, runId } = await runningTask();
  const stranger = { principal: "other", namespaces: ["elsewhere"], roles: [] };
  const heard = outcomeOf(bench.plane.wait(stranger, taskId));
  await worker.report(runId, "COMPLETED");
  await bench.settle();
  expect(heard.end).toBe("not_found");
});

test("a wait of the next process hears of the end of a Task that the last one began", async () => {
  const { bench, taskId, runId, fence } = await runningTask();
  outcomeOf(begin(bench, taskId));
  bench.kill();

  const next = await startBench(bench.store, { clock: new VirtualClock(bench.clock.now() + 1_000), seed: 2 });
  const heard = outcomeOf(begin(next, taskId));
  const back = next.worker("w1", { resume: [{ runId, fence, nextSeq: 0 }] });
  await next.settle();
  await back.report(runId, "COMPLETED", { fence });
  await next.settle();
  expect(heard.end).toBe("complete");
});

const ended = (id: TaskId) => ({ task: task(id, { state: "complete" }), rows: undefined });

test("thousands of waits of one Task are told a part at a time, and those that left meanwhile are not", async () => {
  const turns: (() => void)[] = [];
  const clock = Object.assign(new VirtualClock(), {
    yield: () => new Promise<void>((next) => turns.push(next)),
  });
  const waiters = new Waiters(clock);
  const id = "t" as TaskId;
  const caller = new AbortController();
  const all = Array.from({ length: limits.waitersPerTask }, (_, i) =>
    outcomeOf(waiters.begin(id), MINUTE, i === limits.waitersPerTask - 1 ? caller.signal : undefined),
  );
  const told = () => all.filter(({ end }) => end === "complete").length;

  waiters.ended(ended(id));
  await settle();
  expect([told(), waiters.count]).toEqual([
    limits.waitersAtOnce,
    limits.waitersPerTask - limits.waitersAtOnce,
  ]);
  caller.abort();
  const later = outcomeOf(waiters.begin(id)); // of whatever ends next under this id
  for (let rounds = 1; turns.length > 0; rounds += 1) {
    turns.shift()?.();
    await settle();
    expect(told()).toBeLessThanOrEqual((rounds + 1) * limits.waitersAtOnce);
  }
  expect([told(), all.at(-1)?.end, later.end]).toEqual([limits.waitersPerTask - 1, "unavailable", ""]);
  expect(waiters.count).toBe(1);
});

test("more waits of one Task, or of all, than may be are refused, and say that nothing was stored", () => {
  const waiters = new Waiters(new VirtualClock());
  const one = "one" as TaskId;
  const first = waiters.begin(one);
  for (let i = 1; i < limits.waitersPerTask; i += 1) waiters.begin(one);
  const tooMany = expect.objectContaining({
    code: "overloaded",
    message: expect.stringContaining("nothing was stored"),
    details: { reason: "TOO_MANY_WAITERS", retryAfter: limits.retryAfter },
  });
  expect(() => waiters.begin(one)).toThrow(tooMany);
  expect(waiters.count).toBe(limits.waitersPerTask);

  const other = waiters.begin("other" as TaskId);
  expect(() => other.follow(one)).toThrow(tooMany);
  other.close();
  expect(waiters.count).toBe(limits.waitersPerTask);

  for (let i = 0; waiters.count < limits.waiters; i += 1) waiters.begin(`t${i}` as TaskId);
  expect(() => waiters.begin("last" as TaskId)).toThrow(tooMany);
  first.close();
  first.close();
  waiters.begin("last" as TaskId);
  expect(waiters.count).toBe(limits.waiters);
});
