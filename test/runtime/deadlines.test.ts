import { expect, test } from "vitest";
import type { TaskId } from "#domain/id";
import { instant, millis } from "#domain/time/time";
import { memoryStore } from "#stores/memory/index";
import { VirtualClock } from "#testing/virtual-time";
import { type BenchPlane, startBench } from "./kit/bench-plane.js";
import { storeDouble, stores } from "./kit/store-double.js";

async function failing(draw: number, maxAttempts: number) {
  const bench = await startBench(memoryStore(), { draw: () => draw });
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create({ maxAttempts });
  return { bench, worker, task };
}

test("timeout_ms ends the whole task, to the millisecond, and stops its worker", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create({ timeoutMs: millis(12_000), maxAttempts: 5 });
  const { runId, deadlineAt } = worker.assigned();
  expect(deadlineAt).toBe(task.createdAt + 12_000);
  await bench.clock.advance(11_999);
  expect(await bench.show(task.id)).toContain("run ASSIGNED held");
  await bench.clock.advance(1);
  expect(await bench.show(task.id)).toBe("error TIMEOUT, cancelled attempts=1, run FAILED/TIMEOUT held");
  expect(worker.frames).toEqual([
    { type: "cancel", runId, reason: "the task did not end within timeout_ms = 12000" },
  ]);
});

test("a task that nobody takes times out all the same", async () => {
  const bench = await startBench();
  const { task } = await bench.create({ timeoutMs: millis(1_000) });
  await bench.clock.advance(1_000);
  expect(await bench.show(task.id)).toBe("error TIMEOUT, cancelled attempts=0");
  expect(bench.supervisor.core.memory.waiting).toBe(0);
});

test("a task in its backoff times out, and its retry never comes", async () => {
  const { bench, worker } = await failing(0.5, 9);
  const { task } = await bench.create({ timeoutMs: millis(5_000), maxAttempts: 9 });
  for (const { runId } of worker.assignments()) {
    await worker.report(runId, "FAILED", { retryAfter: millis(60_000) });
  }
  await bench.pass(5_000, worker);
  expect(await bench.show(task.id)).toBe("error TIMEOUT, cancelled attempts=1, run FAILED/AGENT_ERROR");
});

test("start_at holds a task back until its time, to the millisecond", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create({ startAt: instant(bench.clock.now() + 7_000) });
  await bench.clock.advance(6_999);
  expect(await bench.show(task.id)).toBe("pending, pending attempts=0");
  expect(worker.assignments()).toEqual([]);
  await bench.clock.advance(1);
  expect(worker.assigned()).toMatchObject({ taskId: task.id });
});

test("backoff draws from an interval that doubles, up to a minute", async () => {
  const { bench, worker, task } = await failing(0.999, 9);
  const waits: number[] = [];
  for (let i = 0; i < 8; i += 1) {
    await worker.report(worker.assigned().runId, "FAILED");
    await bench.settle();
    const from = bench.clock.now();
    const step = (await bench.store.reads.task(task.id))?.steps[0];
    waits.push((step?.nextAttemptAt ?? 0) - from);
    await bench.pass((waits.at(-1) ?? 0) - 1, worker);
    expect(await bench.show(task.id)).toContain("waiting_for_retry");
    await bench.clock.advance(1);
  }
  expect(waits).toEqual([999, 1_998, 3_996, 7_992, 15_984, 31_968, 59_940, 59_940]);
});

test("the smallest draw tries again at once, through the same waiting state", async () => {
  const { bench, worker, task } = await failing(0, 2);
  await worker.report(worker.assigned().runId, "FAILED");
  await bench.settle();
  await bench.clock.advance(0);
  expect(worker.assigned()).toMatchObject({ attempt: 2 });
  const states = (await bench.log(task.id)).flatMap((line) =>
    line.type === "step" ? [line.step.state] : [],
  );
  expect(states).toContain("waiting_for_retry");
});

test("an agent's retry_after is waited for, unless the backoff is longer", async () => {
  const { bench, worker, task } = await failing(0.5, 3);
  await worker.report(worker.assigned().runId, "FAILED", { retryAfter: millis(9_000) });
  await bench.settle();
  const nextAt = async () => (await bench.store.reads.task(task.id))?.steps[0]?.nextAttemptAt;
  expect(await nextAt()).toBe(bench.clock.now() + 9_000);
  await bench.pass(9_000, worker);
  await worker.report(worker.assigned().runId, "FAILED", { retryAfter: millis(1) });
  await bench.settle();
  expect(await nextAt()).toBe(bench.clock.now() + 1_000);
});

test("a failure that says it is final is, however many attempts remain", async () => {
  const { bench, worker, task } = await failing(0, 9);
  await worker.report(worker.assigned().runId, "FAILED", { retryable: false, errorMessage: "no such model" });
  await bench.settle();
  expect(await bench.show(task.id)).toBe("error STEP_FAILED, error attempts=1, run FAILED/AGENT_ERROR");
  expect((await bench.store.reads.task(task.id))?.task.errorMessage).toBe("no such model");
});

