import { expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import type { TaskId } from "#domain/id";
import type { LogSlice } from "#domain/task/log";
import { limits } from "#limits/index";
import type { Reads } from "#ports/store";
import { Retention } from "#runtime/timers/retention";
import { Watchers } from "#runtime/watch/watchers";
import { memoryStore } from "#stores/memory/index";
import { settle } from "#testing/virtual-time";
import { type BenchPlane, startBench } from "./kit/bench-plane.js";

/** Follows a task and keeps what it sees; `end` says how it ended. */
function follow(bench: BenchPlane, taskId: TaskId, afterSeq = 0, abort = new AbortController()) {
  const seen: string[] = [];
  const state = { seen, next: afterSeq + 1, end: "", abort };
  const run = async () => {
    for await (const { firstSeq, entries } of bench.plane.watch(
      LOCAL_CALLER,
      taskId,
      afterSeq,
      abort.signal,
    )) {
      expect(firstSeq).toBe(state.next);
      state.next += entries.length;
      for (const entry of entries) seen.push(entry.type === "output" ? entry.content : entry.type);
    }
  };
  run().then(
    () => {
      state.end = "done";
    },
    (error: { code?: string }) => {
      state.end = error.code ?? String(error);
    },
  );
  return state;
}

async function runningTask() {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create();
  return { bench, worker, taskId: task.id, runId: worker.assigned().runId };
}

test("a watcher sees what was and then what comes, in one line, and ends with the task", async () => {
  const { bench, worker, taskId, runId } = await runningTask();
  await worker.output(runId, 0, "before");
  await bench.settle();
  const watcher = follow(bench, taskId);
  await bench.settle();
  expect(watcher.seen.slice(-1)).toEqual(["before"]);
  await worker.output(runId, 1, "after");
  await bench.settle();
  await worker.report(runId, "COMPLETED");
  await bench.settle();
  expect(watcher.seen.slice(8)).toEqual(["before", "after", "run", "step", "step", "task", "task"]);
  expect(watcher.end).toBe("done");
  expect(bench.supervisor.watchers.count).toBe(0);
});

test("a watcher that comes after the end sees all of it, or from its cursor, and ends", async () => {
  const { bench, worker, taskId, runId } = await runningTask();
  await worker.report(runId, "COMPLETED");
  await bench.settle();
  const whole = follow(bench, taskId);
  const last = follow(bench, taskId, 12);
  const nothing = follow(bench, taskId, 13);
  await bench.settle();
  expect([whole.end, last.end, nothing.end]).toEqual(["done", "done", "done"]);
  expect([whole.seen.length, last.seen, nothing.seen]).toEqual([13, ["task"], []]);
});

test("a cursor past the end is refused, with where the end is; an unknown task is unknown", async () => {
  const { bench, taskId } = await runningTask();
  const ahead = bench.plane.watch(LOCAL_CALLER, taskId, 9, new AbortController().signal);
  await expect(ahead[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    code: "cursor_ahead",
    details: { metadata: { last_seq: "8" } },
  });
  const unknown = follow(bench, "unknown" as TaskId);
  await bench.settle();
  expect([unknown.end, bench.supervisor.watchers.count]).toEqual(["not_found", 0]);
});

test("a cursor before what is still kept is refused, with where to begin", async () => {
  const { reads } = memoryStore();
  const trimmed: Reads = Object.assign(Object.create(reads), {
    logBounds: async () => ({ earliest: 17, last: 20 }),
  });
  const watch = new Watchers(trimmed).watch("t" as TaskId, 15, new AbortController().signal, async () => {});
  await expect(watch.next()).rejects.toMatchObject({
    code: "cursor_expired",
    details: { metadata: { earliest_seq: "17" } },
  });
});

test("many watchers that come and go during a storm of commits all see one gapless story", async () => {
  const { bench, worker, taskId, runId } = await runningTask();
  const watchers = [];
  for (let seq = 0; seq < 300; seq += 1) {
    void worker.output(runId, seq, `chunk ${seq}`);
    if (seq % 10 === 0) watchers.push(follow(bench, taskId, seq % 3));
    if (seq % 7 === 0) await bench.settle();
    if (seq % 5 === 0) await Promise.resolve();
  }
  await bench.settle();
  await worker.report(runId, "COMPLETED", { outputCount: 300 });
  await bench.settle();
  for (const { seen, end } of watchers) {
    expect(end).toBe("done");
    expect(seen.filter((line) => line.startsWith("chunk"))).toHaveLength(300);
  }
});

test("a line that is committed while a watcher looks whether the task has ended is not missed", async () => {
  const log: LogSlice["entries"][number][] = [
    { type: "chat", at: 1 as never, runId: "r" as never, role: 1, content: "1", sentAt: 0 },
  ];
  let look = () => {};
  const looking = new Promise<void>((resolve) => {
    look = resolve;
  });
  let reads = 0;
  const slow = {
    logBounds: async () => ({ earliest: 1, last: log.length }),
    log: async (_: TaskId, afterSeq: number) => {
      const slice = { firstSeq: afterSeq + 1, entries: log.slice(afterSeq) };
      reads += 1;
      if (reads === 2) await looking; // the look at the last line, already read
      return slice;
    },
  } as unknown as Reads;
  const watchers = new Watchers(slow);
  const next = watchers.watch("t" as TaskId, 1, new AbortController().signal, async () => {}).next();
  await settle();
  log.push({ type: "chat", at: 2 as never, runId: "r" as never, role: 1, content: "2", sentAt: 0 });
  watchers.wake("t" as TaskId, 2);
  look();
  const first = await Promise.race([next, settle().then(settle)]);
  expect(first).toMatchObject({ value: { firstSeq: 2, entries: [{ content: "2" }] } });
});

test("a watcher that leaves while nothing happens is gone at once", async () => {
  const { bench, taskId } = await runningTask();
  const watcher = follow(bench, taskId);
  await bench.settle();
  watcher.abort.abort();
  await bench.settle();
  expect([watcher.end, bench.supervisor.watchers.count]).toEqual(["done", 0]);
});

test("a watcher that leaves while the log is read for it is gone as well", async () => {
  const { bench, taskId } = await runningTask();
  const abort = new AbortController();
  const watcher = follow(bench, taskId, 5, abort);
  for (let tick = 0; tick < 6; tick += 1) await Promise.resolve();
  abort.abort();
  await bench.settle();
  expect([watcher.end, bench.supervisor.watchers.count]).toEqual(["done", 0]);
});

test("a task removed under its watchers is said to be gone, also to one that had not read to the end", async () => {
  const { bench, worker, taskId, runId } = await runningTask();
  const slow = bench.plane
    .watch(LOCAL_CALLER, taskId, 0, new AbortController().signal)
    [Symbol.asyncIterator]();
  await slow.next();
  await worker.report(runId, "COMPLETED");
  await bench.settle();
  await bench.clock.advance(limits.retentionMin + 1_000);
  const retention = new Retention(bench.supervisor.core, bench.supervisor.watchers, limits.retentionMin);
  expect(await retention.sweep()).toBe(1);
  await expect(slow.next()).rejects.toMatchObject({ code: "not_found" });
  expect(bench.supervisor.watchers.count).toBe(0);
});

test("a watcher that reads nothing holds up neither the worker nor the others", async () => {
  const { bench, worker, taskId, runId } = await runningTask();
  const stalled = bench.plane
    .watch(LOCAL_CALLER, taskId, 0, new AbortController().signal)
    [Symbol.asyncIterator]();
  await stalled.next();
  const quick = follow(bench, taskId);
  for (let seq = 0; seq < 200; seq += 1) await worker.output(runId, seq, "x".repeat(10_000));
  await worker.report(runId, "COMPLETED", { outputCount: 200 });
  await bench.settle();
  expect(quick.end).toBe("done");
  expect(worker.heard().slice(-2)).toEqual(["ack.output 200", "ack.status"]);

  let next = 9;
  for (let slice = await stalled.next(); !slice.done; slice = await stalled.next()) {
    expect(slice.value.firstSeq).toBe(next);
    const bytes = slice.value.entries.reduce((sum, entry) => sum + JSON.stringify(entry).length, 0);
    expect(bytes).toBeLessThan(2 * limits.watchReadBytes);
    next += slice.value.entries.length;
  }
  expect(next).toBe(8 + 200 + 5 + 1);
});

test("a foreign caller's watch looks like a watch of an unknown task", async () => {
  const { bench, taskId } = await runningTask();
  const stranger = { principal: "other", namespaces: ["elsewhere"], roles: [] };
  const watch = bench.plane.watch(stranger, taskId, 0, new AbortController().signal);
  await expect(watch[Symbol.asyncIterator]().next()).rejects.toThrow(`Task not found: ${taskId}`);
});
