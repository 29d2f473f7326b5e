import { expect, test } from "vitest";
import { LEASE_OF_OURS, startBench } from "../kit/bench-plane.js";
import type { BenchWorkerOptions } from "../kit/bench-worker.js";

async function withRun() {
  const bench = await startBench();
  const first = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create();
  const run = first.assigned();
  const again = async (options: BenchWorkerOptions = {}) => {
    const worker = bench.worker("w1", options);
    await bench.settle();
    return worker;
  };
  return { bench, first, task, run, again };
}

test("a worker that comes back within its lease keeps its run, hears what is durable, and goes on from there", async () => {
  const { bench, first, task, run, again } = await withRun();
  const { runId, fence } = run;
  await first.report(runId, "RUNNING");
  await first.output(runId, 0, "a");
  await first.output(runId, 1, "b");
  await bench.settle();
  first.link.closed();
  await bench.clock.advance(20_000);

  const worker = await again({ resume: [{ runId, fence, nextSeq: 1 }] });
  expect(worker.heard()).toEqual(["welcome", "ack.output 2"]);
  await worker.output(runId, 1, "b"); // sent again, known already
  await worker.output(runId, 2, "c");
  await worker.report(runId, "COMPLETED", { fence, outputCount: 3 });
  await bench.settle();
  expect(worker.heard()).toEqual(["ack.output 3", "ack.status"]);
  expect(await bench.show(task.id)).toBe("complete, complete attempts=1, run COMPLETED");
  const output = (await bench.log(task.id)).flatMap((line) => (line.type === "output" ? [line.content] : []));
  expect(output).toEqual(["a", "b", "c"]);
});

test("a completion whose output is missing is dropped, and told from where to send again", async () => {
  const { bench, first, task, run } = await withRun();
  await first.output(run.runId, 0, "a");
  await first.output(run.runId, 2, "c");
  await first.report(run.runId, "COMPLETED", { outputCount: 3 });
  await bench.settle();
  expect(new Set(first.heard())).toEqual(new Set(["ack.output 1"]));
  expect(bench.counted("taskrun_reports_refused_total", { cause: "gap" })).toBe(1);
  expect(await bench.show(task.id)).toContain("run ASSIGNED held");
});

test("an assignment that never reached the worker is handed back, costs no attempt, and goes elsewhere first", async () => {
  const { bench, first, task, again } = await withRun();
  first.link.closed();
  const worker = await again();
  expect(worker.heard()).toEqual(["welcome"]);
  expect(await bench.show(task.id)).toBe("steps_in_process, enqueued attempts=0, run CANCELLED/DECLINED");

  const other = bench.worker("w2");
  await bench.settle();
  expect(other.assigned()).toMatchObject({ attempt: 1, fence: 2 });
  expect(worker.assignments()).toEqual([]);
});

test("if there is nobody else, the same worker gets it again after a short while", async () => {
  const { bench, first, again } = await withRun();
  first.link.closed();
  const worker = await again();
  await bench.clock.advance(499);
  expect(worker.assignments()).toEqual([]);
  await bench.clock.advance(1);
  expect(worker.assigned()).toMatchObject({ attempt: 1, fence: 2 });
});

test("each time a worker hands a step back it is left alone for longer, and the step itself waits", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  await bench.create();
  const waits: number[] = [];
  for (let i = 0; i < 9; i += 1) {
    await worker.link.receive({ type: "decline", runId: worker.assigned().runId, reason: "busy" });
    const from = bench.clock.now();
    for (; worker.frames.length === 0; await bench.clock.advance(500)) await worker.alive();
    waits.push(bench.clock.now() - from);
  }
  expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 32_000]);
});

test("a run that was begun and is not shown again is lost: its step avoids that worker for a while", async () => {
  const { bench, first, task, run, again } = await withRun();
  await first.report(run.runId, "RUNNING");
  await again();
  expect(await bench.show(task.id)).toBe("steps_in_process, enqueued attempts=0, run FAILED/WORKER_LOST");
  await bench.clock.advance(500);
  expect(await bench.show(task.id)).toBe(
    "steps_in_process, in_progress attempts=1, run FAILED/WORKER_LOST, run ASSIGNED held",
  );
});

test("another process under the same name cannot take the runs of the one before", async () => {
  const { bench, task, run, again } = await withRun();
  const { runId, fence } = run;
  const worker = await again({ instance: "w1-2", resume: [{ runId, fence, nextSeq: 0 }] });
  expect(worker.heard()).toEqual(["welcome", "cancel"]);
  expect(await bench.show(task.id)).toBe("steps_in_process, enqueued attempts=0, run FAILED/WORKER_LOST");
});

