import { expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import { DEFAULT_RETRY } from "#domain/task/retry";
import { millis, NEVER } from "#domain/time/time";
import { limits } from "#limits/index";
import { type BenchPlane, startBench } from "../kit/bench-plane.js";
import { stores } from "../kit/store-double.js";

const PATIENT = {
  retry: { attempts: 4, backoff: "linear", base: millis(200), only: [] },
  timeoutMs: millis(7_000),
} as const;

const stepOf = async ({ store }: BenchPlane, id: Parameters<BenchPlane["show"]>[0]) =>
  (await store.reads.task(id))?.steps[0];

test("what an agent announces is the default of the Steps that name it", async () => {
  const bench = await startBench();
  bench.worker("w1", { announced: { echo: PATIENT } });
  await bench.settle();
  const { task } = await bench.create({ agentName: "echo" });
  expect((await stepOf(bench, task.id))?.spec).toMatchObject({
    timeoutMs: 7_000,
    retry: { ...DEFAULT_RETRY, backoff: "linear", base: 200 },
  });
  const other = await bench.create({ agentName: "other" });
  expect((await stepOf(bench, other.task.id))?.spec).toMatchObject({ timeoutMs: 0, retry: DEFAULT_RETRY });
});

test("an attempt that takes longer than its agent announced fails, and is tried again", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1", { announced: { echo: PATIENT } });
  await bench.settle();
  const { task } = await bench.create({ agentName: "echo", maxAttempts: 2 });
  await bench.settle();
  await worker.report(worker.assigned().runId, "RUNNING");
  await bench.pass(8_000, worker);
  expect(await bench.show(task.id)).toContain("run FAILED/TIMEOUT");
  expect(await bench.show(task.id)).not.toContain("error");
});

for (const { name, make } of stores) {
  test(`announcements outlive a restart, before any worker is back (${name})`, async () => {
    const { store, reopen } = make();
    const before = await startBench(store);
    before.worker("w1", { agents: ["echo", "plain"], announced: { echo: PATIENT } });
    await before.settle();
    before.kill();
    const bench = await startBench(await reopen(), { clock: before.clock, seed: 2 });
    expect(bench.plane.agents(LOCAL_CALLER)).toMatchObject([
      { name: "echo", workers: 0, slots: 0, announced: PATIENT, isEnforced: false },
      { name: "plain", workers: 0, announced: { digest: "" } },
    ]);
    const { task } = await bench.create({ agentName: "echo" });
    expect((await stepOf(bench, task.id))?.spec.timeoutMs).toBe(7_000);
    await bench.store.close();
  });
}

test("a worker gets no more Runs of an agent than it announced, and others as many as it has slots", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1", {
    agents: ["echo", "free"],
    capacity: 5,
    announced: { echo: { concurrency: 2 } },
  });
  await bench.settle();
  for (let i = 0; i < 4; i += 1) await bench.create({ agentName: "echo" });
  for (let i = 0; i < 4; i += 1) await bench.create({ agentName: "free" });
  await bench.settle();
  const runs = worker.assignments();
  expect(runs.filter(({ agentName }) => agentName === "echo")).toHaveLength(2);
  expect(runs.filter(({ agentName }) => agentName === "free")).toHaveLength(3);

  const [first] = runs.filter(({ agentName }) => agentName === "echo");
  await worker.report(first?.runId as never, "COMPLETED");
  await bench.settle();
  expect(worker.assignments().map(({ agentName }) => agentName)).toEqual(["echo"]);
});

test("the lanes of one agent share what a worker takes of it", async () => {
  const bench = await startBench();
  for (const namespace of ["a", "b", "c"]) {
    for (let i = 0; i < 2; i += 1) await bench.create({ agentName: "echo" }, { namespace });
  }
  // All of them are given out in one turn.
  const worker = bench.worker("w1", { announced: { echo: { concurrency: 3 } } });
  await bench.settle();
  expect(worker.assignments()).toHaveLength(3);
});

test("Runs that a worker takes back count for the concurrency of its new session", async () => {
  const bench = await startBench();
  const announced = { echo: { concurrency: 2 } };
  const worker = bench.worker("w1", { announced });
  await bench.settle();
  for (let i = 0; i < 3; i += 1) await bench.create({ agentName: "echo" });
  await bench.settle();
  const held = worker.assignments();
  expect(held).toHaveLength(2);
  worker.link.closed();
  await bench.settle();
  const again = bench.worker("w1", {
    announced,
    resume: held.map(({ runId, fence }) => ({ runId, fence, nextSeq: 0 })),
  });
  await bench.settle();
  expect(again.assignments()).toEqual([]);
  await again.report(held[0]?.runId as never, "COMPLETED");
  await bench.settle();
  expect(again.assignments()).toHaveLength(1);
});

