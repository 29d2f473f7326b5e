import { describe, expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import type { TaskId } from "#domain/id";
import { EVERY_NAMESPACE, type PauseScope, THE_PLANE } from "#domain/pause/pause";
import { laneOfKey } from "#domain/task/lane";
import { later, millis, NEVER } from "#domain/time/time";
import { limits } from "#limits/index";
import { memoryStore } from "#stores/memory/index";
import { type BenchPlane, startBench } from "./kit/bench-plane.js";
import { begin } from "./kit/workflow-bench.js";

const agentScope = (name: string, namespace = "default"): PauseScope => {
  return { kind: "agent", namespace, name, principal: "" };
};
const namespaceScope: PauseScope = { kind: "namespace", namespace: "default", name: "", principal: "" };
const workerScope = (name: string): PauseScope => ({
  kind: "worker",
  namespace: "",
  name,
  principal: "local",
});

const pause = ({ plane }: BenchPlane, scope: PauseScope, until = NEVER, reason = "bad answers") =>
  plane.pause(LOCAL_CALLER, { scope, reason, until });
const resume = ({ plane }: BenchPlane, scope: PauseScope) => plane.resume(LOCAL_CALLER, scope);

describe("while a scope is paused, workers get nothing of it, and all of it once it is resumed", () => {
  test.each([
    ["the plane", THE_PLANE],
    ["its namespace", namespaceScope],
    ["its agent in its namespace", agentScope("echo")],
    ["its agent in every namespace", agentScope("echo", EVERY_NAMESPACE)],
    ["the only worker", workerScope("w1")],
  ])("%s", async (_, scope) => {
    const bench = await startBench();
    await pause(bench, scope);
    const worker = bench.worker("w1");
    await bench.settle();
    const { task } = await bench.create();
    await bench.settle();
    expect(await bench.show(task.id)).toBe("enqueuing_steps, enqueued attempts=0");

    expect((await resume(bench, scope))?.reason).toBe("bad answers");
    await bench.settle();
    expect(worker.assigned().taskId).toBe(task.id);
  });

  test.each([
    ["another namespace", { ...namespaceScope, namespace: "other" }],
    ["another agent", agentScope("triage")],
    ["its agent in another namespace", agentScope("echo", "other")],
    ["another worker", workerScope("w2")],
    ["a worker of this id of another principal", { ...workerScope("w1"), principal: "somebody" }],
  ])("%s holds nothing back", async (_, scope) => {
    const bench = await startBench();
    await pause(bench, scope);
    const worker = bench.worker("w1");
    await bench.settle();
    const { task } = await bench.create();
    await bench.settle();
    expect(worker.assigned().taskId).toBe(task.id);
  });
});

test("what runs goes on, and is counted until its worker has let it go", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create();
  const second = await bench.create();
  await bench.settle();
  const [{ runId } = expect.unreachable()] = worker.assignments();
  expect(await bench.store.reads.countHeld(agentScope("echo"))).toBe(2);
  await pause(bench, agentScope("echo"));
  const third = await bench.create();
  await bench.settle();
  expect(await bench.show(task.id)).toContain("held");
  await worker.report(runId, "COMPLETED");
  await bench.settle();
  expect(await bench.show(task.id)).toBe("complete, complete attempts=1, run COMPLETED");
  expect(await bench.show(second.task.id)).toContain("held");
  expect(await bench.show(third.task.id)).toBe("enqueuing_steps, enqueued attempts=0");
  expect(await bench.store.reads.countHeld(agentScope("echo"))).toBe(1);
});

test("a paused worker is passed over, and others get what it would have got", async () => {
  const bench = await startBench();
  const [paused, other] = [bench.worker("w1"), bench.worker("w2")];
  await bench.settle();
  await pause(bench, workerScope("w1"));
  for (let i = 0; i < 4; i += 1) await bench.create();
  await bench.settle();
  expect([paused, other].map((worker) => worker.assignments().length)).toEqual([0, 4]);
});

