import { expect, test, vi } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import { limits } from "#limits/index";
import { draftOf, LEASE_OF_OURS, startBench } from "./kit/bench-plane.js";
import { storeDouble } from "./kit/store-double.js";

test("a full mailbox refuses at once, says when to come again, and has stored nothing", async () => {
  const store = storeDouble();
  const bench = await startBench(store, { mailbox: 3 });
  const open = store.block();
  const first = bench.tryCreate();
  await bench.settle(); // in the turn
  const queued = [bench.tryCreate(), bench.tryCreate(), bench.tryCreate()];
  await expect(bench.tryCreate()).rejects.toMatchObject({ code: "overloaded", reason: "MAILBOX_FULL" });
  expect(bench.counted("taskrun_mailbox_refused_total", { actor: "task-request" })).toBe(1);
  expect(bench.supervisor.core.actors.stateOf("task-request")).toBe("saturated");

  open();
  await Promise.all([first, ...queued]);
  expect((await bench.store.reads.tasks({ namespaces: "*" }, undefined, 10)).tasks).toHaveLength(4);
  await bench.create();
  expect(bench.supervisor.core.actors.stateOf("task-request")).toBe("serving");
});

test("the silence of a worker is noticed late, not never, when the mailbox is full at that moment", async () => {
  const store = storeDouble();
  const bench = await startBench(store, { mailbox: 1 });
  bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create();
  const other = bench.worker("w2", { agents: ["else"] });
  await bench.settle();
  await bench.clock.advance(LEASE_OF_OURS - 1_000);
  await other.alive();
  const open = store.block();
  void bench.create({ agentName: "busy" });
  await bench.settle();
  void other.report("unknown" as never, "RUNNING"); // fills the mailbox of run-tracker
  await bench.clock.advance(2_000);
  open();
  await bench.clock.advance(100);
  expect(await bench.show(task.id)).toContain("run FAILED/WORKER_LOST");
});

test("waiting tasks are limited by namespace; one namespace's crowd does not shut out another", async () => {
  const bench = await startBench();
  vi.spyOn(bench.supervisor.core.memory, "waitingIn").mockImplementation((namespace) =>
    namespace === "crowd" ? limits.waitingPerNamespace - 2 : 0,
  );
  const drafts = Array.from({ length: 4 }, (_, i) => draftOf(`t${i}` as TaskId, {}, { namespace: "crowd" }));
  const answers = await bench.plane.submit(LOCAL_CALLER, drafts);
  expect(answers.map((answer) => answer instanceof Fault && answer.reason)).toEqual([
    false,
    false,
    "QUEUE_FULL",
    "QUEUE_FULL",
  ]);
  await bench.create({}, { namespace: "other" });
});

test("what has been taken by a worker no longer waits", async () => {
  const bench = await startBench();
  const { memory } = bench.supervisor.core;
  const worker = bench.worker("w1", { capacity: 2 });
  await bench.settle();
  for (let i = 0; i < 5; i += 1) await bench.create();
  expect(memory.waitingIn("default")).toBe(3);
  for (const { runId } of worker.assignments()) await worker.report(runId, "COMPLETED");
  await bench.settle();
  expect(memory.waitingIn("default")).toBe(1);
});

test("so many kinds of work may wait in a namespace, and no more; known kinds still may", async () => {
  const bench = await startBench();
  const drafts = Array.from({ length: limits.lanesPerNamespace }, (_, i) =>
    draftOf(`t${i}` as TaskId, { agentName: `agent-${i}` }),
  );
  await bench.plane.submit(LOCAL_CALLER, drafts);
  expect(bench.supervisor.core.memory.backlog.size).toBe(limits.lanesPerNamespace);
  await expect(bench.create({ agentName: "one-more" })).rejects.toMatchObject({ code: "overloaded" });
  await bench.create({ agentName: "agent-5" });
  await bench.create({ agentName: "one-more" }, { namespace: "other" });

  for (const { id } of drafts.slice(0, 1)) await bench.cancel(id);
  await bench.create({ agentName: "one-more" });
});

