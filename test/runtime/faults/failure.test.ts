import { expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { Receipt } from "#ports/plane";
import { startBench } from "../kit/bench-plane.js";
import { dumpOf } from "../kit/memory-dump.js";
import { refuseNext, storeDouble } from "../kit/store-double.js";

/** A plane with everything in it: work that waits, runs and is dead in a worker's hands. */
async function busyPlane() {
  const store = storeDouble();
  const bench = await startBench(store);
  const worker = bench.worker("w1", { capacity: 3 });
  await bench.settle();
  const tasks = [];
  for (let i = 0; i < 6; i += 1) tasks.push((await bench.create({ maxAttempts: 2 })).task);
  await bench.create({ agentName: "nobody" }, { namespace: "other" });
  const runs = worker.assignments();
  const [first, second, third] = runs;
  if (!first || !second || !third) throw new Error("not busy");
  await bench.cancel(first.taskId);
  await bench.settle();
  worker.frames.length = 0;
  const memory = () => dumpOf(bench.supervisor.core.memory);
  return { store, bench, worker, tasks, dead: first, run: second, other: third, memory };
}

for (const code of ["conflict", "disk_full", "overloaded"] as const) {
  test(`after a commit refused with ${code}, memory is as before, and the report is decided again`, async () => {
    const { store, bench, worker, run, memory } = await busyPlane();
    const before = memory();
    const { actors } = bench.supervisor.core;
    const tell = actors.tell.bind(actors);
    const found: unknown[] = [];
    actors.tell = (told, ...rest) => {
      if (told.message.type === "report") found.push(memory());
      return tell(told, ...rest);
    };
    const atCommit: unknown[] = [];
    let left = 2;
    store.refuse = () => {
      atCommit.push(memory());
      return left-- > 0 ? new Fault(code, "the test says so") : undefined;
    };
    await worker.report(run.runId, "COMPLETED", { output: "1" });
    await bench.clock.advance(1_000);
    expect(found).toEqual([before, before, before]);
    expect(atCommit).toHaveLength(3);
    for (const decided of atCommit) expect(decided).not.toEqual(before);
    expect(worker.heard()).toEqual(["ack.status", "assign"]);
    expect(await bench.show(run.taskId)).toBe("complete, complete attempts=1, run COMPLETED");
    expect(bench.fatal).toEqual([]);
  });
}

for (const code of ["disk_full", "overloaded"] as const) {
  test(`a client hears of a commit refused with ${code}, and nothing is left of its request`, async () => {
    const { store, bench, memory } = await busyPlane();
    const before = memory();
    refuseNext(store, code);
    await expect(bench.create()).rejects.toMatchObject({ code });
    await bench.settle();
    expect(memory()).toEqual(before);
    expect((await bench.create()).task.state).toBe("enqueuing_steps");
  });
}

test("a client never hears of a conflict: its request is decided again", async () => {
  const { store, bench } = await busyPlane();
  refuseNext(store, "conflict", 3);
  expect((await bench.create()).task.state).toBe("enqueuing_steps");
  expect(bench.counted("taskrun_turns_total", { outcome: "conflict" })).toBe(3);
});

test("while new work finds no room on the disk, what is running can end", async () => {
  const { store, bench, worker, run, other } = await busyPlane();
  store.refuse = (turn) =>
    turn.inputs.length > 0 ? new Fault("disk_full", "no room for new tasks") : undefined;
  const refused = bench.tryCreate().catch((error: unknown) => error);
  await worker.report(run.runId, "COMPLETED");
  const refusedToo = bench.tryCreate().catch((error: unknown) => error);
  await worker.output(other.runId, 0, "still writing");
  await bench.clock.advance(5_000);
  expect([await refused, await refusedToo]).toMatchObject([{ code: "disk_full" }, { code: "disk_full" }]);
  expect(await bench.show(run.taskId)).toContain("complete");
  expect(worker.heard()).toEqual(expect.arrayContaining(["ack.status", "ack.output 1"]));

  store.refuse = () => undefined;
  await bench.create();
});

test("nothing is lost and nothing doubled, whichever commits of a busy minute are refused", async () => {
  for (const code of ["conflict", "disk_full", "overloaded"] as const) {
    for (const every of [2, 3, 5]) {
      const store = storeDouble();
      const bench = await startBench(store);
      let count = 0;
      store.refuse = () => (++count % every === 0 ? new Fault(code, "now and then") : undefined);
      const worker = bench.worker("w1", { capacity: 4 });
      const created = [];
      for (let i = 0; i < 12; i += 1) created.push(bench.tryCreate().catch((error: unknown) => error));
      for (let i = 0; i < 60; i += 1) {
        await bench.clock.advance(500);
        await worker.alive();
        for (const { runId } of worker.assignments()) {
          await worker.report(runId, "RUNNING");
          await worker.output(runId, 0, "a");
          await worker.output(runId, 1, "b");
          await worker.report(runId, "COMPLETED", { outputCount: 2, output: '"done"' });
        }
      }
      const made = (await Promise.all(created)).filter((one): one is Receipt => !(one instanceof Error));
      for (const { task } of made) {
        expect(await bench.show(task.id)).toBe("complete, complete attempts=1, run COMPLETED");
        const chunks = (await bench.log(task.id)).flatMap((line) =>
          line.type === "output" ? line.content : [],
        );
        expect(chunks).toEqual(["a", "b"]);
      }
      if (code === "conflict") expect(made).toHaveLength(12);
      const stored = (await bench.store.reads.tasks({ namespaces: "*" }, undefined, 100)).tasks;
      expect(stored).toHaveLength(made.length);
      expect(bench.supervisor.core.memory.backlog.size).toBe(0);
    }
  }
});

test("a report whose run cannot even end ends the task; its neighbours in the turn are decided", async () => {
  const { bench, worker, run, other } = await busyPlane();
  const { actors } = bench.supervisor.core;
  const tell = actors.tell.bind(actors);
  actors.tell = (told, ...rest) => {
    const commands = tell(told, ...rest);
    const poison = told.to === "task-finalizer" && told.message.type === "run.ended";
    if (poison && told.message.runId === run.runId) throw new Error("a bug");
    return commands;
  };
  await worker.report(run.runId, "COMPLETED");
  await worker.report(other.runId, "COMPLETED");
  await bench.settle();
  expect(await bench.show(run.taskId)).toBe("error INTERNAL, cancelled attempts=1, run CANCELLED/INTERNAL");
  expect(await bench.show(other.taskId)).toContain("run COMPLETED");
  expect(bench.fatal).toEqual([]);
  expect(bench.errors()).toHaveLength(2);
});

test("a request that cannot be decided is answered, saying where to look", async () => {
  const bench = await startBench();
  const { actors } = bench.supervisor.core;
  const { tell } = actors;
  actors.tell = () => {
    throw new Error("a bug");
  };
  await expect(bench.create()).rejects.toMatchObject({ code: "internal" });
  actors.tell = tell.bind(actors);
  await bench.create();
  expect(bench.errors()).toHaveLength(1);
});

test("a hello that cannot be decided ends its stream, and leaves no lease behind", async () => {
  const bench = await startBench();
  const { actors, leases } = bench.supervisor.core;
  const { tell } = actors;
  actors.tell = () => {
    throw new Error("a bug");
  };
  const worker = bench.worker("w1");
  await bench.settle();
  expect(worker.closed).toMatchObject([{ code: "internal" }]);
  expect(leases.sinks()).toEqual([]);
  actors.tell = tell.bind(actors);
  await bench.clock.advance(100_000);
  expect(await bench.plane.workers(LOCAL_CALLER)).toEqual([]);
  expect(bench.errors().length).toBeGreaterThan(0);
});

for (const broken of [
  new Error("the file is gone"),
  new Fault("internal", "I/O error"),
  new Fault("not_found", "a fault that no store has for a commit"),
]) {
  test(`after "${broken.message}" from the store the plane stops, and answers everybody who waits`, async () => {
    const { store, bench, worker, run } = await busyPlane();
    store.refuse = () => broken;
    const open = store.block();
    const inTurn = bench.create().catch((error: unknown) => error);
    await bench.settle();
    const waiting = bench.create().catch((error: unknown) => error);
    await worker.report(run.runId, "COMPLETED");
    open();
    await bench.settle();
    expect(bench.fatal).toEqual([broken]);
    expect(await inTurn).toMatchObject({ code: "unavailable" });
    expect(await waiting).toMatchObject({ code: "unavailable" });
    await expect(bench.create()).rejects.toMatchObject({ code: "unavailable" });
    expect(bench.plane.ready).toBe(false);
    expect(worker.heard()).toEqual([]);
    const { statements } = store;
    await bench.clock.advance(600_000);
    expect(store.statements).toBe(statements);
  });
}

test("a plane that stops decides what it has taken in, and refuses what comes later", async () => {
  const { store, bench, worker, run } = await busyPlane();
  const open = store.block();
  const last = bench.create();
  await worker.report(run.runId, "COMPLETED");
  bench.supervisor.drain();
  const stopped = bench.supervisor.stop();
  const late = bench.create().catch((error: unknown) => error);
  open();
  await stopped;
  expect(await late).toMatchObject({ code: "unavailable" });
  await expect(last).rejects.toMatchObject({ reason: "DRAINING" });
  expect(await bench.show(run.taskId)).toContain("run COMPLETED");
});

test("while not even a report finds room, clients are refused rather than left waiting", async () => {
  const { store, bench, worker, other, tasks } = await busyPlane();
  store.refuse = () => new Fault("disk_full", "no room at all");
  await worker.output(other.runId, 0, "more");
  await bench.settle();
  const created = bench.tryCreate().catch((error: unknown) => error);
  const cancelled = bench.cancel(tasks[1]?.id ?? other.taskId).catch((error: unknown) => error);
  await bench.clock.advance(1_000);
  expect([await created, await cancelled]).toMatchObject([{ code: "disk_full" }, { code: "disk_full" }]);

  store.refuse = () => undefined;
  await bench.clock.advance(1_000);
  expect(worker.heard()).toContain("ack.output 1");
});

test("a conflict that lasts is tried again with pauses, not in a loop", async () => {
  const { store, bench } = await busyPlane();
  let commits = 0;
  store.refuse = () => {
    commits += 1;
    return new Fault("conflict", "again and again");
  };
  const created = bench.create();
  await bench.clock.advance(10_000);
  expect(commits).toBeLessThan(60);
  store.refuse = () => undefined;
  await bench.clock.advance(1_000);
  expect((await created).task.state).toBe("enqueuing_steps");
});

test("a message that conflicts for ever is dropped, and all others go on", async () => {
  const { store, bench } = await busyPlane();
  store.refuse = ({ tasks }) =>
    tasks.some(({ spec }) => spec.createdBy === "cursed") ? new Fault("conflict", "for ever") : undefined;
  const cursed = bench.create({ createdBy: "cursed" }).catch((error: unknown) => error);
  await bench.clock.advance(120_000);
  expect(await cursed).toMatchObject({ code: "internal" });
  expect(bench.errors()).toHaveLength(1);
  expect((await bench.create()).task.state).toBe("enqueuing_steps");
});

test("draining is not taken back with a turn that fails", async () => {
  const { store, bench, worker, run } = await busyPlane();
  const open = store.block();
  refuseNext(store, "conflict");
  await worker.report(run.runId, "COMPLETED");
  await bench.settle();
  bench.supervisor.drain();
  open();
  await bench.settle();
  expect(bench.supervisor.core.actors.stateOf("scheduler")).toBe("draining");
  expect(await bench.show(run.taskId)).toContain("run COMPLETED");
});
