import { expect, test } from "vitest";
import { startBench } from "./kit/bench-plane.js";

test("a task goes from a client to a worker and back, and its log tells the story", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task, runs } = await bench.create();
  expect(task.state).toBe("steps_in_process");
  expect(runs.map(({ status }) => status)).toEqual(["ASSIGNED"]);

  const [assigned] = worker.assignments();
  if (!assigned) throw new Error("nothing was assigned");
  await worker.report(assigned.runId, "RUNNING");
  await worker.output(assigned.runId, 0, "hello ");
  await worker.output(assigned.runId, 1, "world");
  await worker.report(assigned.runId, "COMPLETED", { output: '{"ok":true}', outputCount: 2 });
  await bench.settle();

  expect(await bench.show(task.id)).toBe("complete, complete attempts=1, run COMPLETED");
  expect(await bench.store.reads.output({ taskId: task.id, stepName: "main" })).toBe('{"ok":true}');
  expect(worker.frames.slice(-2)).toEqual([
    { type: "ack.output", runId: assigned.runId, nextSeq: 2 },
    { type: "ack.status", runId: assigned.runId },
  ]);
  const lines = (await bench.log(task.id)).map((entry) =>
    entry.type === "output"
      ? entry.content
      : `${entry.type} ${"state" in entry ? entry.state : "step" in entry ? entry.step.state : "run" in entry ? entry.run.status : ""}`,
  );
  expect(lines).toEqual([
    "task pending",
    "task initializing",
    "task enqueuing_steps",
    "step enqueued",
    "run ASSIGNED",
    "step in_progress",
    "task evaluating_results",
    "task steps_in_process",
    "run RUNNING",
    "hello ",
    "world",
    "run COMPLETED",
    "step enqueued_for_orchestration",
    "step complete",
    "task evaluating_results",
    "task complete",
  ]);
});

test("a task waits when nobody fits and starts the moment somebody does", async () => {
  const bench = await startBench();
  const { task } = await bench.create();
  expect(task.state).toBe("enqueuing_steps");
  const worker = bench.worker("w1");
  await bench.settle();
  expect(worker.assignments()).toHaveLength(1);
});

test("a silent worker loses its runs when its lease ends, and another takes over", async () => {
  const bench = await startBench();
  const lost = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create({ maxAttempts: 2 });
  const other = bench.worker("w2");
  await bench.clock.advance(31_000);
  expect(await bench.show(task.id)).toBe("steps_in_process, in_progress attempts=1, run ASSIGNED held");
  await other.beat([], 0);
  await bench.clock.advance(1_000);
  expect(await bench.show(task.id)).toBe(
    "steps_in_process, in_progress attempts=1, run FAILED/WORKER_LOST, run ASSIGNED held",
  );
  expect(other.assignments()).toHaveLength(1);
  expect(lost.closed.map(({ reason }) => reason)).toEqual(["LEASE_ENDED"]);
});

test("a cancelled task stays cancelled, and its worker hears of it until it lets go", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1", { capacity: 1 });
  await bench.settle();
  const { task } = await bench.create();
  const [assigned] = worker.assignments();
  if (!assigned) throw new Error("nothing was assigned");
  await bench.plane.cancel({ principal: "local", namespaces: "*", roles: [] }, task.id, "not needed");
  expect(await bench.show(task.id)).toBe(
    "cancelled CANCELLED, cancelled attempts=1, run CANCELLED/CANCELLED held",
  );
  expect(worker.frames.splice(0)).toEqual([{ type: "cancel", runId: assigned.runId, reason: "not needed" }]);

  const next = await bench.create();
  expect(worker.frames).toEqual([]); // its only slot is still taken
  await worker.beat([assigned.runId], 1);
  await bench.settle();
  expect(worker.frames.splice(0).map(({ type }) => type)).toEqual(["ack.heartbeat", "cancel"]);

  await worker.report(assigned.runId, "COMPLETED");
  await bench.settle();
  expect(await bench.show(task.id)).toBe(
    "cancelled CANCELLED, cancelled attempts=1, run CANCELLED/CANCELLED",
  );
  expect(worker.frames.map(({ type }) => type)).toEqual(["cancel", "ack.status", "assign"]);
  expect(await bench.show(next.task.id)).toContain("run ASSIGNED held");
});