test("another worker cannot take a run by showing it", async () => {
  const { bench, task, run } = await withRun();
  const { runId, fence } = run;
  const thief = bench.worker("w2", { instance: "w1-1", resume: [{ runId, fence, nextSeq: 0 }] });
  await bench.settle();
  expect(thief.heard()).toEqual(["welcome", "cancel"]);
  expect(await bench.show(task.id)).toContain("run ASSIGNED held");
});

test("a resume with another fence is no resume", async () => {
  const { bench, task, run, again } = await withRun();
  const worker = await again({ resume: [{ runId: run.runId, fence: 2, nextSeq: 0 }] });
  expect(worker.heard()).toEqual(["welcome", "cancel"]);
  expect(await bench.show(task.id)).toContain("run CANCELLED/DECLINED");
});

test("a worker that can no longer send what is missing has lost the run's output", async () => {
  const { bench, first, task, run, again } = await withRun();
  const { runId, fence } = run;
  await first.output(runId, 0, "a");
  await bench.settle();
  const worker = await again({ resume: [{ runId, fence, nextSeq: 2 }] });
  expect(worker.heard()).toEqual(["welcome", "ack.output 1", "cancel"]);
  expect(await bench.show(task.id)).toBe(
    "steps_in_process, enqueued attempts=0, run FAILED/OUTPUT_LOST held",
  );
  await worker.report(runId, "CANCELLED");
  await bench.settle();
  expect(worker.heard()).toEqual(["cancel", "ack.status"]);
  expect(await bench.show(task.id)).toBe("steps_in_process, enqueued attempts=0, run FAILED/OUTPUT_LOST");
});

test("a second stream takes over, and the late end of the first changes nothing", async () => {
  const { bench, first, task, run, again } = await withRun();
  const { runId, fence } = run;
  const worker = await again({ resume: [{ runId, fence, nextSeq: 0 }] });
  expect(first.closed.map(({ reason }) => reason)).toEqual(["SUPERSEDED"]);
  first.link.closed();
  first.link.closed();
  await first.report(runId, "FAILED");
  await first.beat([], 99);
  await bench.settle();
  expect(await bench.show(task.id)).toContain("run ASSIGNED held");

  await bench.pass(2 * LEASE_OF_OURS, worker);
  await worker.report(runId, "COMPLETED", { fence });
  await bench.settle();
  expect(await bench.show(task.id)).toBe("complete, complete attempts=1, run COMPLETED");
});

test("what the first stream still says behind the second's hello counts for nothing", async () => {
  const { bench, first, task, run } = await withRun();
  const { runId, fence } = run;
  const worker = bench.worker("w1", { resume: [{ runId, fence, nextSeq: 0 }] });
  await first.report(runId, "FAILED");
  await first.output(runId, 0, "late");
  await bench.settle();
  expect(await bench.show(task.id)).toContain("run ASSIGNED held");
  expect(bench.counted("taskrun_reports_refused_total", { cause: "foreign" })).toBe(2);
  expect(worker.heard()).toEqual(["welcome", "ack.output 0"]);
});

test("what the first stream said before the second's hello counts, and is acknowledged to the second", async () => {
  const { bench, first, task, run, again } = await withRun();
  const { runId, fence } = run;
  await first.report(runId, "FAILED");
  const worker = await again({ resume: [{ runId, fence, nextSeq: 0 }] });
  expect(worker.heard()).toEqual(["welcome", "cancel"]);
  expect(await bench.show(task.id)).toBe("error STEP_FAILED, error attempts=1, run FAILED/AGENT_ERROR");
  await worker.report(runId, "FAILED", { fence });
  await bench.settle();
  expect(worker.heard()).toEqual(["ack.status"]);
});

test("an ended run that is shown again is cancelled there, and let go with its last word", async () => {
  const { bench, first, task, run, again } = await withRun();
  const { runId, fence } = run;
  first.link.closed();
  await bench.cancel(task.id);
  const worker = await again({ resume: [{ runId, fence, nextSeq: 0 }], capacity: 1 });
  expect(worker.heard()).toEqual(["welcome", "ack.output 0", "cancel"]);
  expect(await bench.show(task.id)).toContain("run CANCELLED/CANCELLED held");
  await bench.create();
  expect(worker.assignments()).toEqual([]); // its one slot is taken until it lets go
  await worker.report(runId, "CANCELLED", { fence });
  await bench.settle();
  expect(worker.heard()).toEqual(["ack.status", "assign"]);
});

test("a public worker never resumes: what it had is lost at its next hello", async () => {
  const bench = await startBench();
  bench.worker("old", { protocol: 0 });
  await bench.settle();
  const { task } = await bench.create();
  const worker = bench.worker("old", { protocol: 0 });
  await bench.clock.advance(500);
  expect(await bench.show(task.id)).toBe(
    "steps_in_process, in_progress attempts=1, run FAILED/WORKER_LOST, run ASSIGNED held",
  );
  expect(worker.assigned()).toMatchObject({ attempt: 1, fence: 2 });
});
