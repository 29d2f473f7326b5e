import { expect, test, vi } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import type { TaskId } from "#domain/id";
import { frameBytes } from "#domain/worker/frame-size";
import { limits } from "#limits/index";
import type { Loaded, Store } from "#ports/store";
import { memoryStore } from "#stores/memory/index";
import { type BenchPlane, draftOf, startBench } from "../kit/bench-plane.js";
import type { BenchWorker } from "../kit/bench-worker.js";
import { storeDouble } from "../kit/store-double.js";
import { begin, template } from "../kit/workflow-bench.js";

const MIB = 1024 * 1024;
/** JSON text of so many bytes. */
const textOf = (bytes: number) => JSON.stringify({ text: "x".repeat(bytes - 11) });

async function submit(bench: BenchPlane, count: number, input: string, name = "t") {
  const drafts = Array.from({ length: count }, (_, i) =>
    draftOf(`${name}${String(i).padStart(4, "0")}` as TaskId, {}, { input }),
  );
  await bench.plane.submit(LOCAL_CALLER, drafts);
  await bench.settle();
  return drafts.map(({ id }) => id);
}

/** The worker's transport takes all that waits, and says so. */
async function take(bench: BenchPlane, worker: BenchWorker) {
  worker.transport.unsentBytes = 0;
  worker.link.drained();
  await bench.settle();
}

/** The store, less what a test takes away of what it has loaded. */
function damaged(store: Store, damage: (loaded: Loaded) => Loaded): Store {
  return { ...store, load: async (needs) => damage(await store.load(needs)) };
}

test("an assignment that cannot be made fails its run in the same commit; others of the turn go on", async () => {
  const inner = memoryStore();
  const first = await startBench(inner);
  const [bad, good] = await submit(first, 2, textOf(100));
  first.kill();
  const store = damaged(storeDouble(inner), (loaded) => ({
    ...loaded,
    inputs: new Map([...loaded.inputs].filter(([id]) => id !== bad)),
  }));
  const bench = await startBench(store, { clock: first.clock, seed: 2, audit: false });
  const worker = bench.worker("w1", { capacity: 2 });
  await bench.settle();

  expect(worker.assigned().taskId).toBe(good);
  expect(await bench.show(bad as TaskId)).toBe("error STEP_FAILED, error attempts=1, run FAILED/INTERNAL");
  expect(bench.errors()).toEqual([
    `an assignment could not be made: InvariantViolation: the input of task ${bad} is not at hand`,
  ]);
  expect(bench.fatal).toEqual([]);
  const { roster } = bench.supervisor.core.memory;
  expect(roster.rows().map(({ id }) => roster.held(id).size)).toEqual([1]);
});

test("an assignment over a message fails its run with its size, is not tried again, and gives its slot back", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1", { protocol: 0, capacity: 1 });
  await bench.settle();
  const made = await bench.create({ maxAttempts: 5 }, { input: textOf(limits.messageBytes) });
  const after = await bench.create();

  expect(await bench.show(made.task.id)).toBe(
    "error STEP_FAILED, error attempts=1, run FAILED/ASSIGNMENT_TOO_LARGE",
  );
  const run = (await bench.store.reads.task(made.task.id))?.runs[0];
  expect(run?.errorMessage).toMatch(
    /^the assignment is 419\d{4} bytes, at most 4194304 can be sent: 4194309 of the input and what is added to it, 0 of results, \d+ of labels and the rest\./,
  );
  expect(worker.assigned()).toMatchObject({ taskId: after.task.id, ordinal: 1 });
  expect(worker.closed).toEqual([]);
});

test("what its steps add counts too: an item and a checkpoint of the largest size do not go with their input", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1", { protocol: 1 });
  await bench.settle();
  const item = "x".repeat(limits.inputBytes);
  const flow = template([
    { name: "each", type: "map", map: { over: "input/list" }, handler: { callable: "echo" } },
  ]);
  const { task } = await begin(bench, flow, { input: { list: [item, "small"] } });
  const [large, small] = worker.assignments();
  const cursor = JSON.stringify("y".repeat(limits.resultBytes - 2));
  for (const round of [1, 2, 3]) {
    const runId = round === 1 ? large?.runId : worker.assignments()[0]?.runId;
    if (!runId) break;
    await worker.link.receive({ type: "yield", runId, cursor, output: cursor });
    await bench.settle();
  }

  expect(await bench.show(task.id)).toContain("run FAILED/ASSIGNMENT_TOO_LARGE");
  expect(small?.input).toContain('"item":"small"');
});

