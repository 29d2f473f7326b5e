/**
 * What the plane promises, told once each as the shortest story in which breaking it shows. A mutant breaks the
 * plane in each of these ways, and its story has to fail.
 */
import { connect, type IncomingHttpHeaders } from "node:http2";
import { afterEach, expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import { Fault } from "#domain/fault";
import { millis } from "#domain/time/time";
import { openGateway } from "#gateway/server";
import { jsonSchemas } from "#host/schemas";
import { silentTelemetry } from "#host/silent-telemetry";
import { limits } from "#limits/index";
import { Retention } from "#runtime/timers/retention";
import { seededEntropy } from "#testing/virtual-time";
import { LEASE_OF_OURS, startBench, TERMS } from "../runtime/kit/bench-plane.js";
import { refuseNext, storeDouble } from "../runtime/kit/store-double.js";

const undone: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of undone.splice(0)) await undo();
});

/** Whether a promise has settled by now, once everything has run that can. */
async function hasSettled(bench: { settle(): Promise<void> }, promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = () => {
    settled = true;
  };
  promise.then(note, note);
  await bench.settle();
  return settled;
}

test("nobody is answered before the commit has landed", async () => {
  const store = storeDouble();
  const bench = await startBench(store);
  const open = store.block();
  const created = bench.create();
  expect(await hasSettled(bench, created)).toBe(false);
  open();
  expect(await bench.show((await created).task.id)).toContain("enqueuing_steps");
});

test("no assignment leaves before its commit has landed", async () => {
  const store = storeDouble();
  const bench = await startBench(store);
  const worker = bench.worker("w");
  await bench.settle();
  worker.heard();
  const open = store.block();
  const created = bench.create();
  await bench.settle();
  expect(worker.heard()).toEqual([]);
  open();
  await created;
  await bench.settle();
  expect(worker.heard()).toEqual(["assign"]);
});

test("a commit that was refused leaves memory as it was", async () => {
  const store = storeDouble();
  const bench = await startBench(store);
  refuseNext(store, "disk_full");
  expect(await bench.tryCreate().catch((error: Fault) => error)).toMatchObject({ code: "disk_full" });
  expect(bench.supervisor.core.memory.waiting).toBe(0);

  const worker = bench.worker("w");
  await bench.settle();
  expect(worker.assignments()).toEqual([]);
});

test("the count of waiting tasks follows them wherever they go", async () => {
  const bench = await startBench();
  const { task } = await bench.create();
  await bench.create({ startAt: bench.clock.now() });
  expect(bench.supervisor.core.memory.waiting).toBe(2);
  await bench.cancel(task.id);
  expect(bench.supervisor.core.memory.waiting).toBe(1);
  bench.worker("w");
  await bench.settle();
  expect(bench.supervisor.core.memory.waiting).toBe(0);
});

test("a key makes one task, also after a restart", async () => {
  const bench = await startBench();
  const first = await bench.create({ idempotencyKey: "k", fingerprint: "1" });
  bench.kill();
  const again = await startBench(bench.store, { clock: bench.clock, seed: 2 });
  expect((await again.create({ idempotencyKey: "k", fingerprint: "1" })).task.id).toBe(first.task.id);
  const other = await again.tryCreate({ idempotencyKey: "k", fingerprint: "x" });
  expect(other).toMatchObject({ code: "key_conflict" });
});

test("a cancel that was acknowledged holds over a restart, and against a late COMPLETED", async () => {
  const bench = await startBench();
  const worker = bench.worker("w");
  await bench.settle();
  const { task } = await bench.create();
  const { runId } = worker.assigned();
  await bench.cancel(task.id);
  bench.kill();

  const again = await startBench(bench.store, { clock: bench.clock, seed: 2 });
  const back = again.worker("w", { resume: [{ runId, fence: 1, nextSeq: 0 }] });
  await again.settle();
  expect(back.heard()).toContain("cancel");
  await back.report(runId, "COMPLETED", { output: '"late"' });
  await again.settle();
  expect(await again.show(task.id)).toMatch(/^cancelled CANCELLED, .*run CANCELLED\/CANCELLED$/);
});

