import { expect, test } from "vitest";
import { instant, millis } from "#domain/time/time";
import { Retention } from "#runtime/timers/retention";
import { startBench } from "./kit/bench-plane.js";
import { storeDouble, stores } from "./kit/store-double.js";

const DAY = 24 * 3_600_000;

for (const { name, make } of stores) {
  test(`only tasks that ended long ago are removed, and no live one, whatever its state (${name})`, async () => {
    const { store } = make();
    const bench = await startBench(store, { draw: () => 0.5 });
    const worker = bench.worker("w1", { capacity: 6, protocol: 0 });
    const deaf = bench.worker("deaf", { agents: ["deaf"], protocol: 0 });
    await bench.settle();
    const done = await bench.create({ idempotencyKey: "k", fingerprint: "f" });
    await worker.report(worker.assigned().runId, "COMPLETED");
    const cancelled = await bench.create({ agentName: "nobody" });
    await bench.cancel(cancelled.task.id);
    const retrying = await bench.create({ maxAttempts: 2 });
    await worker.report(worker.assigned().runId, "FAILED", { retryAfter: millis(10 * DAY) });
    const dead = await bench.create({ agentName: "deaf" });
    await bench.cancel(dead.task.id); // ended, but its worker has not let go
    const live = [
      retrying,
      await bench.create({ startAt: instant(bench.clock.now() + 10 * DAY) }),
      await bench.create({ agentName: "nobody" }),
      await bench.create(),
    ];
    await bench.settle();

    const retention = new Retention(bench.supervisor.core, bench.supervisor.watchers, millis(DAY));
    for (let left = DAY; left > 0; left -= 80_000) {
      await bench.clock.advance(80_000);
      await Promise.all([worker.alive(), deaf.alive()]);
    }
    expect(await retention.sweep()).toBe(0); // to the millisecond a day old is not older than a day
    await bench.clock.advance(1_000);
    expect(await retention.sweep()).toBe(2);
    for (const { task } of live) expect(await bench.show(task.id)).not.toBe("unknown");
    expect(await bench.show(dead.task.id)).toContain("held");
    expect(await bench.show(done.task.id)).toBe("unknown");
    expect(await bench.show(cancelled.task.id)).toBe("unknown");
    expect((await bench.create({ idempotencyKey: "k", fingerprint: "other" })).task.id).not.toBe(
      done.task.id,
    );
    await store.close();
  });
}

test("what is to be removed is removed in batches, and a failing store only postpones it", async () => {
  const store = storeDouble();
  const bench = await startBench(store);
  const made = await Promise.all(Array.from({ length: 450 }, () => bench.create()));
  for (const { task } of made) void bench.cancel(task.id);
  await bench.clock.advance(DAY + 1_000);
  const retention = new Retention(bench.supervisor.core, bench.supervisor.watchers, millis(DAY));
  const { removeFinished } = store;
  store.removeFinished = async () => {
    throw new Error("busy");
  };
  retention.start();
  await bench.clock.advance(600_000);
  store.removeFinished = removeFinished;
  await bench.clock.advance(600_000);
  expect(store.calls.removeFinished).toBe(3);
  expect((await bench.store.reads.tasks({ namespaces: "*" }, undefined, 10)).tasks).toEqual([]);
  retention.stop();
  await bench.clock.advance(DAY);
  expect(store.calls.removeFinished).toBe(3);
});
