import { expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import type { TaskId } from "#domain/id";
import type { TaskDraft, TaskSpec } from "#domain/task/task";
import { limits } from "#limits/index";
import { type BenchPlane, draftOf, startBench } from "../kit/bench-plane.js";
import type { AssignFrame, BenchWorker } from "../kit/bench-worker.js";
import { stores } from "../kit/store-double.js";

async function createMany(
  bench: BenchPlane,
  count: number,
  name: string,
  spec: Partial<TaskSpec> = {},
  rest: Partial<Omit<TaskDraft, "spec">> = {},
) {
  for (let from = 0; from < count; from += 1_000) {
    const drafts = Array.from({ length: Math.min(1_000, count - from) }, (_, i) =>
      draftOf(`${name}-${String(from + i).padStart(5, "0")}` as TaskId, spec, rest),
    );
    await bench.plane.submit(LOCAL_CALLER, drafts);
  }
}

/** Lets the worker finish what it gets until it gets no more; returns what it got, in order. */
async function workOff(bench: BenchPlane, worker: BenchWorker, most = 5_000): Promise<AssignFrame[]> {
  const got: AssignFrame[] = [];
  for (
    let batch = worker.assignments();
    batch.length > 0 && got.length < most;
    batch = worker.assignments()
  ) {
    for (const run of batch) await worker.report(run.runId, "COMPLETED");
    got.push(...batch);
    await bench.settle();
  }
  return got;
}

test("a namespace with one task is not kept waiting by one with a hundred", async () => {
  const bench = await startBench();
  await createMany(bench, 100, "crowd", {}, { namespace: "crowd" });
  await bench.clock.advance(60_000);
  await createMany(bench, 1, "lone", {}, { namespace: "lone" });
  const worker = bench.worker("w1", { capacity: 1 });
  await bench.settle();
  const order = (await workOff(bench, worker)).map(({ taskId }) => taskId);
  expect(order).toHaveLength(101);
  expect(order.indexOf("lone-00000" as TaskId)).toBeLessThan(2);
});

test("two namespaces with loads of 100 to 1 share a worker evenly while both have work", async () => {
  const bench = await startBench();
  await createMany(bench, 400, "crowd", {}, { namespace: "crowd" });
  const worker = bench.worker("w1", { capacity: 1 });
  await bench.settle();
  await createMany(bench, 20, "few", {}, { namespace: "few" });
  const order = (await workOff(bench, worker, 60)).map(({ taskId }) => taskId.split("-")[0]);
  expect(order.slice(0, 40).filter((name) => name === "few").length).toBeGreaterThanOrEqual(19);
});

test("higher priority goes first, and waiting makes up for it: a minute for ten points", async () => {
  const bench = await startBench();
  await createMany(bench, 1, "old", { priority: 0 });
  await bench.clock.advance(59_999);
  await createMany(bench, 1, "urgent", { priority: 10 });
  await bench.clock.advance(2);
  await createMany(bench, 1, "late", { priority: 10 });
  await createMany(bench, 1, "whenever", { priority: -100 });
  const worker = bench.worker("w1", { capacity: 1 });
  await bench.settle();
  const order = (await workOff(bench, worker)).map(({ taskId }) => taskId.split("-")[0]);
  expect(order).toEqual(["urgent", "old", "late", "whenever"]);
});

test("what nobody can take holds up nothing that somebody can", async () => {
  const bench = await startBench();
  await createMany(bench, 1_000, "stuck", { agentName: "nobody", priority: 100 });
  await createMany(bench, 300, "picky", { workerSelector: { gpu: "yes" }, priority: 100 });
  await bench.clock.advance(60_000);
  await createMany(bench, 1, "plain", { priority: -100 });
  const worker = bench.worker("w1");
  await bench.settle();
  expect(worker.assigned().taskId).toBe("plain-00000");
});

test("a worker gets only what its labels, agents and namespaces allow", async () => {
  const bench = await startBench();
  const workers = {
    plain: bench.worker("plain"),
    gpu: bench.worker("gpu", { info: { labels: { gpu: "yes", zone: "a" } }, capacity: 1 }),
    other: bench.worker("other", { agents: ["other"], info: { namespaces: ["team"] } }),
  };
  await bench.settle();
  await createMany(bench, 2, "gpu", { workerSelector: { gpu: "yes" } });
  await createMany(bench, 1, "zone", { workerSelector: { gpu: "yes", zone: "b" } });
  await createMany(bench, 1, "team", { agentName: "other" }, { namespace: "team" });
  await createMany(bench, 1, "default", { agentName: "other" });
  await bench.settle();
  const got = Object.entries(workers).map(([name, worker]) => [
    name,
    worker.assignments().map(({ taskId }) => taskId),
  ]);
  expect(Object.fromEntries(got)).toEqual({ plain: [], gpu: ["gpu-00000"], other: ["team-00000"] });
});

test("a worker that names no namespace takes the work of all", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1", { capacity: 3 });
  await bench.settle();
  for (const namespace of ["default", "team", "constructor"]) {
    await createMany(bench, 1, namespace, {}, { namespace });
  }
  await bench.settle();
  expect(worker.assignments().map(({ taskId }) => taskId)).toEqual([
    "default-00000",
    "team-00000",
    "constructor-00000",
  ]);
});

