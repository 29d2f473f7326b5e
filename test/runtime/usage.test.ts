/** What agents report of models, and where it counts. */
import { expect, test } from "vitest";
import type { RunId, TaskId } from "#domain/id";
import type { LogEntry } from "#domain/task/log";
import type { Prices } from "#domain/task/prices";
import { NO_USAGE } from "#domain/task/usage";
import { instant } from "#domain/time/time";
import { limits } from "#limits/index";
import { UsageMetrics } from "#runtime/turn/usage-metrics";
import { memoryStore } from "#stores/memory/index";
import { VirtualClock } from "#testing/virtual-time";
import { startBench } from "./kit/bench-plane.js";
import type { BenchWorker } from "./kit/bench-worker.js";

const prices: Prices = new Map([["m", { input: 3_000_000n, output: 15_000_000n, cachedInput: 300_000n }]]);

function uses(worker: BenchWorker, runId: RunId, seq: number, part = {}) {
  const used = { model: "m", inputTokens: 100, outputTokens: 10, cachedTokens: 0, toolCalls: 1, ...part };
  return worker.link.receive({ type: "usage", runId, fence: 1, seq, used });
}

const ofModels = (log: readonly LogEntry[]) =>
  log.flatMap((entry) => (entry.type === "usage" ? [entry] : []));

async function started() {
  const bench = await startBench(memoryStore(), { parts: { prices } });
  const worker = bench.worker("w1");
  await bench.create();
  await bench.settle();
  const { taskId, runId } = worker.assigned();
  const rows = async (id: TaskId = taskId) => {
    const detail = await bench.store.reads.task(id);
    return { task: detail?.task, run: detail?.runs.at(-1) };
  };
  return { bench, worker, taskId, runId, rows };
}

test("usage counts in run and task, once, with what it costs; the log has it and the worker may forget it", async () => {
  const { bench, worker, taskId, runId, rows } = await started();
  await uses(worker, runId, 0);
  await uses(worker, runId, 0); // again: its ack was lost
  await uses(worker, runId, 2); // the one before it is still to come
  await uses(worker, runId, 1, { model: "unknown" });
  await bench.settle();

  const { task, run } = await rows();
  const both = { inputTokens: 200, outputTokens: 20, cachedTokens: 0, toolCalls: 2, reports: 2 };
  expect(run?.usage).toEqual({ ...both, usdMicros: 450, unpricedTokens: 110 });
  expect(task?.usage).toEqual(run?.usage);
  expect(task?.lateUsage).toBeUndefined();
  expect(run?.status).toBe("RUNNING");
  expect(ofModels(await bench.log(taskId)).map(({ seq, used }) => [seq, used.usdMicros])).toEqual([
    [0, 450],
    [1, undefined],
  ]);
  const labels = { namespace: "default", agent: "echo", model: "m" };
  expect([
    bench.counted("taskrun_tokens_total", { ...labels, kind: "input" }),
    bench.counted("taskrun_cost_usd_micros_total", labels),
  ]).toEqual([100, 450]);
  const acks = worker.frames.flatMap((frame) => (frame.type === "ack.usage" ? [frame.nextSeq] : []));
  expect(acks).toEqual([1, 1, 1, 2]);
  expect(bench.counted("taskrun_reports_refused_total", { cause: "gap" })).toBe(1);
});

test("usage that comes after the end counts as late, and the log still ends with the end", async () => {
  const { bench, worker, taskId, runId, rows } = await started();
  await uses(worker, runId, 0);
  await worker.report(runId, "COMPLETED");
  await uses(worker, runId, 1);
  await bench.settle();

  const { task } = await rows();
  expect(task?.usage?.reports).toBe(2);
  expect(task?.lateUsage).toMatchObject({ reports: 1, usdMicros: 450 });
  const log = await bench.log(taskId);
  expect(ofModels(log)).toHaveLength(1);
  expect(log.at(-1)).toMatchObject({ type: "task", state: "complete" });
});