test("so they do over a restart of the plane", async () => {
  const before = await startBench();
  const announced = { echo: { concurrency: 1 } };
  const worker = before.worker("w1", { announced });
  await before.settle();
  await before.create({ agentName: "echo" });
  await before.create({ agentName: "echo" });
  await before.settle();
  const { runId, fence } = worker.assigned();
  before.kill();
  const bench = await startBench(before.store, { clock: before.clock, seed: 2, audit: false });
  const again = bench.worker("w1", { announced, resume: [{ runId, fence, nextSeq: 0 }] });
  await bench.settle();
  expect(again.assignments()).toEqual([]);
});

test("workers of one agent agree, or do not, by what those announce that take new Runs", async () => {
  const bench = await startBench();
  const one = { inputSchema: '{"type":"object"}' };
  bench.worker("w1", { announced: { echo: one } });
  bench.worker("w2", { announced: { echo: one } });
  await bench.settle();
  const digests = () =>
    bench.plane
      .agent("default", "echo")
      ?.current.map(({ announced, workers }) => [announced.inputSchema, workers]);
  expect(digests()).toEqual([['{"type":"object"}', 2]]);
  expect(bench.plane.agents(LOCAL_CALLER)).toMatchObject([{ isEnforced: true, workers: 2, slots: 20 }]);

  const old = bench.worker("w3", {});
  await bench.settle();
  expect(digests()).toEqual([
    ['{"type":"object"}', 2],
    ["", 1],
  ]);
  expect(bench.plane.agents(LOCAL_CALLER)).toMatchObject([{ isEnforced: false, workers: 3 }]);
  await old.alive({ status: "DRAINING" });
  await bench.settle();
  expect(digests()).toEqual([['{"type":"object"}', 2]]);
  old.link.closed();
  await bench.settle();
  expect(digests()).toEqual([['{"type":"object"}', 2]]);
});

test("a worker of one namespace announces for it alone, one of none for all", async () => {
  const bench = await startBench();
  bench.worker("w1", { info: { namespaces: ["a"] }, announced: { echo: { timeoutMs: millis(1) } } });
  await bench.settle();
  expect(bench.plane.agent("a", "echo")?.current).toHaveLength(1);
  expect(bench.plane.agent("b", "echo")).toBeUndefined();
  expect([...bench.plane.agentNames("b")]).toEqual([]);

  bench.worker("w2", { announced: { echo: { timeoutMs: millis(2) } } });
  await bench.settle();
  expect(bench.plane.agent("b", "echo")?.current).toHaveLength(1);
  expect(bench.plane.agent("a", "echo")?.current).toHaveLength(2);
});

test("after a roll-back the defaults are those of the workers that are connected", async () => {
  const bench = await startBench();
  bench.worker("w1", { announced: { echo: { timeoutMs: millis(1_000) } } });
  await bench.settle();
  const newer = bench.worker("w2", { announced: { echo: { timeoutMs: millis(2_000) } } });
  await bench.settle();
  const timeout = async () => {
    const { task } = await bench.create({ agentName: "echo" });
    return (await stepOf(bench, task.id))?.spec.timeoutMs;
  };
  expect(await timeout()).toBe(2_000);
  newer.link.closed();
  await bench.settle();
  expect(await timeout()).toBe(1_000);
});

test("a worker that connects again and again is written down once in a while", async () => {
  const bench = await startBench();
  const rows = async () => (await bench.store.boot()).agents;
  const connect = async (id: string) => {
    const worker = bench.worker(id, { announced: { echo: PATIENT } });
    await bench.settle();
    worker.link.closed();
    await bench.settle();
  };
  await connect("w1");
  const [first] = await rows();
  await bench.clock.advance(60_000);
  await connect("w2");
  expect(await rows()).toEqual([first]);
  await bench.clock.advance(limits.agentSeenEvery);
  await connect("w3");
  expect((await rows())[0]?.seenAt).toBeGreaterThan(first?.seenAt ?? 0);
});

test("when the last worker leaves, the agent was seen until then", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  await bench.pass(limits.agentSeenEvery + 5_000, worker);
  worker.link.closed();
  await bench.settle();
  const [row] = (await bench.store.boot()).agents;
  expect(row?.seenAt).toBe(bench.clock.now());
});

test("an agent without a worker for a month is forgotten when another one is announced", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1", { agents: ["old"] });
  await bench.settle();
  worker.link.closed();
  await bench.clock.advance(limits.agentKept + 1_000);
  expect(bench.plane.agent("default", "old")).toBeDefined();
  bench.worker("w2", { agents: ["new"] });
  await bench.settle();
  expect(bench.plane.agent("default", "old")).toBeUndefined();
  expect((await bench.store.boot()).agents.map(({ name }) => name)).toEqual(["new"]);
});

