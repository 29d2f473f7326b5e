import { expect, test } from "vitest";
import { startBench } from "../kit/bench-plane.js";
import { startNodes } from "./kit/nodes.js";

test("of a store of one process one node is listed: this server, with its workers and runs", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  await bench.create();
  await bench.settle();
  worker.assigned();

  const [only, ...others] = await bench.plane.nodes();
  expect(others).toEqual([]);
  expect(only).toMatchObject({ state: "live", workers: 1, runs: 1, takenBy: "", leaseUntil: 0 });
  expect((await bench.plane.nodes())[0]?.id).toBe(only?.id);
  expect(bench.plane.node).toBeUndefined();

  bench.supervisor.drain();
  expect(await bench.plane.nodes()).toMatchObject([{ state: "draining" }]);
});

test("nodes over one store list each other; each knows its own state and lease", async () => {
  const { all, pass } = await startNodes(2);
  const [a, b] = all as [(typeof all)[0], (typeof all)[0]];
  const worker = a.worker("w1");
  await pass(1_000, worker);

  const listed = await b.plane.nodes();
  expect(listed.map(({ state, workers }) => [state, workers]).toSorted()).toEqual([
    ["live", 0],
    ["live", 1],
  ]);
  expect(listed.map(({ id }) => id)).toContain(a.plane.node?.id);
  expect(a.plane.node).toMatchObject({ state: "live" });
  expect(a.plane.node?.leaseSeconds).toBeGreaterThan(0);

  a.supervisor.drain();
  await pass(1_000, worker);
  expect(a.plane.node).toMatchObject({ state: "draining" });
  expect((await b.plane.nodes()).map(({ state }) => state).toSorted()).toEqual(["draining", "live"]);
});