test("a task has so many watchers and no more", async () => {
  const bench = await startBench();
  const { task } = await bench.create();
  const ownSignal = () => new AbortController().signal;
  const open = Array.from({ length: limits.watchersPerTask }, () =>
    bench.plane.watch(LOCAL_CALLER, task.id, 0, ownSignal())[Symbol.asyncIterator](),
  );
  await Promise.all(open.map((watch) => watch.next()));
  const late = bench.plane.watch(LOCAL_CALLER, task.id, 0, ownSignal())[Symbol.asyncIterator]();
  await expect(late.next()).rejects.toMatchObject({ code: "overloaded", reason: "TOO_MANY_WATCHERS" });

  await open[0]?.return?.();
  const next = bench.plane.watch(LOCAL_CALLER, task.id, 0, ownSignal())[Symbol.asyncIterator]();
  expect((await next.next()).done).toBe(false);
  expect(bench.supervisor.watchers.count).toBe(limits.watchersPerTask);
});

test("a run that writes more than one may is broken off for good, and its worker told", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create({ maxAttempts: 3 });
  const { runId } = worker.assigned();
  const chunk = "é".repeat(limits.chunkBytes / 2); // two bytes each
  const chunks = limits.runOutputBytes / limits.chunkBytes;
  for (let seq = 0; seq < chunks; seq += 1) {
    await worker.output(runId, seq, chunk);
    if (seq % 64 === 0) await bench.settle();
  }
  await bench.settle();
  expect(await bench.show(task.id)).toContain("run ASSIGNED held");
  await worker.output(runId, chunks, "!");
  await bench.settle();
  expect(await bench.show(task.id)).toBe("error STEP_FAILED, error attempts=1, run FAILED/OUTPUT_LIMIT held");
  expect(worker.frames.at(-1)).toMatchObject({ type: "cancel", runId });
});

test("a worker of ours that sends beyond its credit is cut off; a public one is merely read slower", async () => {
  for (const [protocol, cutOff] of [
    [1, true],
    [0, false],
  ] as const) {
    const store = storeDouble();
    const bench = await startBench(store);
    const worker = bench.worker("w1", { protocol });
    await bench.settle();
    await bench.create();
    const { runId } = worker.assigned();
    const open = store.block();
    const chunk = "x".repeat(limits.chunkBytes);
    const send = async () => {
      for (let seq = 0; seq * limits.chunkBytes <= limits.workerCreditBytes; seq += 1) {
        await worker.output(runId, seq, chunk);
        if (seq === 0) await bench.settle();
      }
      await worker.output(runId, 999, "x");
    };
    const sent = send();
    if (cutOff) await expect(sent).rejects.toMatchObject({ code: "overloaded", reason: "CREDIT_EXCEEDED" });
    else await sent;
    open();
    await bench.settle();
  }
});

test("a stream that begins without hello, says it twice, or speaks for another worker is broken", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  const silent = { unsentBytes: 0, send: () => {}, close: () => {} };
  const mute = bench.plane.connect(LOCAL_CALLER, silent);
  const beat = { type: "heartbeat", workerId: "w2" as never, status: "IDLE", beat: 1 } as const;
  await expect(mute.receive(beat)).rejects.toMatchObject({ code: "invalid", details: { field: "hello" } });
  await expect(worker.link.receive(beat)).rejects.toMatchObject({
    details: { field: "heartbeat.worker_id" },
  });
  const info = { workerId: "w1" as never, hostname: "", version: "", agents: [], labels: {}, namespaces: [] };
  const hello = { type: "hello", info, protocol: 1, instance: "x", capacity: 1, resume: [] } as const;
  await expect(worker.link.receive(hello)).rejects.toMatchObject({ code: "invalid" });
});
