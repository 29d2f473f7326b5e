import { expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import type { TaskId } from "#domain/id";
import type { TemplateStep } from "#domain/template/template";
import { VirtualClock } from "#testing/virtual-time";
import type { BenchPlane } from "../kit/bench-plane.js";
import { startBench, TERMS } from "../kit/bench-plane.js";
import type { AssignFrame } from "../kit/bench-worker.js";
import { stores } from "../kit/store-double.js";
import { begin, stepOf, template } from "../kit/workflow-bench.js";

/** Workers that die of every Run they are given, each followed by another, until none comes any more. */
async function poison(bench: BenchPlane, from = 0): Promise<AssignFrame[]> {
  const assigned: AssignFrame[] = [];
  for (let i = from; i < from + 30; i += 1) {
    const victim = bench.worker(`w${i}`);
    await bench.settle();
    for (let beats = 0; beats < 20 && victim.frames.length < 2; beats += 1) await bench.pass(5_000, victim);
    const frames = victim.assignments();
    assigned.push(...frames);
    for (const { runId } of frames) await victim.report(runId, "RUNNING");
    victim.link.closed();
    await bench.clock.advance(TERMS.lease * 2);
    if (frames.length === 0) break;
  }
  return assigned;
}

/** Assigns a Step to a worker, which comes back without it so often. */
async function lose(bench: BenchPlane, times: number): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    const worker = bench.worker("w1", { instance: `${bench.clock.now()}` });
    await bench.pass(70_000, worker);
    for (const { runId } of worker.assignments()) await worker.report(runId, "RUNNING");
  }
  bench.worker("w1", { instance: "last", agents: ["another"] });
  await bench.settle();
}

test.each([
  [undefined, 4],
  [0, 1],
  [1, 2],
  [7, 8],
])(
  "with max_losses %s a step that ends its workers is assigned %i times, in one attempt",
  async (maxLosses, times) => {
    const bench = await startBench();
    const { task } = await bench.create({ maxLosses: maxLosses ?? null });
    const assigned = await poison(bench);
    expect(assigned.map(({ attempt }) => attempt)).toEqual(Array(times).fill(1));
    expect(assigned.map(({ fence }) => fence)).toEqual(Array.from({ length: times }, (_, i) => i + 1));
    expect(await stepOf(bench, task.id, "main")).toMatchObject({
      state: "error",
      attempts: 0,
      losses: times,
    });
    expect(await bench.show(task.id)).toMatch(/^error WORKER_LOST, /);
  },
);

test.each(stores)("a plane that is killed in between counts the same losses ($name)", async ({ make }) => {
  const { store, reopen } = make();
  const before = await startBench(store);
  const { task } = await before.create({ maxLosses: 3 });
  await lose(before, 1);
  const victim = before.worker("w2");
  await before.settle();
  await victim.report(victim.assigned().runId, "RUNNING");
  before.kill(); // the victim too: its second loss is known only after the restart

  const clock = new VirtualClock(before.clock.now());
  const plane = await startBench(await reopen(), { clock, seed: 2 });
  await clock.advance(TERMS.lease * 1.5);
  expect(await stepOf(plane, task.id, "main")).toMatchObject({ attempts: 0, losses: 2 });
  expect((await poison(plane, 10)).map(({ fence, attempt }) => [fence, attempt])).toEqual([
    [3, 1],
    [4, 1],
  ]);
  expect(await stepOf(plane, task.id, "main")).toMatchObject({ state: "error", losses: 4 });
  await plane.store.close();
});

test("losses and failures are counted apart, over all attempts", async () => {
  const bench = await startBench();
  const { task } = await bench.create({ maxAttempts: 2, maxLosses: 2 });
  await lose(bench, 1);
  const other = bench.worker("w2");
  await bench.pass(70_000, other);
  await other.report(other.assigned().runId, "FAILED", { errorMessage: "no" });
  other.link.closed();
  expect(await stepOf(bench, task.id, "main")).toMatchObject({ attempts: 1, losses: 1 });
  await bench.clock.advance(70_000);
  const runs = (await poison(bench, 10)).map(({ attempt }) => attempt);
  expect(runs).toEqual([2, 2]);
  expect(await stepOf(bench, task.id, "main")).toMatchObject({ state: "error", attempts: 1, losses: 3 });
});

