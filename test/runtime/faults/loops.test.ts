/** What comes back again and again comes slower each time, and not for ever: counted in simulated hours. */
import { describe, expect, test } from "vitest";
import type { TaskId } from "#domain/id";
import { limits } from "#limits/index";
import { memoryStore } from "#stores/memory/index";
import { type BenchPlane, startBench } from "../kit/bench-plane.js";
import type { AssignFrame, BenchWorker } from "../kit/bench-worker.js";
import { begin, shown, stepOf, template } from "../kit/workflow-bench.js";

type Answer = (worker: BenchWorker, frame: AssignFrame) => Promise<unknown>;

const decline: Answer = ({ link }, { runId }) =>
  link.receive({ type: "decline", runId, reason: "I must go" });
const stopAt =
  (cursor: (count: number) => string): Answer =>
  ({ link }, { runId, fence }) =>
    link.receive({ type: "yield", runId, fence, cursor: cursor(fence), output: "" });

/** An hour, in which every assignment is answered as soon as it has come; returns how many there were. */
async function play(bench: BenchPlane, workers: readonly BenchWorker[], answer: Answer, minutes = 60) {
  let runs = 0;
  const end = bench.clock.now() + minutes * 60_000;
  for (let heardAt = 0; bench.clock.now() < end; ) {
    await bench.settle();
    const assigned = workers.flatMap((worker) => worker.assignments().map((frame) => ({ worker, frame })));
    for (const { worker, frame } of assigned) await answer(worker, frame);
    runs += assigned.length;
    if (runs > 20_000) throw new Error("a loop without a bound");
    if (assigned.length > 0) continue;
    if (bench.clock.now() - heardAt >= 5_000) {
      heardAt = bench.clock.now();
      for (const worker of workers) await worker.alive();
    }
    const next = Math.min(bench.clock.pending()[0] ?? end, heardAt + 5_000, end);
    await bench.clock.advanceTo(
      Math.max(next, bench.clock.now() + 1) as typeof end & ReturnType<typeof bench.clock.now>,
    );
  }
  return runs;
}

async function setUp(...names: readonly string[]) {
  const bench = await startBench();
  const workers = (names.length > 0 ? names : ["w1"]).map((name) => bench.worker(name));
  await bench.settle();
  return { bench, workers };
}

const errorOf = async (bench: BenchPlane, id: TaskId) => {
  const detail = await bench.store.reads.task(id);
  return `${detail?.task.state} ${detail?.task.reason} ${detail?.task.errorMessage}`;
};

describe("a step that is handed back", () => {
  for (const names of [["w1"], ["w1", "w2"], ["w1", "w2", "w3"]]) {
    test(`by ${names.length} workers in turn comes ever slower, and fails with the reason`, async () => {
      const { bench, workers } = await setUp(...names);
      const { task } = await bench.create();
      expect(await play(bench, workers, decline, 60)).toBeLessThan(70);
      expect(await shown(bench, task.id)).toBe("steps_in_process main=enqueued");
      await play(bench, workers, decline, 60);
      expect((await stepOf(bench, task.id, "main")).fence).toBe(limits.fruitlessRuns);
      expect(await errorOf(bench, task.id)).toMatch(
        /^error DECLINE_LIMIT DECLINE_LIMIT: the step was handed back 100 times in a row, the last by worker "w\d": I must go$/,
      );
    });
  }

  test("goes to a worker that takes it at once, however many have said no before", async () => {
    const { bench, workers } = await setUp("w1", "w2");
    const { task } = await bench.create();
    await play(bench, workers, decline, 2);
    const good = bench.worker("w3");
    const began = bench.clock.now();
    await play(
      bench,
      [...workers, good],
      (worker, frame) => (worker === good ? worker.report(frame.runId, "COMPLETED") : decline(worker, frame)),
      3,
    );
    const detail = await bench.store.reads.task(task.id);
    expect(detail?.task.state).toBe("complete");
    expect(Number(detail?.task.finishedAt) - began).toBeLessThan(120_000);
  });

  test("because its assignment does not reach a process that comes back and back comes ever slower", async () => {
    const bench = await startBench();
    const { task } = await bench.create();
    let streams = 0;
    const end = bench.clock.now() + 3_600_000;
    while (bench.clock.now() < end) {
      // It opens a stream, is given the Run, loses the stream, and says hello again, as the same process.
      const worker = bench.worker("w1", { instance: "same" });
      streams += 1;
      await bench.settle();
      worker.link.closed();
      await bench.clock.advance(1_500);
    }
    expect(streams).toBe(2_400);
    expect((await stepOf(bench, task.id, "main")).fence).toBeLessThan(limits.fruitlessRuns);
  });

  test("does not hold up what others of its lane are ready to do", async () => {
    const { bench, workers } = await setUp("w1");
    await bench.create();
    await play(bench, workers, decline, 3);
    const { task } = await bench.create();
    await play(bench, workers, (worker, { runId }) => worker.report(runId, "COMPLETED"), 0.01);
    expect((await bench.store.reads.task(task.id))?.task.state).toBe("complete");
  });

  test("waits on over a restart", async () => {
    const store = memoryStore();
    const first = await startBench(store);
    const workers = [first.worker("w1"), first.worker("w2")];
    const { task } = await first.create();
    await play(first, workers, decline, 4);
    const { nextAttemptAt } = await stepOf(first, task.id, "main");
    expect(nextAttemptAt).toBeGreaterThan(first.clock.now());
    first.kill();

    const second = await startBench(store, { clock: first.clock, audit: false });
    const worker = second.worker("w3");
    await second.settle();
    expect(worker.assignments()).toEqual([]);
    await second.pass(nextAttemptAt - second.clock.now() + 1, worker);
    expect(worker.assignments().map(({ taskId }) => taskId)).toEqual([task.id]);
  });
});