test("a worker whose transport takes nothing gets no more than may wait for it, and goes on once it does", async () => {
  const bench = await startBench();
  const slow = bench.worker("slow", { capacity: 100, protocol: 1 });
  slow.transport.reads = false;
  await bench.settle();
  await submit(bench, 30, textOf(MIB));
  const waiting = () => slow.frames.filter(({ type }) => type === "assign").length;
  expect(waiting()).toBe(8);
  expect(slow.transport.unsentBytes).toBeLessThan(limits.unsentPerWorkerBytes + limits.messageBytes);

  const fast = bench.worker("fast", { capacity: 5, protocol: 1 });
  await bench.settle();
  expect(fast.assignments()).toHaveLength(5);

  await take(bench, slow);
  expect(waiting()).toBe(16);
});

test("many workers that read nothing share one bound, and leave room for one that reads", async () => {
  const bench = await startBench();
  const stalled = Array.from({ length: 12 }, (_, i) => {
    const worker = bench.worker(`stalled${i}`, { capacity: 50, protocol: 1 });
    worker.transport.reads = false;
    return worker;
  });
  await bench.settle();
  await submit(bench, 100, textOf(MIB));
  const unsent = stalled.reduce((sum, { transport }) => sum + transport.unsentBytes, 0);
  expect(unsent).toBeLessThan(limits.unsentBytes);
  expect(unsent).toBeGreaterThan(limits.unsentBytes / 2);

  const reader = bench.worker("reader", { capacity: 1, protocol: 1 });
  await bench.settle();
  for (let i = 0; i < 5; i += 1) {
    await reader.report(reader.assigned().runId, "COMPLETED");
    await bench.settle();
  }
});

test("a transport that drains while a turn commits is not forgotten", async () => {
  const store = storeDouble();
  const bench = await startBench(store);
  const worker = bench.worker("w1", { capacity: 100, protocol: 1 });
  worker.transport.reads = false;
  await bench.settle();
  await submit(bench, 8, textOf(MIB), "a");
  const open = store.block();
  void submit(bench, 1, textOf(MIB), "b");
  await bench.settle();
  worker.transport.unsentBytes = 0;
  worker.link.drained();
  open();
  await bench.settle();
  expect(worker.frames.filter(({ type }) => type === "assign")).toHaveLength(9);
});

test("one turn loads so many bytes for assignments and no more; the next goes on", async () => {
  const inner = memoryStore();
  const first = await startBench(inner);
  await submit(first, 60, textOf(MIB));
  first.kill();
  const loads: number[] = [];
  const store = damaged(storeDouble(inner), (loaded) => {
    const texts = [...loaded.inputs.values(), ...loaded.outputs.values(), ...loaded.stepInputs.values()];
    loads.push(texts.reduce((sum, text) => sum + text.length, 0));
    return loaded;
  });
  const bench = await startBench(store, { clock: first.clock, seed: 2, audit: false });
  const workers = Array.from({ length: 10 }, (_, i) => bench.worker(`w${i}`, { capacity: 6, protocol: 1 }));
  await bench.settle();

  expect(workers.flatMap((worker) => worker.assignments())).toHaveLength(60);
  expect(Math.max(...loads)).toBeLessThanOrEqual(limits.turnAssignmentBytes + limits.inputBytes);
});

test("of a task that an earlier release has stored nobody knows the size: it counts as the largest", async () => {
  const inner = memoryStore();
  const first = await startBench(inner);
  await submit(first, 30, "{}");
  first.kill();
  const store = damaged(storeDouble(inner), (loaded) => ({
    ...loaded,
    tasks: loaded.tasks.map((row) => ({ ...row, inputBytes: null })),
  }));
  const bench = await startBench(store, { clock: first.clock, seed: 2, audit: false });
  const worker = bench.worker("w1", { capacity: 30, protocol: 2 });
  await bench.settle();
  const got = worker.assignments();
  expect(got).toHaveLength(30);
  expect(got.every(({ input, inputRef }) => input === "{}" && !inputRef)).toBe(true);
});