test("output that is lost counts as a lost worker does", async () => {
  const bench = await startBench();
  const first = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create({ maxLosses: 0 });
  const { runId, fence } = first.assigned();
  bench.worker("w1", { resume: [{ runId, fence, nextSeq: 9 }] });
  await bench.settle();
  expect(await bench.show(task.id)).toBe("error OUTPUT_LOST, error attempts=0, run FAILED/OUTPUT_LOST held");
  expect((await stepOf(bench, task.id, "main")).errorMessage).toBe(
    'OUTPUT_LOST: 1 run was lost, and max_losses is 0; the last on worker "w1": output from seq 0 is lost: the worker can send it only from 9',
  );
});

test("a step avoids the worker that lost it, longer each time, and waits after the second loss", async () => {
  const bench = await startBench();
  await bench.create({ maxLosses: 9 });
  const waits: number[] = [];
  let worker = bench.worker("w1", { instance: "0" });
  await bench.settle();
  for (let i = 1; i < 9; i += 1) {
    await worker.report(worker.assigned().runId, "RUNNING");
    worker = bench.worker("w1", { instance: `${i}` });
    await bench.settle();
    worker.frames.shift(); // its welcome
    const from = bench.clock.now();
    for (; worker.frames.length === 0; await bench.clock.advance(500)) await worker.alive();
    waits.push(bench.clock.now() - from);
  }
  expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
});

/** The number of a template's Step, and what the request makes of it. */
async function mostOf(retry: TemplateStep["retry"], asked?: number): Promise<number | null> {
  const bench = await startBench();
  const step = retry ? { name: "a", retry } : { name: "a" };
  const { task } = await begin(bench, template([step]), { maxLosses: asked ?? null });
  return (await stepOf(bench, task.id, "a")).maxLosses;
}

test("a template's step may lose three runs, or what it says, and none if it is not retryable", async () => {
  expect(await mostOf(undefined)).toBe(3);
  expect(await mostOf({ max_attempts: 1 })).toBe(3);
  expect(await mostOf({ max_losses: 0 })).toBe(0);
  expect(await mostOf({ retryable: false })).toBe(0);
  expect(await mostOf({ retryable: false, max_losses: 2 })).toBe(2);
});

test("a request says it for every step, and cannot raise what is not retryable", async () => {
  expect(await mostOf({ max_losses: 1 }, 5)).toBe(5);
  expect(await mostOf({ max_losses: 5 }, 0)).toBe(0);
  expect(await mostOf({ retryable: false }, 5)).toBe(0);
  expect(await mostOf({ retryable: false, max_losses: 2 }, 5)).toBe(2);
  expect(await mostOf({ retryable: false, max_losses: 2 }, 1)).toBe(1);
});

test("members of a map may lose what their map may, and a child what its parent's step may", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1", { capacity: 100 });
  await bench.settle();
  const steps: TemplateStep[] = [
    { name: "each", type: "map", map: { over: "input/list" }, retry: { max_losses: 5 } },
    { name: "part", type: "child_task", child: { agent: "echo" }, retry: { retryable: false } },
  ];
  const { task } = await begin(bench, template(steps), { input: { list: [1, 2] } });
  await bench.clock.advance(1);
  await bench.settle();
  expect(await stepOf(bench, task.id, "each_001")).toMatchObject({ maxLosses: 5 });
  const child = (await stepOf(bench, task.id, "part")).childId as TaskId;
  expect(await stepOf(bench, child, "main")).toMatchObject({ maxLosses: 0, maxAttempts: 1 });
  expect(worker.assignments()).toHaveLength(3);
});

test("an operator who has a step tried again gives it all its losses again", async () => {
  const bench = await startBench();
  const { task } = await begin(bench, template([{ name: "a" }], { hold_on_failure: true }), { maxLosses: 1 });
  expect(await poison(bench)).toHaveLength(2);
  expect(await stepOf(bench, task.id, "a")).toMatchObject({ state: "error", losses: 2 });
  await bench.plane.resolve(LOCAL_CALLER, task.id, "a", { type: "retry" });
  expect(await poison(bench, 40)).toHaveLength(2);
});
