/** A worker id is one principal's while a session has it. */
import { expect, test } from "vitest";
import type { Caller } from "#domain/caller";
import { sharedMemory } from "#stores/memory/shared";
import { VirtualClock } from "#testing/virtual-time";
import { LEASE_OF_OURS, startBench } from "../kit/bench-plane.js";

const ann: Caller = { principal: "key:ann", namespaces: "*", roles: ["worker"] };
const bob: Caller = { principal: "key:bob", namespaces: "*", roles: ["worker"] };

test("an id is kept for its principal until the lease of its last session has ended, with or without a stream", async () => {
  const bench = await startBench();
  const first = bench.worker("w1", { caller: ann });
  await bench.settle();
  expect(first.heard()).toEqual(["welcome"]);
  const refused = bench.worker("w1", { caller: bob });
  await bench.settle();
  expect(refused.closed).toMatchObject([{ code: "denied", reason: "WORKER_ID_TAKEN" }]);

  first.link.closed();
  await bench.pass(LEASE_OF_OURS - 5_000);
  const early = bench.worker("w1", { caller: bob });
  await bench.settle();
  expect(early.closed).toMatchObject([{ reason: "WORKER_ID_TAKEN" }]);
  await bench.pass(10_000);
  const late = bench.worker("w1", { caller: bob });
  await bench.settle();
  expect(late.heard()).toEqual(["welcome"]);
  const back = bench.worker("w1", { caller: ann });
  await bench.settle();
  expect(back.closed).toMatchObject([{ reason: "WORKER_ID_TAKEN" }]);
});

test("two that say hello in one turn: the first has the id, and its session is the only one", async () => {
  const bench = await startBench();
  const [a, b] = [bench.worker("w1", { caller: ann }), bench.worker("w1", { caller: bob })];
  await bench.settle();
  expect(a.heard()).toEqual(["welcome"]);
  expect(b.closed).toMatchObject([{ reason: "WORKER_ID_TAKEN" }]);
  expect(bench.supervisor.core.memory.roster.rows().map(({ principal }) => principal)).toEqual(["key:ann"]);
});

test("on another node of the same store the id is as taken", async () => {
  const clock = new VirtualClock(1_000_000);
  const memory = sharedMemory(() => clock.now());
  const [one, two] = [
    await startBench(memory.open(), { clock, audited: memory.whole, seed: 1 }),
    await startBench(memory.open(), { clock, audited: memory.whole, seed: 2 }),
  ];
  const here = one.worker("w1", { caller: ann });
  await one.settle();
  expect(here.heard()).toEqual(["welcome"]);
  const there = two.plane.connect(bob, { unsentBytes: 0, send: () => {}, close: () => {} });
  const info = { workerId: "w1" as never, hostname: "", version: "", agents: [], labels: {}, namespaces: [] };
  const hello = { type: "hello", info, protocol: 1, instance: "i", capacity: 1, resume: [] } as const;
  await expect(there.receive(hello)).rejects.toMatchObject({ code: "denied", reason: "WORKER_ID_TAKEN" });
  const admin: Caller = { principal: "key:admin", namespaces: "*", roles: ["admin"] };
  const draining = two.plane.drainWorker(admin, "w1" as never, "away");
  await one.settle();
  expect((await draining).info.workerId).toBe("w1");
});
