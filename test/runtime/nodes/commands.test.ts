import { expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import type { WorkerId } from "#domain/id";
import { startNodes } from "./kit/nodes.js";

/** How long a command whose wake-up was lost may take. */
const A_POLL = 5_000;

test("a cancel through one node reaches the worker on another", async () => {
  const { all, pass, show, settle } = await startNodes(2);
  const [a, b] = all as [(typeof all)[0], (typeof all)[0]];
  const worker = a.worker("w1");
  await settle();
  const { task } = await a.create();
  const { runId, fence } = worker.assigned();

  await b.cancel(task.id);
  await pass(A_POLL, worker);
  expect(worker.heard()).toContain("cancel");
  await worker.report(runId, "CANCELLED", { fence });
  await pass(A_POLL, worker);
  expect(worker.heard()).toContain("ack.status");
  expect(await show(task.id)).toBe("cancelled CANCELLED, cancelled attempts=1, run CANCELLED/CANCELLED");
  expect(a.supervisor.core.memory.roster.heldCount).toBe(0);
});

test("every node lists the workers of all", async () => {
  const { all, settle } = await startNodes(3);
  for (const [i, bench] of all.entries()) bench.worker(`w${i}`);
  await settle();
  for (const bench of all) {
    const workers = await bench.plane.workers(LOCAL_CALLER);
    expect(workers.map(({ info }) => info.workerId).sort()).toEqual(["w0", "w1", "w2"]);
  }
});

test("a worker is drained through any node", async () => {
  const { all, pass, settle } = await startNodes(2);
  const [a, b] = all as [(typeof all)[0], (typeof all)[0]];
  const worker = a.worker("w1");
  await settle();
  worker.heard();

  await b.plane.drainWorker(LOCAL_CALLER, "w1" as WorkerId, "maintenance");
  await pass(A_POLL, worker);
  expect(worker.heard()).toContain("drain");
  await a.create();
  await pass(2 * A_POLL, worker);
  expect(worker.assignments()).toEqual([]);
  expect(await b.plane.workers(LOCAL_CALLER)).toMatchObject([{ status: "DRAINING" }]);
});

test("the slot of a run that another node has ended is free again", async () => {
  const { all, pass, settle } = await startNodes(2);
  const [a, b] = all as [(typeof all)[0], (typeof all)[0]];
  const worker = a.worker("w1", { capacity: 1 });
  await settle();
  const first = await a.create();
  const { runId, fence } = worker.assigned();
  await b.cancel(first.task.id);
  await pass(A_POLL, worker);
  await worker.report(runId, "CANCELLED", { fence });
  const second = await b.create();
  await pass(A_POLL, worker);
  expect(worker.assigned()).toMatchObject({ taskId: second.task.id });
});
