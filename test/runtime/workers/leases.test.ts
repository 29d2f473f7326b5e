import { expect, test } from "vitest";
import { instant } from "#domain/time/time";
import { LEASE_OF_OURS, startBench, TERMS } from "../kit/bench-plane.js";
import { storeDouble } from "../kit/store-double.js";

test("a lease of ours runs 16/15 of what the worker was told, to the millisecond", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  expect(worker.frames[0]).toMatchObject({ type: "welcome", lease: TERMS.lease, heartbeat: TERMS.heartbeat });
  const { task } = await bench.create({ maxLosses: 0 });

  await bench.clock.advance(LEASE_OF_OURS - 1);
  expect(await bench.show(task.id)).toBe("steps_in_process, in_progress attempts=1, run ASSIGNED held");
  await bench.clock.advance(1);
  expect(await bench.show(task.id)).toBe("error WORKER_LOST, error attempts=0, run FAILED/WORKER_LOST");
});

test("a public worker is waited for 90 seconds from any word of it", async () => {
  const bench = await startBench();
  const worker = bench.worker("old", { protocol: 0 });
  await bench.settle();
  expect(worker.frames).toEqual([]);
  const { task } = await bench.create({ maxLosses: 0 });
  const { runId } = worker.assigned();
  await bench.clock.advance(80_000);
  await worker.output(runId, 0, "still here");

  await bench.clock.advance(89_999);
  expect(await bench.show(task.id)).toBe("steps_in_process, in_progress attempts=1, run ASSIGNED held");
  await bench.clock.advance(1);
  expect(await bench.show(task.id)).toBe("error WORKER_LOST, error attempts=0, run FAILED/WORKER_LOST");
});

test("a worker that keeps sending heartbeats keeps its runs for as long as they take", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create();
  await bench.pass(3_600_000, worker);
  expect(await bench.show(task.id)).toBe("steps_in_process, in_progress attempts=1, run ASSIGNED held");
  expect(worker.closed).toEqual([]);
});

test("the step of a silent worker is tried again elsewhere at once, in the same attempt", async () => {
  const bench = await startBench();
  bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create({ maxLosses: 1 });
  const second = bench.worker("w2");
  await bench.pass(LEASE_OF_OURS, second);
  expect(second.assigned()).toMatchObject({ attempt: 1, fence: 2, taskId: task.id });
  await bench.pass(LEASE_OF_OURS + 5_000);
  expect(await bench.show(task.id)).toBe(
    "error WORKER_LOST, error attempts=0, run FAILED/WORKER_LOST, run FAILED/WORKER_LOST",
  );
});

test("when the plane itself stood still, nobody's lease ends for it", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create();
  await bench.clock.advance(20_000);

  bench.clock.startFrom(instant(bench.clock.now() + 60_000)); // the process was stopped, and goes on
  await bench.clock.advance(900);
  expect(await bench.show(task.id)).toContain("run ASSIGNED held");
  await worker.alive(); // what it sent meanwhile arrives

  await bench.clock.advance(LEASE_OF_OURS - 1);
  expect(await bench.show(task.id)).toContain("run ASSIGNED held");
  await bench.clock.advance(1);
  expect(await bench.show(task.id)).toContain("run FAILED/WORKER_LOST");
});

test("a worker named silent is judged again after a pause of ours has lengthened its lease", async () => {
  const store = storeDouble();
  const bench = await startBench(store);
  bench.worker("w1");
  const other = bench.worker("w2", { agents: ["else"] });
  await bench.settle();
  const { task } = await bench.create();
  await bench.clock.advance(1);
  await other.alive(); // the next wake-up is one millisecond after the silence

  const open = store.block();
  void bench.create({ agentName: "busy" }); // a commit is under way while the lease ends
  await bench.clock.advance(LEASE_OF_OURS - 1);
  bench.clock.startFrom(instant(bench.clock.now() + 60_000));
  await bench.clock.advance(0);
  open();
  await bench.settle();
  expect(await bench.show(task.id)).toContain("run ASSIGNED held");

  await bench.clock.advance(3 * LEASE_OF_OURS);
  expect(await bench.show(task.id)).toContain("run FAILED/WORKER_LOST");
});

test("a heartbeat that overtakes the silence saves the worker, and the next silence is noticed", async () => {
  const store = storeDouble();
  const bench = await startBench(store);
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create();

  const open = store.block();
  void bench.create({ agentName: "busy" });
  await bench.clock.advance(LEASE_OF_OURS);
  await worker.alive(); // the plane knows of the silence and has not acted on it
  open();
  await bench.settle();
  expect(await bench.show(task.id)).toContain("run ASSIGNED held");

  await bench.clock.advance(LEASE_OF_OURS);
  expect(await bench.show(task.id)).toContain("run FAILED/WORKER_LOST");
});

test("a stream that we do not read is not judged, and is again once we do", async () => {
  const store = storeDouble();
  const bench = await startBench(store, { mailbox: 1 });
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create();
  const { runId } = worker.assigned();

  const open = store.block();
  const stream = async () => {
    await worker.report(runId, "RUNNING");
    for (const [seq, content] of ["a", "b", "c"].entries()) await worker.output(runId, seq, content);
  };
  const told = stream();
  await bench.settle(); // one in the turn, one in the mailbox, one waiting: the stream stands
  await bench.clock.advance(10 * LEASE_OF_OURS);
  open();
  await told;
  await bench.settle();
  expect(await bench.show(task.id)).toContain("run RUNNING held");
  expect(worker.heard()).toContain("ack.output 3");

  await bench.clock.advance(LEASE_OF_OURS);
  expect(await bench.show(task.id)).toContain("run FAILED/WORKER_LOST");
});

test("a stream whose end comes first loses its runs at the end of the lease, not before", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create();
  await bench.clock.advance(10_000);
  await worker.alive();
  worker.link.closed();
  await bench.clock.advance(LEASE_OF_OURS - 1);
  expect(await bench.show(task.id)).toContain("run ASSIGNED held");
  await bench.clock.advance(1);
  expect(await bench.show(task.id)).toContain("run FAILED/WORKER_LOST");
});
