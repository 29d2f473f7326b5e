import { expect, test } from "vitest";
import type { Store } from "#ports/store";
import { VirtualClock } from "#testing/virtual-time";
import { startBench, TERMS } from "../kit/bench-plane.js";
import { stores } from "../kit/store-double.js";

/** The clock of the next process: plane time goes on from what the store remembers, or later. */
async function restart(store: Store, at: number, seed = 2) {
  return startBench(store, { clock: new VirtualClock(at), seed });
}

for (const { name, make } of stores) {
  test(`after a restart a healthy worker goes on with its run as if nothing had been (${name})`, async () => {
    const { store, reopen } = make();
    const before = await startBench(store);
    const first = before.worker("w1");
    await before.settle();
    const { task } = await before.create();
    const { runId, fence } = first.assigned();
    await first.report(runId, "RUNNING");
    await first.output(runId, 0, "a");
    await before.settle();
    const diedAt = before.clock.now();
    before.kill();

    const plane = await restart(await reopen(), diedAt + 10_000);
    await plane.clock.advance(40_000);
    const worker = plane.worker("w1", { resume: [{ runId, fence, nextSeq: 0 }] });
    await plane.settle();
    expect(worker.heard()).toEqual(["welcome", "ack.output 1"]);
    await worker.report(runId, "COMPLETED", { fence, outputCount: 1, output: "42" });
    await plane.settle();
    expect(await plane.show(task.id)).toBe("complete, complete attempts=1, run COMPLETED");
    expect(await plane.store.reads.output({ taskId: task.id, stepName: "main" })).toBe("42");
    await plane.store.close();
  });

  test(`after a restart a held run has one and a half leases to reappear, not a millisecond less (${name})`, async () => {
    const { store, reopen } = make();
    const before = await startBench(store);
    before.worker("w1");
    before.worker("old", { protocol: 0, agents: ["old"] });
    await before.settle();
    const { task } = await before.create({ maxLosses: 0 });
    const { task: old } = await before.create({ agentName: "old" });
    before.kill();

    const plane = await restart(await reopen(), before.clock.now() + 3_600_000);
    await plane.clock.advance(TERMS.lease * 1.5 - 1);
    expect(await plane.show(task.id)).toContain("run ASSIGNED held");
    await plane.clock.advance(1);
    expect(await plane.show(task.id)).toBe("error WORKER_LOST, error attempts=0, run FAILED/WORKER_LOST");
    expect(await plane.show(old.id)).toContain("run ASSIGNED held");
    await plane.clock.advance(TERMS.publicLease * 1.5 - TERMS.lease * 1.5);
    expect(await plane.show(old.id)).toContain("run FAILED/WORKER_LOST");
    await plane.store.close();
  });

  test(`what waited before a restart waits after it, and starts when a worker comes (${name})`, async () => {
    const { store, reopen } = make();
    const before = await startBench(store);
    const created = [];
    for (const agentName of ["a", "b", "a"]) created.push(await before.create({ agentName }));
    before.kill();

    const plane = await restart(await reopen(), before.clock.now());
    expect(plane.supervisor.core.memory.waiting).toBe(3);
    const worker = plane.worker("w1", { agents: ["a", "b"] });
    await plane.settle();
    expect(worker.assignments().map(({ taskId }) => taskId)).toEqual(
      expect.arrayContaining(created.map(({ task }) => task.id)),
    );
    await plane.store.close();
  });
}

test("with many lanes after a restart, even the last one is looked at", async () => {
  const { store, reopen } = stores[0].make();
  const before = await startBench(store);
  for (let i = 0; i < 100; i += 1) await before.create({ agentName: `agent-${i}` });
  before.kill();

  const plane = await restart(await reopen(), before.clock.now());
  const worker = plane.worker("w1", { agents: ["agent-99"] });
  await plane.settle();
  expect(worker.assignments()).toHaveLength(1);
});

test("a wall clock that was put back moves nothing: plane time goes on from the last commit", async () => {
  const { store, reopen } = stores[0].make();
  const before = await startBench(store);
  await before.clock.advance(500_000);
  await before.create();
  const diedAt = before.clock.now();
  before.kill();
  const plane = await restart(await reopen(), 5);
  expect(plane.clock.now()).toBe(diedAt);
});

test("a run that was cancelled while the plane died is cancelled at the worker when it comes back", async () => {
  const { store, reopen } = stores[0].make();
  const before = await startBench(store);
  const first = before.worker("w1");
  await before.settle();
  const { task } = await before.create();
  const { runId, fence } = first.assigned();
  await before.cancel(task.id);
  before.kill();

  const plane = await restart(await reopen(), before.clock.now());
  const worker = plane.worker("w1", { resume: [{ runId, fence, nextSeq: 0 }] });
  await plane.settle();
  expect(worker.heard()).toEqual(["welcome", "ack.output 0", "cancel"]);
  expect(await plane.show(task.id)).toContain("cancelled CANCELLED");
});

test("a worker that is back after a restart hands back what it never got", async () => {
  const { store, reopen } = stores[0].make();
  const before = await startBench(store);
  before.worker("w1");
  await before.settle();
  const { task } = await before.create();
  before.kill();

  const plane = await restart(await reopen(), before.clock.now());
  const worker = plane.worker("w1");
  await plane.settle();
  expect(await plane.show(task.id)).toBe("steps_in_process, enqueued attempts=0, run CANCELLED/DECLINED");
  await plane.pass(5_000, worker);
  expect(worker.assigned()).toMatchObject({ attempt: 1, fence: 2 });
});