test("usage of a lost run counts when its worker is back, and so does that of a cancelled one", async () => {
  const { bench, taskId, runId, rows } = await started();
  await bench.pass(40_000);
  expect((await rows()).run?.reason).toBe("WORKER_LOST");
  const again = bench.worker("w1", { instance: "w1-2" });
  await bench.settle();
  await uses(again, runId, 0);
  await bench.cancel(taskId);
  await uses(again, runId, 1);
  await bench.settle();

  const { task } = await rows();
  expect([task?.state, task?.usage?.reports, task?.lateUsage?.reports]).toEqual(["cancelled", 2, 1]);
  expect(again.closed).toEqual([]);
});

test("usage of a run that nobody knows is acknowledged, so that its worker forgets it", async () => {
  const { bench, worker } = await started();
  await uses(worker, "gone" as RunId, 4);
  await bench.settle();
  expect(worker.frames).toContainEqual({ type: "ack.usage", runId: "gone", nextSeq: 5 });
  expect(bench.counted("taskrun_reports_refused_total", { cause: "unknown" })).toBe(1);
});

test("what was counted outlasts a crash, and what the worker sends again counts once", async () => {
  const store = memoryStore();
  const clock = new VirtualClock(1_000_000);
  const first = await startBench(store, { clock, audit: false });
  const worker = first.worker("w1");
  await first.create();
  await first.settle();
  const { taskId, runId } = worker.assigned();
  await uses(worker, runId, 0);
  await first.settle();
  first.kill();
  await clock.advance(1_000);

  const second = await startBench(store, { clock });
  const back = second.worker("w1");
  await second.settle();
  await uses(back, runId, 0);
  await uses(back, runId, 1);
  await second.settle();
  expect((await store.reads.task(taskId))?.task.usage?.reports).toBe(2);
});

test("what is used adds up by day, namespace, agent and model, and stays when its tasks are removed", async () => {
  const { bench, worker, taskId, runId } = await started();
  await uses(worker, runId, 0);
  await worker.report(runId, "COMPLETED");
  await uses(worker, runId, 1, { model: "n" });
  await bench.settle();
  await bench.store.removeFinished(instant(Number.MAX_SAFE_INTEGER), 10);
  expect(await bench.store.reads.task(taskId)).toBeUndefined();
  const sums = await bench.store.reads.usage({ namespaces: "*", from: 0, until: 10 }, 10);
  const told = sums.map(({ day, namespace, agentName, model, used }) =>
    [day, namespace, agentName, model, used.inputTokens, used.usdMicros].join(" "),
  );
  expect(told).toEqual(["0 default echo m 100 450", "0 default echo n 100 0"]);
});

test("metrics tell so many names apart, and count the rest as others", () => {
  const metrics = new UsageMetrics();
  const series = new Map<string, number>();
  const telemetry = {
    count: (name: string, labels = {}, by = 1) => {
      const key = JSON.stringify([name, labels]);
      series.set(key, (series.get(key) ?? 0) + by);
    },
  };
  const sum = { day: 0, namespace: "a", agentName: "x", used: { ...NO_USAGE, inputTokens: 2 } };
  const many = Array.from({ length: limits.usageSeries + 3 }, (_, i) => ({ ...sum, model: `m${i}` }));
  metrics.count(many, telemetry);
  metrics.count([{ ...sum, model: "m0" }], telemetry);
  const labels = (model: string, namespace = "a", agent = "x") => ({
    namespace,
    agent,
    model,
    kind: "input",
  });
  const of = (...words: Parameters<typeof labels>) =>
    series.get(JSON.stringify(["taskrun_tokens_total", labels(...words)]));
  expect([series.size, of("m0"), of("(other)", "(other)", "(other)")]).toEqual([
    limits.usageSeries + 1,
    4,
    6,
  ]);
});