test("a paused worker that connects anew gets nothing", async () => {
  const bench = await startBench();
  const first = bench.worker("w1");
  await bench.settle();
  await pause(bench, workerScope("w1"));
  first.link.closed();
  await bench.settle();
  const again = bench.worker("w1", { instance: "another" });
  await bench.settle();
  const { task } = await bench.create();
  await bench.settle();
  expect(await bench.show(task.id)).toBe("enqueuing_steps, enqueued attempts=0");
  await resume(bench, workerScope("w1"));
  await bench.settle();
  expect(again.assigned().taskId).toBe(task.id);
});

test("a Step whose lane is paused holds up no Step of another lane, and no turn is taken for it", async () => {
  const bench = await startBench();
  const worker = bench.worker("w1", { agents: ["echo", "triage"] });
  await bench.settle();
  await pause(bench, agentScope("triage"));
  for (let i = 0; i < 3; i += 1) await bench.create({ agentName: "triage", priority: 10 });
  const { task } = await bench.create();
  await bench.settle();
  expect(worker.assigned().taskId).toBe(task.id);
  const turns = bench.counted("taskrun_turns_total");
  await bench.settle();
  expect(bench.counted("taskrun_turns_total")).toBe(turns);
});

describe("a pause with an end", () => {
  test("ends by itself, and is removed from the store", async () => {
    const bench = await startBench();
    const worker = bench.worker("w1");
    await bench.settle();
    await pause(bench, agentScope("echo"), later(bench.clock.now(), millis(60_000)));
    const { task } = await bench.create();
    await bench.pass(59_000, worker);
    expect(await bench.show(task.id)).toBe("enqueuing_steps, enqueued attempts=0");
    expect((await bench.store.boot()).pauses).toHaveLength(1);
    await bench.pass(1_001, worker);
    expect(worker.assigned().taskId).toBe(task.id);
    expect((await bench.store.boot()).pauses).toEqual([]);
    expect(bench.plane.pauses().size).toBe(0);
  });

  test("another one of the same scope takes its place", async () => {
    const bench = await startBench();
    const worker = bench.worker("w1");
    await bench.settle();
    await pause(bench, agentScope("echo"), later(bench.clock.now(), millis(10_000)));
    await pause(bench, agentScope("echo"), NEVER, "still bad");
    const { task } = await bench.create();
    await bench.pass(20_000, worker);
    expect(await bench.show(task.id)).toBe("enqueuing_steps, enqueued attempts=0");
    expect(bench.plane.pauses().all()).toMatchObject([{ reason: "still bad", until: NEVER, by: "local" }]);
  });
});

test("pauses survive a kill of the process, and those with an end end then", async () => {
  const store = memoryStore();
  const before = await startBench(store);
  await pause(before, agentScope("echo"));
  await pause(before, agentScope("triage"), later(before.clock.now(), millis(60_000)));
  const echo = await before.create();
  const triage = await before.create({ agentName: "triage" });
  await before.settle();
  before.kill();

  const bench = await startBench(store, { clock: before.clock, seed: 2, audit: false });
  const worker = bench.worker("w1", { agents: ["echo", "triage"] });
  await bench.settle();
  expect(await bench.show(echo.task.id)).toBe("enqueuing_steps, enqueued attempts=0");
  expect(await bench.show(triage.task.id)).toBe("enqueuing_steps, enqueued attempts=0");
  await bench.pass(60_001, worker);
  expect(worker.assigned().taskId).toBe(triage.task.id);
  expect(await bench.show(echo.task.id)).toBe("enqueuing_steps, enqueued attempts=0");
  await resume(bench, agentScope("echo"));
  await bench.settle();
  expect(worker.assigned().taskId).toBe(echo.task.id);
});

test("resuming what is not paused does nothing", async () => {
  const bench = await startBench();
  expect(await resume(bench, THE_PLANE)).toBeUndefined();
});