test("of more agents than are remembered the one goes that was away longest, and never one that is connected", async () => {
  const bench = await startBench();
  const names = (from: number, count: number) => Array.from({ length: count }, (_, i) => `agent-${from + i}`);
  const spaces = Array.from({ length: 64 }, (_, i) => `space-${i}`);
  const first = bench.worker("w1", { agents: ["first"] });
  await bench.settle();
  first.link.closed();
  await bench.clock.advance(1_000);
  bench.worker("w2", { agents: names(0, 63), info: { namespaces: spaces } });
  await bench.settle();
  expect(bench.plane.agent("default", "first")).toBeDefined();
  bench.worker("w3", { agents: names(100, 64), info: { namespaces: spaces } });
  await bench.settle();
  const { agents } = await bench.store.boot();
  expect(agents).toHaveLength(limits.knownAgents);
  expect(bench.plane.agent("default", "first")).toBeUndefined();
  expect(bench.plane.agent("space-5", "agent-7")?.row).toBeDefined();
  // There was no room to remember it, but while it is connected it is known.
  expect(bench.plane.agent("space-63", "agent-163")).toMatchObject({
    row: undefined,
    current: [{ workers: 1 }],
  });
});

test("a hello that names an agent twice has its slots once", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1", { agents: ["echo", "echo"], announced: { echo: { concurrency: 3 } } });
  await bench.settle();
  expect(bench.plane.agents(LOCAL_CALLER)).toMatchObject([{ name: "echo", workers: 1, slots: 3 }]);
  worker.link.closed();
  await bench.settle();
  expect(bench.plane.agent("default", "echo")?.current).toEqual([]);
});

test("the list tells of waiting Steps in the namespaces that an agent serves, and of no others", async () => {
  const bench = await startBench();
  bench.worker("w1", { capacity: 1, info: { namespaces: ["a"], labels: {} } });
  bench.worker("w2", { agents: ["other"] });
  await bench.settle();
  for (const namespace of ["a", "a", "b"]) await bench.create({ agentName: "echo" }, { namespace });
  await bench.settle();
  const [echo] = bench.plane.agents(LOCAL_CALLER);
  expect(echo).toMatchObject({ namespace: "a", name: "echo", slots: 1 });
  expect(await bench.store.reads.countReady(echo?.lanes ?? [], 10)).toBe(1);
  const others = bench.plane.agents({ ...LOCAL_CALLER, namespaces: ["b"] });
  expect(others.map(({ namespace, name }) => [namespace, name])).toEqual([
    ["b", "echo"],
    ["", "other"],
  ]);
});

for (const { name, make } of stores) {
  test(`an agent that nobody has announced is listed while Steps wait for it (${name})`, async () => {
    const { store, reopen } = make();
    const before = await startBench(store);
    await before.create({ agentName: "ecko" });
    await before.create({ agentName: "ecko", workerSelector: { gpu: "yes" } });
    await before.create({ agentName: "ecko" }, { namespace: "b" });
    await before.settle();
    before.kill();
    const bench = await startBench(await reopen(), { clock: before.clock, seed: 2 });
    const listed = bench.plane.agents(LOCAL_CALLER);
    expect(listed).toMatchObject([
      { namespace: "b", name: "ecko", workers: 0, slots: 0, seenAt: NEVER, isEnforced: false },
      { namespace: "default", name: "ecko", workers: 0, announced: { digest: "" } },
    ]);
    expect(await Promise.all(listed.map(({ lanes }) => bench.store.reads.countReady(lanes, 10)))).toEqual([
      1, 2,
    ]);
    expect(bench.plane.agent("b", "ecko")).toBeUndefined();
    expect([...bench.plane.agentNames("b")]).toEqual([]);

    bench.worker("w1", { agents: ["ecko"], info: { namespaces: ["b"] } });
    await bench.settle();
    expect(bench.plane.agents(LOCAL_CALLER)).toMatchObject([
      { namespace: "b", name: "ecko", workers: 1, lanes: [] },
      { namespace: "default", name: "ecko", workers: 0, slots: 0, seenAt: NEVER },
    ]);
    bench.worker("w2", { agents: ["ecko"], info: { labels: { gpu: "yes" } } });
    await bench.settle();
    expect(bench.plane.agents(LOCAL_CALLER).map(({ namespace, lanes }) => [namespace, lanes])).toEqual([
      ["", []],
      ["b", []],
    ]);
    await bench.store.close();
  });
}