test("work goes to the worker with the smallest share of its slots taken", async () => {
  const bench = await startBench();
  const big = bench.worker("big", { capacity: 8 });
  const small = bench.worker("small", { capacity: 2 });
  await bench.settle();
  await createMany(bench, 5, "t");
  await bench.settle();
  expect([big.assignments().length, small.assignments().length]).toEqual([4, 1]);
});

for (const { name, make } of stores) {
  test(`a backlog far longer than its page is worked off whole, in order (${name})`, async () => {
    const { store } = make();
    const bench = await startBench(store);
    const count = name === "memory" ? 2_000 : 700;
    await createMany(bench, count, "t");
    const worker = bench.worker("w1", { capacity: 50 });
    await bench.settle();
    const order = (await workOff(bench, worker)).map(({ taskId }) => taskId);
    expect(order).toHaveLength(count);
    expect(order).toEqual([...order].sort());
    expect(bench.supervisor.core.memory.backlog.size).toBe(0);
    await store.close();
  });
}

test("a worker with more slots than one turn assigns is filled by the turns that follow", async () => {
  const bench = await startBench();
  await createMany(bench, 1_500, "t");
  const worker = bench.worker("w1", { capacity: 1_000 });
  await bench.settle();
  expect(worker.assignments()).toHaveLength(1_000);
});

test("exactly a page of waiting tasks, read from the store, leaves no lane behind", async () => {
  const before = await startBench();
  await createMany(before, limits.lanePage, "t");
  before.kill();
  const bench = await startBench(before.store, { clock: before.clock, seed: 2 });
  const worker = bench.worker("w1", { capacity: 16 });
  await bench.settle();
  expect(await workOff(bench, worker)).toHaveLength(limits.lanePage);
  expect(bench.supervisor.core.memory.backlog.size).toBe(0);
  expect((await bench.store.boot()).lanes).toEqual([]);
});

test("urgent work that comes while the page is full goes before what is in the page", async () => {
  const bench = await startBench();
  await createMany(bench, 600, "slow");
  await createMany(bench, 3, "urgent", { priority: 50 });
  await createMany(bench, 3, "never", { priority: -50 });
  const worker = bench.worker("w1", { capacity: 10 });
  await bench.settle();
  const order = (await workOff(bench, worker)).map(({ taskId }) => taskId.split("-")[0]);
  expect(order.slice(0, 3)).toEqual(["urgent", "urgent", "urgent"]);
  expect(order.slice(-3)).toEqual(["never", "never", "never"]);
  expect(order).toHaveLength(606);
});

test("a draining worker keeps what it has and gets nothing more, until it says hello anew", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1", { capacity: 5 });
  await bench.settle();
  await createMany(bench, 1, "before");
  expect(worker.assignments()).toHaveLength(1);
  const view = await bench.plane.drainWorker(LOCAL_CALLER, "w1" as never, "maintenance");
  expect(view).toMatchObject({ status: "DRAINING", activeRuns: 1 });
  await createMany(bench, 1, "after");
  await worker.alive({ status: "IDLE" });
  await bench.settle();
  expect(worker.heard()).toEqual(["drain"]);
  const again = bench.worker("w1");
  await bench.settle();
  expect(again.assignments().map(({ taskId }) => taskId)).toContain("after-00000");
  await expect(bench.plane.drainWorker(LOCAL_CALLER, "w9" as never, "")).rejects.toThrow(
    "Worker w9 not found",
  );
});