test("a large input goes by reference to who can read it, and is not even loaded; to others it goes whole", async () => {
  const store = storeDouble();
  const wanted: TaskId[] = [];
  const { load } = store;
  store.load = (needs) => {
    wanted.push(...(needs.inputs ?? []));
    return load(needs);
  };
  const bench = await startBench(store);
  const input = textOf(limits.inlineInputBytes + 1);
  const [byRef] = await submit(bench, 1, input, "ref");
  const worker = bench.worker("w2", { protocol: 2, capacity: 1 });
  await bench.settle();
  expect(worker.assigned()).toMatchObject({
    input: "",
    parts: "",
    inputRef: { id: byRef, bytes: limits.inlineInputBytes + 1 },
  });
  expect(wanted).toEqual([]);

  for (const [protocol, size] of [
    [1, limits.inlineInputBytes + 1],
    [0, limits.inlineInputBytes + 1],
    [2, limits.inlineInputBytes],
  ] as const) {
    await submit(bench, 1, textOf(size), `p${protocol}`);
    const other = bench.worker(`w${protocol}-${size}`, { protocol, capacity: 1 });
    await bench.settle();
    const assigned = other.assigned();
    expect([assigned.input, assigned.inputRef]).toEqual([textOf(size), undefined]);
    await other.report(assigned.runId, "COMPLETED");
    other.link.closed();
    await bench.settle();
  }
});

test("members of a map share their task's input, by reference or not, until it is written", async () => {
  const bench = await startBench();
  const list = Array.from({ length: 900 }, (_, i) => i);
  const flow = template([
    {
      name: "each",
      type: "map",
      map: { over: "input/list", concurrency: 900 },
      handler: { callable: "echo" },
    },
  ]);
  const { task } = await begin(bench, flow, { input: { list, pad: "x".repeat(MIB - 5_000) } });
  const worker = bench.worker("w1", { protocol: 1, capacity: 1_000 });
  await bench.settle();
  const before = process.memoryUsage().heapUsed;
  const got = [...worker.frames];
  expect(got.filter(({ type }) => type === "assign")).toHaveLength(900);
  expect(before).toBeLessThan(700 * MIB);
  expect(got.reduce((sum, frame) => sum + frameBytes(frame), 0)).toBeGreaterThan(900 * (MIB - 5_000));
  await bench.cancel(task.id);
});

test("reasons are cut to what a message may have, whoever gave them", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create();
  await bench.cancel(task.id, "€".repeat(MIB));
  await bench.plane.drainWorker(LOCAL_CALLER, "w1" as never, "x".repeat(MIB));
  const said = worker.frames.filter((frame) => "reason" in frame);
  expect(said.map(({ type }) => type)).toEqual(["cancel", "drain"]);
  for (const frame of said) expect(frameBytes(frame)).toBeLessThan(limits.errorMessageBytes + 300);
});

test("a transport that throws loses its stream; nobody else is kept from anything", async () => {
  const bench = await startBench();
  const broken = bench.worker("broken", { capacity: 1 });
  broken.transport.breaksOn = ({ type }) => type === "assign";
  const whole = bench.worker("whole", { capacity: 1 });
  await bench.settle();
  await submit(bench, 2, "{}");

  expect(whole.assignments()).toHaveLength(1);
  expect(broken.closed.map(({ code }) => code)).toEqual(["internal"]);
  expect(bench.counted("taskrun_effects_failed_total", { part: "send" })).toBe(1);
  expect(bench.errors()).toEqual(["an effect of a commit failed: Error: the transport is broken"]);
  expect(bench.fatal).toEqual([]);
  await bench.create();
});

test("a transport that throws at an ack loses its stream as well", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create();
  worker.transport.breaksOn = ({ type }) => type === "ack.status";
  await worker.report(worker.assigned().runId, "COMPLETED");
  await bench.settle();
  expect(worker.closed.map(({ code }) => code)).toEqual(["internal"]);
  expect(bench.errors()).toEqual(["an effect of a commit failed: Error: the transport is broken"]);
  expect(await bench.show(task.id)).toMatch(/^complete/);
});

test("answers, watchers, metrics and streams that throw keep nothing else of a commit from happening", async () => {
  const bench = await startBench();
  const { core, watchers } = bench.supervisor;
  const worker = bench.worker("w1");
  await bench.settle();
  const fail = () => {
    throw new Error("broken");
  };
  vi.spyOn(core.telemetry, "count").mockImplementation(fail);
  vi.spyOn(core.telemetry, "observe").mockImplementation(fail);
  vi.spyOn(core.telemetry.log, "error").mockImplementation(fail);
  vi.spyOn(watchers, "wake").mockImplementation(fail);
  const answer = { resolve: fail, reject: fail };
  const drafts = [draftOf("first" as TaskId, {})];
  const message = { type: "submit", caller: LOCAL_CALLER, drafts } as const;
  bench.supervisor.post({ to: "task-request", message, source: "gateway", weight: 0, answer });
  await bench.settle();
  expect(worker.assigned().taskId).toBe("first");

  const sink = core.leases.sinks()[0];
  if (sink) sink.close = fail;
  bench.worker("w1");
  await bench.settle();
  await bench.create();
  expect(bench.fatal).toEqual([]);
  expect(bench.supervisor.serving).toBe(true);
});
