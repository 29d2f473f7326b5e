import { expect, test } from "vitest";
import { instant, millis } from "#domain/time/time";
import { LEASE_OF_OURS, startBench } from "./kit/bench-plane.js";
import { storeDouble } from "./kit/store-double.js";

test("a task that waits for a worker is cancelled at once, and never starts", async () => {
  const bench = await startBench();
  const { task } = await bench.create();
  expect((await bench.cancel(task.id)).task).toMatchObject({ state: "cancelled", reason: "CANCELLED" });
  const worker = bench.worker("w1");
  await bench.settle();
  expect(worker.heard()).toEqual(["welcome"]);
  expect(await bench.show(task.id)).toBe("cancelled CANCELLED, cancelled attempts=0");
  expect(bench.supervisor.core.memory.waiting).toBe(0);
  expect(bench.supervisor.core.memory.backlog.size).toBe(0);
});

test("a task that is to start later is cancelled, and its time passes without a trace", async () => {
  const bench = await startBench();
  bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create({ startAt: instant(bench.clock.now() + 10_000) });
  expect(task.state).toBe("pending");
  await bench.cancel(task.id);
  await bench.clock.advance(20_000);
  expect(await bench.show(task.id)).toBe("cancelled CANCELLED, cancelled attempts=0");
  expect(await bench.store.nextDueAt()).toBeUndefined();
});

test("a cancel and an assignment that meet in one turn leave nothing in a worker's hands", async () => {
  const store = storeDouble();
  const bench = await startBench(store);
  const open = store.block();
  const created = bench.create({ agentName: "other" });
  await bench.settle();
  const second = bench.create();
  open();
  const { task } = await second;
  await created;

  const again = store.block();
  void bench.create({ agentName: "other" });
  await bench.settle(); // a turn is under way; the next finds both
  const worker = bench.worker("w1");
  const cancelled = bench.cancel(task.id);
  again();
  await cancelled;
  await bench.settle();
  expect(worker.heard()).toEqual(["welcome"]);
  expect(await bench.show(task.id)).toBe("cancelled CANCELLED, cancelled attempts=0");
});

test("a running task is cancelled for good, and its worker told at once", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create();
  const { runId } = worker.assigned();
  await worker.report(runId, "RUNNING");
  await bench.settle();
  await bench.cancel(task.id, "too expensive");
  expect(worker.frames).toEqual([{ type: "cancel", runId, reason: "too expensive" }]);
  await worker.report(runId, "CANCELLED");
  await bench.settle();
  expect(await bench.show(task.id)).toBe(
    "cancelled CANCELLED, cancelled attempts=1, run CANCELLED/CANCELLED",
  );
});

test("a task in its backoff is cancelled, and not tried again", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create({ maxAttempts: 3 });
  await worker.report(worker.assigned().runId, "FAILED", { retryAfter: millis(10_000) });
  await bench.settle();
  expect(await bench.show(task.id)).toContain("waiting_for_retry");
  await bench.cancel(task.id);
  expect(await bench.store.nextDueAt()).toBeUndefined();
  await bench.pass(20_000, worker);
  expect(worker.assignments()).toEqual([]);
  expect(await bench.show(task.id)).toBe("cancelled CANCELLED, cancelled attempts=1, run FAILED/AGENT_ERROR");
});

test("a task whose worker is away is cancelled, and the worker's lease takes the rest", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create();
  worker.link.closed();
  await bench.cancel(task.id);
  expect(await bench.show(task.id)).toContain("run CANCELLED/CANCELLED held");
  await bench.clock.advance(LEASE_OF_OURS);
  expect(await bench.show(task.id)).toBe(
    "cancelled CANCELLED, cancelled attempts=1, run CANCELLED/CANCELLED",
  );
});

test("cancelling what has ended is refused, with the state it ended in", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create();
  await worker.report(worker.assigned().runId, "COMPLETED");
  await bench.settle();
  await expect(bench.cancel(task.id)).rejects.toMatchObject({ code: "wrong_state", reason: "TASK_ENDED" });
  await expect(bench.cancel(task.id)).rejects.toThrow("already in terminal state: Completed");
  const { task: twice } = await bench.create();
  await bench.cancel(twice.id);
  await expect(bench.cancel(twice.id)).rejects.toThrow("already in terminal state: Cancelled");
});

test("cancelling what nobody knows is refused, naming it", async () => {
  const bench = await startBench();
  await expect(bench.cancel("no-such-task" as never)).rejects.toThrow("Task not found: no-such-task");
});

test("a cancel is said again at each heartbeat until the worker lets go", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create();
  const run = worker.assigned();
  await bench.cancel(task.id);
  worker.frames.length = 0;
  for (let i = 0; i < 3; i += 1) {
    await bench.clock.advance(5_000);
    await worker.beat([run.runId], run.ordinal);
    await bench.settle();
    expect(worker.heard()).toEqual(["ack.heartbeat", "cancel"]);
  }
  await worker.beat([], run.ordinal);
  await worker.beat([], run.ordinal);
  await bench.settle();
  expect(worker.heard()).toEqual(["ack.heartbeat", "ack.heartbeat"]);
});

test("a public worker, which sends no held set, is told again as well", async () => {
  const bench = await startBench();
  const worker = bench.worker("old", { protocol: 0 });
  await bench.settle();
  const { task } = await bench.create();
  const { runId } = worker.assigned();
  await bench.cancel(task.id);
  worker.frames.length = 0;
  await worker.alive();
  await bench.settle();
  expect(worker.heard()).toEqual(["cancel"]);
  await worker.report(runId, "CANCELLED");
  await bench.settle();
  await worker.alive();
  await bench.settle();
  expect(worker.heard()).toEqual([]);
});

test("a heartbeat while a cancel is being committed does not announce it before it is durable", async () => {
  const store = storeDouble();
  const bench = await startBench(store);
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create();
  const run = worker.assigned();
  const open = store.block();
  const cancelled = bench.cancel(task.id).catch((error: unknown) => error);
  await bench.settle();
  await worker.beat([run.runId], run.ordinal);
  expect(worker.heard()).toEqual(["ack.heartbeat"]);

  store.refuse = () => new Error("the disk is gone");
  open();
  await bench.settle();
  await cancelled;
  expect(worker.heard()).toEqual([]);
  expect(await bench.show(task.id)).toContain("run ASSIGNED held");
});

test("a worker that ignores its cancels is never given more than it has slots", async () => {
  const bench = await startBench();
  const deaf = bench.worker("w1", { capacity: 2 });
  await bench.settle();
  const tasks = [(await bench.create()).task, (await bench.create()).task];
  const held = deaf.assignments().map(({ runId }) => runId);
  for (const { id } of tasks) await bench.cancel(id);
  for (let i = 0; i < 5; i += 1) await bench.create();
  for (let i = 0; i < 10; i += 1) {
    await bench.clock.advance(5_000);
    await deaf.beat(held, 2);
    await bench.settle();
    expect(deaf.assignments()).toEqual([]);
  }
  await deaf.report(held[0] as never, "FAILED");
  await bench.settle();
  expect(deaf.assignments()).toHaveLength(1);
});

test("an agent that stops by itself ends its task as cancelled", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create({ maxAttempts: 5 });
  await worker.report(worker.assigned().runId, "CANCELLED", { errorMessage: "operator said stop" });
  await bench.settle();
  expect(await bench.show(task.id)).toBe(
    "cancelled CANCELLED, cancelled attempts=1, run CANCELLED/CANCELLED",
  );
});
