/**
 * Epochs never repeat, also after a restoration: whatever a worker says of a Run that was assigned before, in the time that the backup
 * has or in the time that was rolled back, is not accepted.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { RunId } from "#domain/id";
import { backup } from "#stores/sqlite/backup/backup";
import { restore } from "#stores/sqlite/backup/restore";
import { sqliteStore } from "#stores/sqlite/index";
import { LEASE_OF_OURS, startBench } from "../kit/bench-plane.js";
import type { BenchWorker, BenchWorkerOptions } from "../kit/bench-worker.js";

const root = mkdtempSync(join(tmpdir(), "taskrun-restored-"));
afterAll(() => rmSync(root, { recursive: true }));
let count = 0;

const storeAt = (path: string) => sqliteStore({ path, threads: false, reserveBytes: 0 });

/** A plane that can be backed up, and put back as it was then. */
async function world() {
  const folder = mkdtempSync(join(root, "w-"));
  const store = storeAt(join(folder, "taskrun.db"));
  // Audited where its life ends, not where the test does: it is closed then.
  const bench = await startBench(store, { audit: false });
  let file = "";
  return {
    bench,
    async backUp() {
      file = join(folder, `${++count}.backup`);
      await backup({ path: join(folder, "taskrun.db"), to: file, now: 0 });
    },
    /** The plane is killed, and another one starts on the backup. */
    async rollBack() {
      bench.kill();
      await store.close();
      const path = join(mkdtempSync(join(root, "r-")), "taskrun.db");
      await restore({ from: file, path, replace: false });
      return startBench(storeAt(path), { clock: bench.clock });
    },
  };
}

const incarnationOf = ({ frames }: BenchWorker) => {
  const welcome = frames.find(({ type }) => type === "welcome");
  return (welcome?.type === "welcome" && welcome.incarnation) || "";
};

const cancels = (worker: BenchWorker) =>
  worker.frames
    .splice(0)
    .flatMap((frame) => (frame.type === "cancel" ? [`${frame.runId}: ${frame.reason}`] : []));

test("a Run that was held at the backup is not taken up again, whatever its worker says; its Step is tried anew", async () => {
  const { bench, backUp, rollBack } = await world();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create();
  const { runId, fence } = worker.assigned();
  await worker.report(runId, "RUNNING");
  await bench.settle();
  await backUp();
  await worker.output(runId, 0, "of before");
  await bench.settle();

  const again = await rollBack();
  // A release of before does not say of which incarnation it knows.
  const back = again.worker("w1", { resume: [{ runId, fence, nextSeq: 0 }] });
  await again.settle();
  expect(cancels(back)).toEqual([
    `${runId}: the server's store was restored from a backup: what was assigned before is not taken up again, and the step is tried anew`,
  ]);
  await back.output(runId, 0, "of before");
  await back.report(runId, "COMPLETED", { fence, output: '"of before"', outputCount: 1 });
  await again.settle();
  expect(await again.show(task.id)).toMatch(/run FAILED\/WORKER_LOST/);

  await again.pass(60_000, back);
  const anew = back.assigned();
  expect(anew.runId).not.toBe(runId);
  expect(anew.fence).toBe(fence + 1);
  await back.report(anew.runId, "COMPLETED", { fence: anew.fence, output: '"anew"' });
  await again.settle();
  expect(await again.store.reads.output({ taskId: task.id, stepName: "main" })).toBe('"anew"');
  expect(await again.show(task.id)).toMatch(
    /^complete, complete attempts=1, run FAILED\/WORKER_LOST, run COMPLETED$/,
  );
});