test("there are as many pauses as there may be, and one more is refused; one of the same scope is not", async () => {
  const bench = await startBench();
  for (let i = 0; i < limits.pauses; i += 1) await pause(bench, agentScope(`a${i}`));
  await expect(pause(bench, agentScope("one more"))).rejects.toMatchObject({
    code: "overloaded",
    reason: "TOO_MANY_PAUSES",
  });
  await pause(bench, agentScope("a0"), NEVER, "again");
  await resume(bench, agentScope("a1"));
  await pause(bench, agentScope("one more"));
  expect(bench.plane.pauses().size).toBe(limits.pauses);
});

test("what is cancelled while it is paused leaves no lane behind", async () => {
  const bench = await startBench();
  bench.worker("w1");
  await bench.settle();
  await pause(bench, agentScope("echo"));
  const { task } = await bench.create();
  await bench.settle();
  await bench.cancel(task.id);
  await bench.settle();
  expect((await bench.store.boot()).lanes).toEqual([]);
});

describe("a paused template", () => {
  const flow = (name: string) =>
    ({
      name,
      namespace_name: "default",
      version: "1.0.0",
      steps: [{ name: "one", handler: { callable: "echo" } }],
    }) as never;
  const templateScope = (name: string): PauseScope => {
    return { kind: "template", namespace: "default", name, principal: "" };
  };

  test("none of its Steps is given out, and Steps behind them are not held up", async () => {
    const bench = await startBench();
    await pause(bench, templateScope("slow"));
    const held = [];
    for (let i = 0; i < 700; i += 1) held.push((await begin(bench, flow("slow"))).task.id);
    const other = await begin(bench, flow("fast"));
    const { task } = await bench.create();
    await bench.settle();
    const worker = bench.worker("w1", { capacity: 2 });
    await bench.settle();
    expect(worker.assignments().map(({ taskId }) => taskId)).toEqual([other.task.id, task.id]);

    const lanes = (await bench.store.boot()).lanes.map(({ template }) => template?.name);
    expect(lanes).toEqual(["slow"]);
    const [step] = (await bench.plane.reads.task(held[0] as TaskId))?.steps ?? [];
    expect(laneOfKey(step?.lane ?? "")?.template).toEqual({ namespace: "default", name: "slow" });
  });

  test("its Steps are given out in their old order once it is resumed, and the lane of their own is gone", async () => {
    const bench = await startBench();
    await pause(bench, templateScope("slow"));
    const worker = bench.worker("w1", { capacity: 1 });
    await bench.settle();
    const [first, second] = [await begin(bench, flow("slow")), await begin(bench, flow("slow"))];
    await bench.settle();
    expect(worker.assignments()).toEqual([]);
    await resume(bench, templateScope("slow"));
    await bench.settle();
    for (const { task } of [first, second]) {
      const { taskId, runId } = worker.assigned();
      expect(taskId).toBe(task.id);
      await worker.report(runId, "COMPLETED");
      await bench.settle();
    }
    expect((await bench.store.boot()).lanes).toEqual([]);
  });

  test("survives a kill: its lane is not served by the next process", async () => {
    const store = memoryStore();
    const before = await startBench(store);
    await pause(before, templateScope("slow"));
    before.worker("w1");
    const { task } = await begin(before, flow("slow"));
    await before.settle();
    before.kill();

    const bench = await startBench(store, { clock: before.clock, seed: 2, audit: false });
    const worker = bench.worker("w2");
    await bench.settle();
    expect(worker.assignments()).toEqual([]);
    await resume(bench, templateScope("slow"));
    await bench.settle();
    expect(worker.assigned().taskId).toBe(task.id);
  });

  test("a pause of its agent counts too, and each has to be resumed", async () => {
    const bench = await startBench();
    await pause(bench, templateScope("slow"));
    const worker = bench.worker("w1");
    const { task } = await begin(bench, flow("slow"));
    await bench.settle();
    await pause(bench, agentScope("echo"));
    await resume(bench, templateScope("slow"));
    await bench.settle();
    expect(worker.assignments()).toEqual([]);
    await resume(bench, agentScope("echo"));
    await bench.settle();
    expect(worker.assigned().taskId).toBe(task.id);
  });
});
