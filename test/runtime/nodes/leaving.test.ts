import { expect, test } from "vitest";
import { type BenchPlane, LEASE_OF_OURS } from "../kit/bench-plane.js";
import type { AssignFrame, BenchWorker } from "../kit/bench-worker.js";
import { noNodes, startNodes } from "./kit/nodes.js";

/** How long another node needs to notice, without a wake, that one has left. */
const A_POLL = 5_000;

/** As a server does when it is told to end: no new work, its streams are closed, what is under way is committed. */
async function leave(bench: BenchPlane, ...workers: readonly BenchWorker[]): Promise<void> {
  bench.supervisor.drain();
  for (const worker of workers) worker.link.closed();
  await bench.supervisor.stop();
}

test("a node that drains is shown as draining and goes on; one that has left is taken over at once", async () => {
  const { all, memory, pass, show, settle } = await startNodes(2);
  const [a, b] = all as [BenchPlane, BenchPlane];
  const before = a.worker("w1");
  await settle();
  const { task } = await a.create();
  const { runId, fence } = before.assigned();
  const nodes = memory.open().nodes;
  const states = async () => (await nodes?.list())?.map(({ state, runs }) => `${state} ${runs}`).sort();
  expect(await states()).toEqual(["live 0", "live 1"]);

  a.supervisor.drain();
  await settle();
  expect(await states()).toEqual(["draining 1", "live 0"]);
  await before.output(runId, 0, "still here", { fence });
  await pass(20_000, before);
  expect(await states()).toEqual(["draining 1", "live 0"]);
  expect((await a.log(task.id)).at(-1)).toMatchObject({ content: "still here" });

  await leave(a, before);
  expect(await states()).toEqual(["left 1", "live 0"]);
  await pass(A_POLL);
  expect(await states()).toEqual(["left 0", "live 1"]);
  expect(b.counted("taskrun_nodes_taken_over_total")).toBe(1);
  const after = b.worker("w1", { resume: [{ runId, fence, nextSeq: 1 }] });
  await pass(3 * LEASE_OF_OURS, after);
  await after.report(runId, "COMPLETED", { fence, outputCount: 1 });
  await settle();
  expect(await show(task.id)).toBe("complete, complete attempts=1, run COMPLETED");
  expect(a.fatal).toEqual([]);
});

test("whoever does not come back after its node has left is lost after the lease and a half, not before", async () => {
  const { all, pass, show, settle } = await startNodes(2);
  const [a] = all as [BenchPlane, BenchPlane];
  const worker = a.worker("w1");
  await settle();
  const { task } = await a.create();
  worker.assigned();
  await leave(a, worker);
  await pass(1.5 * 30_000 - 1_000);
  expect(await show(task.id)).toContain("run ASSIGNED held");
  await pass(A_POLL + 2_000);
  expect(await show(task.id)).toContain("run FAILED/WORKER_LOST");
});

test("a rolling restart of three nodes loses no run and ends nobody's", async () => {
  const nodes = noNodes();
  const planes = [await nodes.start(), await nodes.start(), await nodes.start()];
  const names = ["w0", "w1", "w2"];
  const workers = planes.map((bench, i) => bench.worker(names[i] as string, { capacity: 2 }));
  await nodes.settle();
  for (const bench of planes) for (let i = 0; i < 2; i += 1) await bench.create();
  await nodes.pass(A_POLL, ...workers);
  const runs = workers.map((worker) => worker.assignments());
  expect(runs.map((some) => some.length)).toEqual([2, 2, 2]);

  /** Lines that each Run has said by now. */
  let said = 0;
  const say = async () => {
    for (const [i, some] of runs.entries())
      for (const { runId, fence } of some) await workers[i]?.output(runId, said, `line ${said}`, { fence });
    said += 1;
    await nodes.settle();
  };
  /** The worker goes to another node, and shows what it has. */
  const move = (i: number, to: BenchPlane) => {
    const resume = (runs[i] as AssignFrame[]).map(({ runId, fence }) => ({ runId, fence, nextSeq: said }));
    workers[i] = to.worker(names[i] as string, { capacity: 2, resume });
  };

  for (let restarted = 0; restarted < 3; restarted += 1) {
    await say();
    const leaving = planes[restarted] as BenchPlane;
    const moving = workers.flatMap((worker, i) => (placeOf[i] === restarted ? [{ worker, i }] : []));
    await leave(leaving, ...moving.map(({ worker }) => worker));
    await nodes.pass(1_000, ...workers.filter((_, i) => placeOf[i] !== restarted));
    const next = (restarted + 1) % 3;
    for (const { i } of moving) {
      move(i, planes[next] as BenchPlane);
      placeOf[i] = next;
    }
    await nodes.pass(2_000, ...workers);
    planes[restarted] = await nodes.start();
    await nodes.pass(60_000, ...workers);
  }
  await say();

  for (const [i, some] of runs.entries())
    for (const { runId, fence } of some)
      await workers[i]?.report(runId, "COMPLETED", { fence, outputCount: said });
  await nodes.pass(A_POLL, ...workers);
  for (const { taskId } of runs.flat()) {
    expect(await nodes.show(taskId)).toBe("complete, complete attempts=1, run COMPLETED");
    const lines = (await nodes.memory.whole.reads.log(taskId, 0, 1e6)).entries;
    expect(lines.filter(({ type }) => type === "output")).toHaveLength(said);
  }
  for (const bench of planes) {
    expect(bench.supervisor.core.memory.roster.heldCount).toBe(0);
    expect(bench.fatal).toEqual([]);
  }
});

/** On which of the three nodes each worker is. */
const placeOf = [0, 1, 2];
