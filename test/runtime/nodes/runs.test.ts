import { expect, test } from "vitest";
import { LEASE_OF_OURS } from "../kit/bench-plane.js";
import { noNodes, startNodes } from "./kit/nodes.js";

/** A node whose lease has ended is known to be gone, and its Runs were taken over, at the latest by then. */
const NODE_GONE = 25_000;

test("a node that starts leaves the live runs of another alone", async () => {
  const nodes = noNodes();
  const a = await nodes.start();
  const worker = a.worker("w1");
  await nodes.settle();
  const { task } = await a.create();
  worker.assigned();

  const b = await nodes.start();
  await nodes.pass(10 * LEASE_OF_OURS, worker);
  expect(await nodes.show(task.id)).toBe("steps_in_process, in_progress attempts=1, run ASSIGNED held");
  expect(b.supervisor.core.memory.roster.heldCount).toBe(0);
  expect(worker.closed).toEqual([]);
});

test("a worker that comes back to another node goes on with its run there", async () => {
  const { all, pass, show, settle } = await startNodes(2);
  const [a, b] = all as [(typeof all)[0], (typeof all)[0]];
  const before = a.worker("w1");
  await settle();
  const { task } = await a.create();
  const { runId, fence } = before.assigned();
  await before.output(runId, 0, "one", { fence });
  await settle();

  before.link.closed();
  const after = b.worker("w1", { resume: [{ runId, fence, nextSeq: 1 }] });
  await settle();
  expect(after.heard()).toEqual(["welcome", "ack.output 1"]);
  await after.output(runId, 1, "two", { fence });
  await after.report(runId, "COMPLETED", { fence, outputCount: 2 });
  await settle();
  expect(after.heard()).toContain("ack.status");
  expect(await show(task.id)).toBe("complete, complete attempts=1, run COMPLETED");

  await pass(2 * LEASE_OF_OURS, after);
  expect(a.supervisor.core.memory.roster.heldCount).toBe(0);
  expect(b.supervisor.core.memory.roster.heldCount).toBe(0);
});

test("a worker has one session over all nodes: the node of the former one closes it", async () => {
  const { all, pass, show, settle } = await startNodes(2);
  const [a, b] = all as [(typeof all)[0], (typeof all)[0]];
  const before = a.worker("w1");
  await settle();
  const { task } = await a.create();
  const { runId, fence } = before.assigned();

  const after = b.worker("w1", { resume: [{ runId, fence, nextSeq: 0 }] });
  await pass(5_000, after);
  expect(before.closed).toHaveLength(1);
  await pass(3 * LEASE_OF_OURS, after);
  expect(await show(task.id)).toBe("steps_in_process, in_progress attempts=1, run ASSIGNED held");
});

test("the runs of a node that died go on with their workers on another one", async () => {
  const { all, pass, show, settle } = await startNodes(3);
  const [a, b] = all as [(typeof all)[0], (typeof all)[0]];
  const before = a.worker("w1");
  await settle();
  const { task } = await a.create();
  const { runId, fence } = before.assigned();

  a.kill();
  await pass(1_000);
  const after = b.worker("w1", { resume: [{ runId, fence, nextSeq: 0 }] });
  await pass(2 * LEASE_OF_OURS, after);
  expect(after.closed).toEqual([]);
  await after.report(runId, "COMPLETED", { fence });
  await pass(5_000, after);
  expect(await show(task.id)).toBe("complete, complete attempts=1, run COMPLETED");
});

test("the runs of a node that died with its workers are tried again by another one", async () => {
  const { all, pass, show, settle } = await startNodes(2);
  const [a, b] = all as [(typeof all)[0], (typeof all)[0]];
  const lost = a.worker("w1");
  await settle();
  const { task } = await a.create({ maxLosses: 1 });
  lost.assigned();
  const other = b.worker("w2");
  await pass(1_000, other);
  expect(other.assignments()).toEqual([]);

  a.kill();
  await pass(NODE_GONE + 1.5 * LEASE_OF_OURS + 5_000, other);
  expect(other.assigned()).toMatchObject({ taskId: task.id, fence: 2, attempt: 1 });
  expect(await show(task.id)).toBe(
    "steps_in_process, in_progress attempts=1, run FAILED/WORKER_LOST, run ASSIGNED held",
  );
});

test("a node that stood still past its lease writes nothing after others have moved on", async () => {
  const nodes = noNodes();
  const written: string[] = [];
  const a = await nodes.start({
    through: (store) => ({
      ...store,
      commit: async (turn) => {
        const answer = await store.commit(turn);
        for (const run of turn.runs) written.push(`${run.status} ${run.reason}`.trimEnd());
        return answer;
      },
    }),
  });
  const b = await nodes.start();
  const worker = a.worker("w1");
  await nodes.settle();
  const { task } = await a.create({ maxLosses: 1 });
  worker.assigned();
  const other = b.worker("w2");
  await nodes.settle();

  const goOn = a.pause();
  await nodes.pass(NODE_GONE + 1.5 * LEASE_OF_OURS + 5_000, other);
  const { runId, fence } = other.assigned();
  expect(fence).toBe(2);
  written.length = 0;
  goOn();
  await nodes.pass(5_000, other);
  expect(written).toEqual([]);
  expect(a.fatal).toHaveLength(1);
  expect(worker.closed).toHaveLength(1);
  await other.report(runId, "COMPLETED", { fence });
  await nodes.settle();
  expect(await nodes.show(task.id)).toBe(
    "complete, complete attempts=1, run FAILED/WORKER_LOST, run COMPLETED",
  );
  a.errors();
});