test("a fence of the time that was rolled back is given again, and its former Run is a stranger", async () => {
  const { bench, backUp, rollBack } = await world();
  const worker = bench.worker("w1");
  await bench.settle();
  const known = incarnationOf(worker);
  const { task } = await bench.create({ maxAttempts: 5 });
  const first = worker.assigned();
  await worker.report(first.runId, "RUNNING");
  await bench.settle();
  await backUp();
  await worker.report(first.runId, "FAILED", { errorMessage: "no", retryable: true });
  await bench.pass(60_000, worker);
  const rolledBack = worker.assigned();
  expect(rolledBack.fence).toBe(2);

  const again = await rollBack();
  const other = again.worker("w2");
  await again.settle();
  // The Run that the backup has is given up when its worker does not come.
  await again.pass(2 * LEASE_OF_OURS, other);
  const taken = other.assigned();
  expect(taken.fence).toBe(rolledBack.fence);
  await other.report(taken.runId, "RUNNING");

  const resume = [{ runId: rolledBack.runId, fence: rolledBack.fence, nextSeq: 0 }];
  const zombie = again.worker("w1", { resume, incarnation: known });
  await again.settle();
  expect(cancels(zombie)[0]).toContain("was restored from a backup");
  // It knows neither the session nor the id of the Run that has its fence now; and were it to guess it, it is not its own.
  for (const runId of [rolledBack.runId, taken.runId]) {
    await zombie.output(runId, 0, "of before");
    await zombie.report(runId, "COMPLETED", { fence: rolledBack.fence, output: '"of before"' });
  }
  await again.settle();
  expect(await again.show(task.id)).toContain("run RUNNING held");
  await other.report(taken.runId, "COMPLETED", { fence: taken.fence, output: '"anew"' });
  await again.settle();
  expect(await again.store.reads.output({ taskId: task.id, stepName: "main" })).toBe('"anew"');
});

test("an assignment of the backup that its worker no longer shows counts as begun: it may have ended it since", async () => {
  const { bench, backUp, rollBack } = await world();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create();
  const { runId } = worker.assigned();
  await backUp();
  await worker.report(runId, "COMPLETED", { output: "1" });
  await bench.settle();

  const again = await rollBack();
  again.worker("w1");
  await again.settle();
  // Not DECLINED, as of a Run that never reached its worker.
  expect(await again.show(task.id)).toContain("run FAILED/WORKER_LOST");
});

test("a cancel of before is not forgotten by half: a Run that had ended and was still held is released", async () => {
  const { bench, backUp, rollBack } = await world();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create();
  const { runId, fence } = worker.assigned();
  await worker.report(runId, "RUNNING");
  await bench.settle();
  await bench.cancel(task.id);
  await backUp();
  const again = await rollBack();
  const back = again.worker("w1", { resume: [{ runId, fence, nextSeq: 0 }] });
  await again.settle();
  expect(cancels(back)).toHaveLength(1);
  expect(await again.show(task.id)).toBe(
    "cancelled CANCELLED, cancelled attempts=1, run CANCELLED/CANCELLED",
  );
});

test("within its own life a restored store takes Runs back as ever, and its incarnation names that life", async () => {
  const { bench, backUp, rollBack } = await world();
  await backUp();
  await bench.clock.advance(5);
  const again = await rollBack();
  const worker = again.worker("w1");
  await again.settle();
  const incarnation = incarnationOf(worker);
  expect(incarnation).toMatch(/^[0-9a-f]{16}\.[0-9a-z]+$/);
  const { task } = await again.create();
  const { runId, fence, bound } = worker.assigned();
  expect(bound?.incarnation).toBe(incarnation);
  await worker.report(runId, "RUNNING");
  await again.settle();
  again.kill();

  const more: BenchWorkerOptions = { resume: [{ runId: runId as RunId, fence, nextSeq: 0 }], incarnation };
  const third = await startBench(again.store, { clock: again.clock });
  await third.clock.advance(1);
  const back = third.worker("w1", more);
  await third.settle();
  expect(incarnationOf(back)).not.toBe("");
  expect(back.heard()).toEqual(
    ["welcome", "ack.output"].map((type) => (type === "welcome" ? type : "ack.output 0")),
  );
  await back.report(runId, "COMPLETED", { fence, output: "1" });
  await third.settle();
  expect(await third.show(task.id)).toBe("complete, complete attempts=1, run COMPLETED");
});
