import { expect, test } from "vitest";
import type { RunId } from "#domain/id";
import type { RefusedReport } from "#domain/task/report";
import { limits } from "#limits/index";
import { startBench } from "../kit/bench-plane.js";

const refused = (runId: RunId, rest: Partial<RefusedReport> = {}): RefusedReport => {
  return { type: "refused", runId, message: "output_chunk.content is too long", last: false, ...rest };
};

/** Two runs of two tasks in the hands of one worker. */
async function twoRuns(protocol: 0 | 1 = 1, audit = true) {
  const bench = await startBench(undefined, { audit });
  const worker = bench.worker("w1", { protocol });
  await bench.settle();
  const tasks = [await bench.create({ maxAttempts: 3 }), await bench.create({ maxAttempts: 3 })];
  await bench.settle();
  const [bad, good] = worker.assignments().map(({ runId, taskId }) => ({ runId, taskId }));
  if (!bad || !good) throw new Error("there should be two assignments");
  const frames = () => worker.frames.splice(0);
  return { bench, worker, tasks, bad, good, frames };
}

test.each([0, 1] as const)(
  "a refused report costs its run alone, from a worker of protocol %i",
  async (protocol) => {
    const { bench, worker, bad, good, frames } = await twoRuns(protocol);

    await worker.link.receive(refused(bad.runId));
    await bench.settle();

    expect(await bench.show(bad.taskId)).toBe(
      "error STEP_FAILED, error attempts=1, run FAILED/REPORT_INVALID held",
    );
    expect(frames()).toEqual([
      { type: "cancel", runId: bad.runId, reason: "REPORT_INVALID: output_chunk.content is too long" },
    ]);
    await worker.report(good.runId, "COMPLETED");
    await bench.settle();
    expect(await bench.show(good.taskId)).toBe("complete, complete attempts=1, run COMPLETED");
    expect(worker.closed).toEqual([]);
  },
);

test("after a refused last word the worker may forget the run, and its place is free", async () => {
  const { bench, worker, bad, frames } = await twoRuns();

  await worker.link.receive(refused(bad.runId, { last: true }));
  await bench.settle();

  expect(await bench.show(bad.taskId)).toBe("error STEP_FAILED, error attempts=1, run FAILED/REPORT_INVALID");
  expect(frames().map(({ type }) => type)).toEqual(["cancel", "ack.status"]);
  // Its ack was lost, and the same comes again.
  await worker.link.receive(refused(bad.runId, { last: true }));
  await bench.settle();
  expect(frames().map(({ type }) => type)).toEqual(["ack.status"]);
});

test("a flood of refused reports costs one run once, and nobody else anything", async () => {
  const { bench, worker, bad, good } = await twoRuns();

  for (let i = 0; i < 1_000; i += 1) await worker.link.receive(refused(bad.runId));
  await bench.settle();

  expect(bench.counted("taskrun_reports_refused_total", { cause: "invalid" })).toBe(1);
  expect(bench.counted("taskrun_reports_refused_total", { cause: "ended" })).toBe(999);
  expect((await bench.log(bad.taskId)).filter(({ type }) => type === "run")).toHaveLength(2);
  expect(await bench.show(good.taskId)).toContain("run ASSIGNED held");
});

test("a refused report about another's run, or an earlier attempt, changes nothing", async () => {
  const { bench, worker, bad } = await twoRuns();
  const other = bench.worker("w2");
  await bench.settle();

  await other.link.receive(refused(bad.runId));
  await worker.link.receive(refused(bad.runId, { fence: 7 }));
  await bench.settle();

  expect(await bench.show(bad.taskId)).toContain("run ASSIGNED held");
});

test.each(["output", "event", "chat"] as const)(
  "%s that says nothing still counts against what a run may say",
  async (kind) => {
    const { bench, worker, bad } = await twoRuns(1, false); // its log is longer than an audit reads
    const { runId } = bad;
    const most = limits.runOutputBytes / limits.reportBytes;
    const say = (i: number) => {
      if (kind === "output") return worker.output(runId, i, "");
      if (kind === "event")
        return worker.link.receive({ type: "event", runId, id: "", kind: 2, sentAt: 0, metadata: {} });
      return worker.link.receive({ type: "chat", runId, role: 1, content: "", sentAt: 0 });
    };
    // All but two of them at once, in the weight of a few large ones.
    const large = "x".repeat(limits.chunkBytes);
    const chunks = limits.runOutputBytes / limits.chunkBytes - 1;
    for (let seq = 0; seq < chunks; seq += 1) {
      await worker.output(runId, seq, large);
      if (seq % 64 === 0) await bench.settle();
    }
    const small = limits.chunkBytes / limits.reportBytes;
    for (let i = 0; i < small; i += 1) await say(chunks + i);
    await bench.settle();
    expect(most).toBe(262_144);
    expect(await bench.show(bad.taskId)).toContain("run ASSIGNED held");

    await say(chunks + small);
    await bench.settle();

    expect(await bench.show(bad.taskId)).toContain("run FAILED/OUTPUT_LIMIT held");
  },
  60_000,
);

test("a worker that finds out itself that a run has said too much gives that as the reason", async () => {
  const { bench, worker, bad } = await twoRuns();

  await worker.report(bad.runId, "FAILED", {
    reason: "OUTPUT_LIMIT",
    retryable: false,
    errorMessage: "enough",
  });
  await bench.settle();

  expect(await bench.show(bad.taskId)).toContain("run FAILED/OUTPUT_LIMIT");
});
