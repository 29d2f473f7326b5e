/** The bytes that Runs of a namespace may write in a day, in virtual time. */
import { expect, test } from "vitest";
import { Fault } from "#domain/fault";
import type { NamespaceLimits } from "#domain/namespace-limits";
import { limits } from "#limits/index";
import { MIB } from "#limits/units";
import type { Store } from "#ports/store";
import { memoryStore } from "#stores/memory/index";
import { VirtualClock } from "#testing/virtual-time";
import { type BenchPlane, startBench } from "./kit/bench-plane.js";
import type { BenchWorker } from "./kit/bench-worker.js";
import { noNodes } from "./nodes/kit/nodes.js";

const DAY = 86_400_000;
const namespaceLimits: NamespaceLimits = {
  waitingTasks: new Map(),
  dailyOutput: new Map([["small", 1 * MIB]]),
};

/** Noon of some day. */
const NOON = 20_000 * DAY + DAY / 2;

async function started(store: Store = memoryStore(), clock = new VirtualClock(NOON)) {
  const bench = await startBench(store, { clock, parts: { namespaceLimits } });
  const worker = bench.worker("w1", { capacity: 10 });
  await bench.settle();
  return { bench, worker };
}

/** A Task of the namespace, which writes that much; its Run goes on. */
async function writes(bench: BenchPlane, worker: BenchWorker, namespace: string, kib: number) {
  worker.assignments();
  await bench.create({}, { namespace });
  await bench.settle();
  const { runId } = worker.assigned();
  for (let seq = 0; seq < kib / 32; seq++) await worker.output(runId, seq, "x".repeat(32 * 1_024));
  await bench.settle();
  return runId;
}

async function outcome(bench: BenchPlane, namespace: string): Promise<string> {
  const made = await bench.tryCreate({}, { namespace });
  return made instanceof Fault ? made.reason : "made";
}

test("a namespace that has written its day's output gets no new task; what runs goes on; others are none the wiser", async () => {
  const { bench, worker } = await started();
  const runId = await writes(bench, worker, "small", 992);
  expect(await outcome(bench, "small")).toBe("made");
  const before = worker.assigned();
  await worker.output(runId, 31, "x".repeat(32 * 1_024));
  await bench.settle();

  const refused = await bench.tryCreate({}, { namespace: "small" });
  expect(refused).toMatchObject({ reason: "DAILY_OUTPUT", details: { retryAfter: DAY / 2 } });
  expect((refused as Fault).message).toBe(
    'namespace "small" has 1 MiB of output of today, the most that daily-output lets it have: nothing was stored; ' +
      "what runs goes on, and new tasks are taken again from midnight, UTC",
  );
  expect(await outcome(bench, "other")).toBe("made");
  // Nothing of what runs is lost, beyond the limit either.
  await worker.output(runId, 32, "after it");
  await worker.report(runId, "COMPLETED");
  await worker.output(before.runId, 0, "another");
  await bench.settle();
  const { entries } = await bench.store.reads.log(before.taskId, 0, 1e6);
  expect(entries.map(({ type }) => type)).toContain("output");
});

test("at midnight all is as new", async () => {
  const { bench, worker } = await started(memoryStore(), new VirtualClock(NOON + DAY / 2 - 60_000));
  const runId = await writes(bench, worker, "small", 1_024);
  expect(await outcome(bench, "small")).toBe("DAILY_OUTPUT");
  await bench.pass(50_000, worker);
  expect(await outcome(bench, "small")).toBe("DAILY_OUTPUT");
  await bench.pass(20_000, worker);
  expect(await outcome(bench, "small")).toBe("made");
  await worker.output(runId, 32, "of the next day");
  await bench.settle();
  expect(await outcome(bench, "small")).toBe("made");
});

test("a restart remembers what was stored; a crash forgets the last seconds, and no more", async () => {
  const clock = new VirtualClock(NOON);
  const store = memoryStore();
  const first = await started(store, clock);
  const half = async ({ bench, worker }: typeof first) =>
    worker.report(await writes(bench, worker, "small", 512), "COMPLETED");
  await half(first);
  await first.bench.pass(limits.usageEvery, first.worker);
  await half(first);
  expect(await outcome(first.bench, "small")).toBe("DAILY_OUTPUT");
  first.bench.kill();

  // The second half MiB was written less than `usageEvery` before.
  const second = await started(store, clock);
  expect(await outcome(second.bench, "small")).toBe("made");
  await half(second);
  expect(await outcome(second.bench, "small")).toBe("DAILY_OUTPUT");
  await second.bench.supervisor.stop();

  const third = await started(store, clock);
  expect(await outcome(third.bench, "small")).toBe("DAILY_OUTPUT");
});

test("an idle plane asks its own store for nothing", async () => {
  const store = memoryStore();
  let asked = 0;
  const usage: Store["usage"] = {
    putOutput: async (own) => {
      asked++;
      return (await store.usage?.putOutput(own)) ?? new Map();
    },
  };
  const counting = new Proxy(store, {
    get: (target, name) => {
      if (name === "usage") return usage;
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const { bench, worker } = await started(counting);
  await bench.pass(60_000, worker);
  expect(asked).toBe(1);
  await writes(bench, worker, "other", 64);
  await bench.pass(60_000, worker);
  expect(asked).toBe(1);
  await writes(bench, worker, "small", 64);
  await bench.pass(60_000, worker);
  expect(asked).toBe(2);
});

test("of several nodes each counts at once what it commits, and within seconds what the others have", async () => {
  const nodes = noNodes();
  const parts = { namespaceLimits };
  const a = await nodes.start({ parts });
  const b = await nodes.start({ parts });
  const worker = a.worker("w1", { capacity: 10 });
  await nodes.settle();
  await writes(a, worker, "small", 1_024);
  expect(await outcome(a, "small")).toBe("DAILY_OUTPUT");
  expect(await outcome(b, "small")).toBe("made");
  await nodes.pass(2 * limits.usageEvery, worker);
  expect(await outcome(b, "small")).toBe("DAILY_OUTPUT");
});
