import { expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import { instant, millis } from "#domain/time/time";
import { startBench } from "./kit/bench-plane.js";
import { storeDouble } from "./kit/store-double.js";

test("a plane with nothing to do asks its store nothing, however long", async () => {
  const store = storeDouble();
  const bench = await startBench(store);
  await bench.settle();
  const { statements } = store;
  await bench.clock.advance(24 * 3_600_000);
  expect(store.statements).toBe(statements);
  expect(bench.clock.pending()).toEqual([]);
});

test("with workers that beat, runs that last, tasks that wait and a watcher, it still asks nothing", async () => {
  const store = storeDouble();
  const bench = await startBench(store);
  const workers = [
    bench.worker("w1"),
    bench.worker("w2", { capacity: 1 }),
    bench.worker("old", { protocol: 0 }),
  ];
  await bench.settle();
  const runs = [];
  for (let i = 0; i < 5; i += 1) runs.push(await bench.create());
  for (let i = 0; i < 5; i += 1) await bench.create({ agentName: "nobody" });
  await bench.create({ startAt: instant(bench.clock.now() + 3_600_000), timeoutMs: millis(7_200_000) });
  const [first] = runs;
  const watch = bench.plane.watch(LOCAL_CALLER, first?.task.id as never, 5, new AbortController().signal);
  const next = watch[Symbol.asyncIterator]().next();
  await bench.settle();

  const { statements } = store;
  const turns = bench.counted("taskrun_turns_total");
  await bench.pass(30_000, ...workers);
  expect(store.statements).toBe(statements);
  expect(bench.counted("taskrun_turns_total")).toBe(turns);
  void next;
});

test("a deadline an hour away costs one look when it comes, and none before", async () => {
  const store = storeDouble();
  const bench = await startBench(store);
  await bench.create({ startAt: instant(bench.clock.now() + 3_600_000) });
  await bench.settle();
  const { statements } = store;
  await bench.clock.advance(3_599_999);
  expect(store.statements).toBe(statements);
  await bench.clock.advance(10_000);
  expect(store.calls.due).toBe(1);
  expect(store.statements - statements).toBeLessThan(8);
});

test("steps that keep away from a worker wake the scheduler when they need no longer, once", async () => {
  const store = storeDouble();
  const bench = await startBench(store);
  const worker = bench.worker("w1");
  await bench.settle();
  await bench.create();
  await worker.link.receive({ type: "decline", runId: worker.assigned().runId, reason: "no" });
  await bench.settle();
  const turns = bench.counted("taskrun_turns_total");
  await bench.clock.advance(500);
  expect(worker.assignments()).toHaveLength(1);
  expect(bench.counted("taskrun_turns_total")).toBe(turns + 1);
});