test("max_attempts is exact", async () => {
  for (const maxAttempts of [1, 2, 5]) {
    const { bench, worker, task } = await failing(0, maxAttempts);
    let assigned = 0;
    for (let i = 0; i < 10; i += 1) {
      for (const { runId } of worker.assignments()) {
        assigned += 1;
        await worker.report(runId, "FAILED");
      }
      await bench.settle();
      await bench.clock.advance(0);
    }
    expect(assigned).toBe(maxAttempts);
    expect(await bench.show(task.id)).toContain(`error STEP_FAILED, error attempts=${maxAttempts}`);
  }
});

for (const { name, make } of stores) {
  test(`deadlines of every kind are kept over a restart, and come when they were due (${name})`, async () => {
    const { store, reopen } = make();
    const before = await startBench(store, { draw: () => 0.5 });
    const worker = before.worker("w1");
    await before.settle();
    const at = before.clock.now();
    const retry = await before.create({ maxAttempts: 2 });
    await worker.report(worker.assigned().runId, "FAILED", { retryAfter: millis(60_000) });
    const timeout = await before.create({ timeoutMs: millis(50_000), agentName: "nobody" });
    const start = await before.create({ startAt: instant(at + 40_000) });
    await before.settle();
    before.kill();

    const plane = await startBench(await reopen(), { clock: new VirtualClock(at + 20_000), seed: 2 });
    const other = plane.worker("w2");
    await plane.settle();
    const states = () => Promise.all([start, timeout, retry].map(({ task }) => stateOf(plane, task.id)));
    expect(await states()).toEqual(["pending", "enqueuing_steps", "waiting_for_retry"]);
    await plane.pass(20_000, other);
    expect(await states()).toEqual(["steps_in_process", "enqueuing_steps", "waiting_for_retry"]);
    await plane.pass(10_000, other);
    expect(await states()).toEqual(["steps_in_process", "error", "waiting_for_retry"]);
    await plane.pass(10_000, other);
    expect(await states()).toEqual(["steps_in_process", "error", "steps_in_process"]);
    await plane.store.close();
  });

  test(`what fell due while the plane was down comes as soon as it is up (${name})`, async () => {
    const { store, reopen } = make();
    const before = await startBench(store);
    const { task } = await before.create({ timeoutMs: millis(5_000) });
    before.kill();
    const clock = new VirtualClock(before.clock.now() + 3_600_000);
    const plane = await startBench(await reopen(), { clock, seed: 2 });
    await plane.clock.advance(1);
    expect(await stateOf(plane, task.id)).toBe("error");
    await plane.store.close();
  });
}

async function stateOf(bench: BenchPlane, taskId: TaskId): Promise<string | undefined> {
  return (await bench.store.reads.task(taskId))?.task.state;
}

test("stale deadlines, and those of tasks nobody knows, change nothing", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create({ maxAttempts: 3 });
  const { runId } = worker.assigned();
  const tell = async (kind: "start" | "timeout" | "retry", taskId: TaskId, due: number) => {
    const stepName = kind === "retry" ? "main" : "";
    const message = { type: "deadline.passed", taskId, stepName, kind, due: instant(due) } as const;
    bench.supervisor.post({ to: "task-finalizer", message, source: "timer", weight: 0 });
    await bench.settle();
  };
  const before = await bench.show(task.id);
  await tell("start", task.id, 1);
  await tell("retry", task.id, 1);
  await tell("timeout", "unknown" as TaskId, 1);
  expect(await bench.show(task.id)).toBe(before);

  await worker.report(runId, "COMPLETED");
  for (const kind of ["start", "retry", "timeout"] as const) await tell(kind, task.id, 1);
  expect(await bench.show(task.id)).toBe("complete, complete attempts=1, run COMPLETED");
  expect(bench.fatal).toEqual([]);
});

test("a deadline that is set while the store says what is due next is not forgotten", async () => {
  const store = storeDouble();
  const bench = await startBench(store);
  await bench.create({ timeoutMs: millis(1_000) });
  const { nextDueAt } = store;
  let answer = () => {};
  store.nextDueAt = async () => {
    const known = await nextDueAt();
    await new Promise<void>((resolve) => {
      answer = resolve;
    });
    return known;
  };
  await bench.clock.advance(1_000);
  const { task } = await bench.create({ timeoutMs: millis(1_000) });
  answer();
  await bench.clock.advance(1_000);
  expect(await bench.show(task.id)).toContain("error TIMEOUT");
});

test("a thousand deadlines at one instant are all met", async () => {
  const bench = await startBench();
  const made = [];
  for (let i = 0; i < 1_000; i += 1) made.push(bench.create({ timeoutMs: millis(1_000) }));
  const tasks = await Promise.all(made);
  await bench.clock.advance(1_500);
  const states = await Promise.all(tasks.map(({ task }) => stateOf(bench, task.id)));
  expect(new Set(states)).toEqual(new Set(["error"]));
  expect(await bench.store.nextDueAt()).toBeUndefined();
});
