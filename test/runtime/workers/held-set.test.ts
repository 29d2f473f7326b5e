import { expect, test } from "vitest";
import type { RunId } from "#domain/id";
import { startBench } from "../kit/bench-plane.js";

async function withOneRun() {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create();
  await bench.settle();
  return { bench, worker, task, run: worker.assigned() };
}

test("a held set that agrees changes nothing and costs nothing", async () => {
  const { bench, worker, run } = await withOneRun();
  const turns = bench.counted("taskrun_turns_total");
  await worker.beat([run.runId], run.ordinal);
  await bench.settle();
  expect(worker.heard()).toEqual(["ack.heartbeat"]);
  expect(bench.counted("taskrun_turns_total")).toBe(turns);
});

test("a live run that a worker no longer has is lost, and tried again", async () => {
  const { bench, worker, task, run } = await withOneRun();
  await worker.report(run.runId, "RUNNING");
  await worker.beat([], run.ordinal);
  await bench.clock.advance(500);
  expect(await bench.show(task.id)).toBe(
    "steps_in_process, in_progress attempts=1, run FAILED/WORKER_LOST, run ASSIGNED held",
  );
  expect(worker.assigned()).toMatchObject({ fence: 2, ordinal: 2 });
});

test("an ended run that a worker no longer has is let go", async () => {
  const { bench, worker, task, run } = await withOneRun();
  await bench.cancel(task.id);
  expect(await bench.show(task.id)).toContain("run CANCELLED/CANCELLED held");
  await worker.beat([], run.ordinal);
  await bench.settle();
  expect(await bench.show(task.id)).toBe(
    "cancelled CANCELLED, cancelled attempts=1, run CANCELLED/CANCELLED",
  );
});

test("a run that nobody knows is cancelled at the worker that claims it", async () => {
  const { bench, worker, task, run } = await withOneRun();
  await worker.beat([run.runId, "made-up" as RunId], run.ordinal);
  await bench.settle();
  expect(worker.frames.filter(({ type }) => type === "cancel")).toEqual([
    { type: "cancel", runId: "made-up", reason: "the run is not yours" },
  ]);
  expect(await bench.show(task.id)).toContain("run ASSIGNED held");
});

test("another worker's run is cancelled at the worker that claims it, and stays where it is", async () => {
  const { bench, worker, task, run } = await withOneRun();
  const thief = bench.worker("w2");
  await bench.settle();
  thief.frames.length = 0;
  await thief.beat([run.runId], 0);
  await bench.settle();
  expect(thief.heard()).toEqual(["ack.heartbeat", "cancel"]);
  expect(worker.heard()).toEqual([]);
  expect(await bench.show(task.id)).toContain("run ASSIGNED held");
});

test("a held set says nothing of assignments still on their way", async () => {
  const { bench, worker, task } = await withOneRun();
  await worker.beat([], 0);
  await bench.settle();
  expect(await bench.show(task.id)).toContain("run ASSIGNED held");
  expect(worker.heard()).toEqual(["ack.heartbeat"]);

  await worker.beat(["made-up" as RunId], 0); // wrong in something else
  await bench.settle();
  expect(await bench.show(task.id)).toContain("run ASSIGNED held");
});

test("a worker that forgets and invents at once is put right in two heartbeats", async () => {
  const { bench, worker, task, run } = await withOneRun();
  await worker.beat(["made-up" as RunId], run.ordinal);
  await bench.settle();
  expect(worker.heard()).toEqual(["ack.heartbeat", "cancel"]);
  await worker.beat([], run.ordinal);
  await bench.settle();
  expect(worker.heard()).toEqual(["ack.heartbeat"]);
  expect(await bench.show(task.id)).toContain("run FAILED/WORKER_LOST");
});

test("heartbeats change status and capacity, and only those that say something new cost a turn", async () => {
  const { bench, worker } = await withOneRun();
  const turns = () => bench.counted("taskrun_turns_total");
  const before = turns();
  await worker.alive({ capacity: 10 });
  await bench.settle();
  expect(turns()).toBe(before);

  await worker.alive({ status: "ERROR", capacity: 3 });
  await bench.settle();
  const view = async () => (await bench.plane.workers({ principal: "local", namespaces: "*", roles: [] }))[0];
  expect(await view()).toMatchObject({ status: "ERROR", capacity: 3, activeRuns: 1 });
  await bench.create();
  expect(worker.assignments()).toEqual([]);

  await worker.alive({ status: "IDLE" });
  await bench.settle();
  expect(await view()).toMatchObject({ status: "BUSY", capacity: 3, activeRuns: 2 });
});