describe("a step that stops at checkpoints", () => {
  test("at once and at the same one comes ever slower, and fails with the reason", async () => {
    const { bench, workers } = await setUp();
    const { task } = await bench.create();
    expect(
      await play(
        bench,
        workers,
        stopAt(() => "7"),
        60,
      ),
    ).toBeLessThan(70);
    await play(
      bench,
      workers,
      stopAt(() => "7"),
      60,
    );
    expect(await errorOf(bench, task.id)).toBe(
      "error YIELD_LIMIT YIELD_LIMIT: 100 runs in a row stopped at the checkpoint that they began from",
    );
  });

  test("at once but at another each time is paced", async () => {
    const { bench, workers } = await setUp();
    const { task } = await bench.create();
    // The bound on all of them together is a unit's matter: it takes three days and a half.
    const runs = await play(bench, workers, stopAt(String), 60);
    expect(runs).toBeGreaterThan(1_000);
    expect(runs).toBeLessThan(1_200);
    expect((await stepOf(bench, task.id, "main")).state).toBe("enqueued");
  });

  test("and works for a minute between them is never slowed", async () => {
    const { bench, workers } = await setUp();
    const { task } = await bench.create();
    const [worker] = workers as [BenchWorker];
    for (let count = 1; count <= 200; count += 1) {
      await bench.pass(60_000, worker);
      const frame = worker.assigned();
      await stopAt(String)(worker, frame);
      await bench.settle();
    }
    expect((await stepOf(bench, task.id, "main")).fence).toBeGreaterThanOrEqual(200);
  });
});

test("a step whose workers are lost at once again and again is tried ever slower", async () => {
  const bench = await startBench();
  const { task } = await bench.create({ maxLosses: 100 });
  const end = bench.clock.now() + 3_600_000;
  let count = 0;
  while (bench.clock.now() < end) {
    // Each time another process, which crashes as soon as it has begun; of two, so that one at least is not avoided.
    const worker = bench.worker(`w${count % 2}`, { instance: `crash-${count}` });
    count += 1;
    await bench.settle();
    worker.link.closed();
    await bench.clock.advance(1_500);
  }
  expect((await stepOf(bench, task.id, "main")).fence).toBeLessThan(70);
});

test("a task within a task that fails at once is tried ever slower, although its step knows no backoff", async () => {
  const { bench, workers } = await setUp();
  const retry = { max_attempts: 100, backoff: "none" } as const;
  const child = (name: string, version?: string) =>
    ({
      name: "sub",
      type: "child_task",
      child: { template: { name, ...(version && { version }) } },
      retry,
    }) as const;
  await begin(bench, template([{ name: "leaf", retry: { max_attempts: 1 } }], { name: "inner" }));
  await begin(bench, template([child("inner")], { name: "middle" }));
  await begin(bench, template([child("middle")], { name: "outer" }));
  const fail: Answer = (worker, { runId }) =>
    worker.report(runId, "FAILED", { errorMessage: "no", retryable: true });
  // Two levels of a hundred attempts each, without a pause: ten thousand within seconds.
  expect(await play(bench, workers, fail, 60)).toBeLessThan(250);
});