test("a report with an older fence changes nothing", async () => {
  const bench = await startBench();
  const worker = bench.worker("w");
  await bench.settle();
  const { task } = await bench.create();
  const { runId, fence } = worker.assigned();
  await worker.report(runId, "COMPLETED", { fence: fence + 1 });
  await worker.output(runId, 0, "stale", { fence: fence + 1 });
  await bench.settle();
  expect(await bench.show(task.id)).toContain("run ASSIGNED");
  expect((await bench.log(task.id)).filter(({ type }) => type === "output")).toEqual([]);
});

test("output is contiguous: a repeat, a gap and an early end do not count", async () => {
  const bench = await startBench();
  const worker = bench.worker("w");
  await bench.settle();
  const { task } = await bench.create();
  const { runId } = worker.assigned();
  await worker.output(runId, 0, "a");
  await worker.output(runId, 0, "a");
  await worker.output(runId, 2, "c");
  await worker.report(runId, "COMPLETED", { outputCount: 3 });
  await bench.settle();
  expect(await bench.show(task.id)).toContain("run ASSIGNED");
  const written = (await bench.log(task.id)).flatMap((entry) =>
    entry.type === "output" ? entry.content : [],
  );
  expect(written).toEqual(["a"]);
});

test("when a worker's older stream closes late, its newer one goes on", async () => {
  const bench = await startBench();
  const older = bench.worker("w");
  await bench.settle();
  const { task } = await bench.create();
  const { runId, fence } = older.assigned();
  const newer = bench.worker("w", { resume: [{ runId, fence, nextSeq: 0 }] });
  await bench.settle();
  older.link.closed();
  await bench.settle();

  const next = await bench.create();
  expect(newer.assigned().taskId).toBe(next.task.id);
  await newer.report(runId, "COMPLETED");
  await bench.settle();
  expect(await bench.show(task.id)).toContain("run COMPLETED");
});

test("after a restart held runs have a while to reappear, and are lost if they do not", async () => {
  const bench = await startBench();
  const worker = bench.worker("w");
  await bench.settle();
  const { task } = await bench.create();
  worker.assigned();
  bench.kill();

  const again = await startBench(bench.store, { clock: bench.clock, seed: 2 });
  await again.clock.advance(TERMS.lease * 1.5 - 1);
  expect(await again.show(task.id)).toContain("run ASSIGNED held");
  await again.clock.advance(2);
  expect(await again.show(task.id)).toContain("run FAILED/WORKER_LOST");
});

test("a slot is free again after each run, however it ended", async () => {
  const bench = await startBench();
  const worker = bench.worker("w", { capacity: 1 });
  await bench.settle();
  for (const status of ["COMPLETED", "FAILED", "CANCELLED"] as const) {
    await bench.create();
    await worker.report(worker.assigned().runId, status);
    await bench.settle();
    worker.heard();
  }
  await bench.create();
  expect(worker.assignments()).toHaveLength(1);
});

test("a cancelled run takes its slot until its worker has let go, which hears of it with every heartbeat", async () => {
  const bench = await startBench();
  const worker = bench.worker("w", { capacity: 1 });
  await bench.settle();
  const { task } = await bench.create();
  const { runId } = worker.assigned();
  await bench.cancel(task.id);
  await bench.create();
  for (let beats = 0; beats < 3; beats += 1) {
    worker.heard();
    await worker.beat([runId], 1);
    await bench.settle();
    expect(worker.heard()).toEqual(["ack.heartbeat", "cancel"]);
  }
  await worker.report(runId, "CANCELLED");
  await bench.settle();
  expect(worker.heard()).toContain("assign");
});

test("a watcher that falls behind sees every line once, in order", async () => {
  const bench = await startBench();
  const worker = bench.worker("w");
  await bench.settle();
  const { task } = await bench.create();
  const { runId } = worker.assigned();
  const lines = bench.plane.watch(LOCAL_CALLER, task.id, 0, new AbortController().signal);
  const watch = lines[Symbol.asyncIterator]();
  const seqs: number[] = [];
  const take = async () => {
    const { value } = await watch.next();
    for (const i of value?.entries.keys() ?? []) seqs.push((value?.firstSeq ?? 0) + i);
  };
  await take();

  const content = "x".repeat(limits.chunkBytes);
  const chunks = Math.ceil((2 * limits.watchReadBytes) / limits.chunkBytes);
  for (let seq = 0; seq < chunks; seq += 1) {
    await worker.output(runId, seq, content);
    await bench.settle();
  }
  await worker.report(runId, "COMPLETED", { outputCount: chunks });
  await bench.settle();
  const last = (await bench.log(task.id)).length;
  // All lines are there: a watcher that waits for more has passed over some.
  while (seqs.length < last && (await hasSettled(bench, take())));
  expect(seqs).toEqual(Array.from({ length: last }, (_, i) => i + 1));
});

test("retention removes what ended long ago, and nothing that lives", async () => {
  const bench = await startBench();
  const { core, watchers } = bench.supervisor;
  const live = await bench.create();
  const ended = await bench.create();
  await bench.cancel(ended.task.id);
  await bench.clock.advance(LEASE_OF_OURS);
  expect(await new Retention(core, watchers, millis(1_000)).sweep()).toBe(1);
  expect(await bench.show(live.task.id)).toContain("enqueuing_steps");
});

test("a worker that sends far beyond its credit is cut off", async () => {
  const store = storeDouble();
  const bench = await startBench(store);
  const worker = bench.worker("w");
  await bench.settle();
  await bench.create();
  const { runId } = worker.assigned();
  undone.push(store.block());
  const content = "x".repeat(limits.chunkBytes);
  const chunks = 2 + limits.workerCreditBytes / limits.chunkBytes;
  const sendAll = async () => {
    for (let seq = 0; seq < chunks; seq += 1) await worker.output(runId, seq, content);
  };
  await expect(sendAll()).rejects.toMatchObject({ reason: "CREDIT_EXCEEDED" });
});

test("a full mailbox refuses, and nothing of what it refused is stored", async () => {
  const store = storeDouble();
  const bench = await startBench(store, { mailbox: 2 });
  const open = store.block();
  const sent = Array.from({ length: 6 }, () => bench.tryCreate().catch((error: Fault) => error));
  await bench.settle();
  open();
  const outcomes = await Promise.all(sent);
  const refused = outcomes.filter((outcome) => outcome instanceof Fault);
  expect(refused.length).toBeGreaterThan(0);
  expect(refused[0]).toMatchObject({ code: "overloaded", reason: "MAILBOX_FULL" });
  const { tasks } = await store.reads.tasks({ namespaces: "*" }, undefined, 100);
  expect(tasks).toHaveLength(outcomes.length - refused.length);
});

test("a plane with workers that beat and work that waits issues no statement", async () => {
  const store = storeDouble();
  const bench = await startBench(store);
  const worker = bench.worker("w", { capacity: 1 });
  await bench.settle();
  await bench.create({ timeoutMs: millis(3_600_000) });
  await bench.create({ startAt: bench.clock.now() });
  const { runId } = worker.assigned();
  await worker.beat([runId], 1);
  const before = store.statements;
  for (let beats = 0; beats < 12; beats += 1) {
    await bench.clock.advance(TERMS.heartbeat);
    await worker.beat([runId], 1);
  }
  expect(store.statements).toBe(before);
});

test("a worker stream has its response headers before anything was said", async () => {
  const bench = await startBench();
  const gateway = await openGateway({
    plane: bench.plane,
    entropy: seededEntropy(1, () => bench.clock.now()),
    telemetry: silentTelemetry(),
    schemas: jsonSchemas(),
    environment: "test",
    metrics: { contentType: "text/plain", render: async () => "" },
    grpc: ["127.0.0.1:0"],
    http: [],
  });
  const addr = gateway.grpc[0] ?? "";
  const session = connect(`http://${addr}`);
  undone.push(
    () => session.destroy(),
    () => gateway.close(100),
  );
  const headers = await new Promise<IncomingHttpHeaders | undefined>((resolve) => {
    const path = "/taskrun.v1.RunService/StreamConnect";
    const own = { ":method": "POST", ":path": path, ":authority": addr, "content-type": "application/grpc" };
    const stream = session.request({ ...own, te: "trailers" });
    stream.on("response", resolve).on("error", () => {});
    setTimeout(() => resolve(undefined), 2_000).unref();
  });
  expect(headers?.[":status"]).toBe(200);
});
