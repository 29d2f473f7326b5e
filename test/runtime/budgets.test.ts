/** What a Task and the Tasks below it may use, and what becomes of them when it is used up. */
import { expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import type { Fault } from "#domain/fault";
import type { RunId, TaskId } from "#domain/id";
import { type Budget, NO_BUDGET } from "#domain/task/budget";
import { limits } from "#limits/index";
import { type BenchPlane, startBench } from "./kit/bench-plane.js";
import type { AssignFrame, BenchWorker } from "./kit/bench-worker.js";
import { stores } from "./kit/store-double.js";
import { begin, echo, register, shown, stepOf, template, work, workflowBed } from "./kit/workflow-bench.js";

const budgetOf = (part: Partial<Budget>): Budget => ({ ...NO_BUDGET, ...part });
const seqs = new WeakMap<BenchWorker, Map<string, number>>();

/** The Run reports that it has used so many tokens. */
async function use(worker: BenchWorker, { runId, fence }: AssignFrame, tokens: number, part = {}) {
  const counts = seqs.get(worker) ?? new Map<string, number>();
  const seq = counts.get(runId) ?? 0;
  seqs.set(worker, counts.set(runId, seq + 1));
  const used = { model: "m", inputTokens: tokens, outputTokens: 0, cachedTokens: 0, toolCalls: 0, ...part };
  await worker.link.receive({ type: "usage", runId, fence, seq, used });
}

async function taskOf(bench: BenchPlane, id: TaskId) {
  const detail = await bench.store.reads.task(id);
  if (!detail) throw new Error(`no task ${id}`);
  return detail.task;
}

async function warnings(bench: BenchPlane, id: TaskId): Promise<string[]> {
  await bench.settle();
  const log = await bench.log(id);
  return log.flatMap((entry) => (entry.type === "task" && entry.warning ? [entry.warning] : []));
}

const stops = (worker: BenchWorker): RunId[] =>
  worker.frames.flatMap((frame) => (frame.type === "cancel" ? [frame.runId] : []));

async function topUp(bench: BenchPlane, id: TaskId, part: Partial<Budget>, requestId = "") {
  await bench.plane.topUp(LOCAL_CALLER, id, budgetOf(part), "more", requestId);
  await bench.settle();
}

const refusal = (asked: Promise<unknown>): Promise<Fault> =>
  asked.then(
    () => Promise.reject(new Error("it was not refused")),
    (error: Fault) => error,
  );

test("a budget that is used up ends the run, holds the task, and costs no attempt; topped up it goes on and completes", async () => {
  const { bench, worker } = await workflowBed();
  const { task } = await bench.create({ maxAttempts: 1, budget: budgetOf({ tokens: 1_000 }) });
  await bench.settle();
  const first = worker.assigned();
  await use(worker, first, 799);
  expect(await warnings(bench, task.id)).toEqual([]);
  await use(worker, first, 1);
  await use(worker, first, 100);
  expect(await warnings(bench, task.id)).toEqual(["BUDGET: nearly used up: 800 tokens of 1000 tokens"]);
  await use(worker, first, 200);
  await bench.settle();
  expect(await bench.show(task.id)).toBe(
    "blocked_by_failures BUDGET_EXCEEDED, error attempts=0, run FAILED/BUDGET_EXCEEDED held",
  );
  expect(stops(worker)).toEqual([first.runId]);
  expect((await taskOf(bench, task.id)).errorMessage).toBe(
    `BUDGET_EXCEEDED: the budget of task ${task.id} is used up: 1100 tokens of 1000 tokens`,
  );

  // What is reported late still counts.
  await use(worker, first, 50);
  await worker.report(first.runId, "CANCELLED");
  expect((await refusal(topUp(bench, task.id, { tokens: 150 }))).message).toBe(
    `add.tokens is 150, which is not enough for Task ${task.id} to go on: it has used 1150 tokens, and would be bounded by 1150 tokens: add at least 151.`,
  );
  await topUp(bench, task.id, { tokens: 500 });
  expect(await work(bench, worker, echo)).toBe(1);
  expect(await bench.show(task.id)).toBe(
    "complete, complete attempts=1, run FAILED/BUDGET_EXCEEDED, run COMPLETED",
  );
  expect(await warnings(bench, task.id)).toEqual([
    "BUDGET: nearly used up: 800 tokens of 1000 tokens",
    expect.stringContaining("is used up"),
    "BUDGET: raised by 500 tokens",
  ]);
});

test("every bound is one of its own, and the first that is used up counts", async () => {
  const { bench, worker } = await workflowBed();
  const bounds = budgetOf({ tokens: 1_000, usdMicros: 2_500_000, toolCalls: 2 });
  for (const [part, says] of [
    [{ usdMicros: 2_500_000 }, "$2.50 of $2.50"],
    [{ toolCalls: 3 }, "3 tool calls of 2 tool calls"],
  ] as const) {
    const { task } = await bench.create({ budget: bounds });
    await bench.settle();
    await use(worker, worker.assigned(), 1, part);
    await bench.settle();
    expect((await taskOf(bench, task.id)).errorMessage).toContain(says);
  }
});

test("nobody raises it: after seven days the task has failed, with why", async () => {
  const { bench, worker } = await workflowBed();
  const { task } = await bench.create({ budget: budgetOf({ tokens: 10 }) });
  await bench.settle();
  await use(worker, worker.assigned(), 10);
  await bench.clock.advance(limits.operatorWait - 1_000);
  expect(await bench.show(task.id)).toMatch(/^blocked_by_failures/);
  await bench.clock.advance(2_000);
  await bench.settle();
  expect(await bench.show(task.id)).toMatch(/^error BUDGET_EXCEEDED/);
});

const parent = template([
  { name: "own" },
  { name: "sub", type: "child_task", child: { template: { name: "child", version: "1.0.0" } } },
  { name: "last", dependencies: ["own", "sub"] },
] as never);

async function family() {
  const { bench, worker } = await workflowBed();
  const steps = [{ name: "inner" }, { name: "after", dependencies: ["inner"] }];
  await register(bench, template(steps as never, { name: "child" }));
  const { task } = await begin(bench, parent, { budget: budgetOf({ tokens: 100 }) });
  await bench.clock.advance(1);
  await bench.settle();
  const runs = worker.assignments();
  const child = (await stepOf(bench, task.id, "sub")).childId as TaskId;
  const run = (name: string) => runs.find(({ stepName }) => stepName === name) as AssignFrame;
  return { bench, worker, id: task.id, child, own: run("own"), inner: run("inner") };
}

test("the tasks below share it: what one uses stops all, each is held for itself, and all go on together", async () => {
  const { bench, worker, id, child, own, inner } = await family();
  expect((await taskOf(bench, child)).spec).toMatchObject({ budgetsAbove: [id] });
  expect((await taskOf(bench, child)).spec.budget).toBeUndefined();
  await use(worker, inner, 100);
  await bench.clock.advance(1);
  await bench.settle();
  expect([await shown(bench, id), await shown(bench, child)]).toEqual([
    "blocked_by_failures own=error sub=in_progress last=pending",
    "blocked_by_failures inner=error after=pending",
  ]);
  expect(stops(worker).sort()).toEqual([own.runId, inner.runId].sort());
  expect((await refusal(topUp(bench, child, { tokens: 5 }))).message).toBe(
    `Task ${child} has no budget of its own, and shares that of Task ${id}: raise the budget of that one.`,
  );
  for (const { runId } of [own, inner]) await worker.report(runId, "CANCELLED");
  await topUp(bench, id, { tokens: 100 });
  await bench.clock.advance(1);
  await work(bench, worker, echo);
  expect([await shown(bench, id), await shown(bench, child)]).toEqual([
    "complete own=complete sub=complete last=complete",
    "complete inner=complete after=complete",
  ]);
});

test("a child that nobody has raised the budget for fails its step, and is not made anew", async () => {
  const { bench, worker, id, child, own, inner } = await family();
  await worker.report(own.runId, "COMPLETED", { output: "1" });
  await use(worker, inner, 100);
  await bench.clock.advance(limits.operatorWait + 5_000);
  await bench.settle();
  await bench.clock.advance(5_000);
  expect([await shown(bench, id), await shown(bench, child)]).toEqual([
    "error own=complete sub=error last=cancelled",
    "error inner=error after=cancelled",
  ]);
});

test("no run is given out once it is used up: a step that becomes ready is held instead, one that waits for a person waits", async () => {
  const { bench, worker } = await workflowBed();
  const steps = [
    { name: "a" },
    { name: "ask", type: "signal", signal: { name: "yes" } },
    { name: "b", dependencies: ["ask"] },
  ];
  const { task } = await begin(bench, template(steps as never), { budget: budgetOf({ tokens: 10 }) });
  await bench.settle();
  const a = worker.assigned();
  await use(worker, a, 10);
  await bench.settle();
  expect(await shown(bench, task.id)).toBe("blocked_by_failures a=error ask=in_progress b=pending");
  await bench.plane.signal(LOCAL_CALLER, task.id, "yes", "1");
  await bench.settle();
  expect(await shown(bench, task.id)).toBe("blocked_by_failures a=error ask=complete b=error");
  expect(worker.assignments()).toEqual([]);
  await worker.report(a.runId, "CANCELLED");
  await topUp(bench, task.id, { tokens: 10 });
  await bench.clock.advance(1);
  await work(bench, worker, echo);
  expect(await shown(bench, task.id)).toBe("complete a=complete ask=complete b=complete");
});

test("a request to raise it counts once, and what cannot be raised is refused with what can be done", async () => {
  const { bench } = await workflowBed();
  const { task } = await bench.create({ budget: budgetOf({ tokens: 10 }) });
  await topUp(bench, task.id, { tokens: 5 }, "r1");
  await topUp(bench, task.id, { tokens: 5 }, "r1");
  await topUp(bench, task.id, { tokens: 1 }, "r2");
  expect((await taskOf(bench, task.id)).budget).toEqual({
    bounds: budgetOf({ tokens: 16 }),
    requests: ["r1", "r2"],
  });
  const unknown = await refusal(topUp(bench, task.id, { toolCalls: 5 }));
  expect([unknown.code, unknown.reason, unknown.message]).toEqual([
    "invalid",
    "NOT_BOUNDED",
    `add.tool_calls adds to a bound that Task ${task.id} does not have: its budget bounds tokens.`,
  ]);
  const free = await bench.create();
  expect(await refusal(topUp(bench, free.task.id, { tokens: 5 }))).toMatchObject({
    code: "wrong_state",
    reason: "NO_BUDGET",
  });
  await bench.cancel(task.id);
  expect(await refusal(topUp(bench, task.id, { tokens: 5 }, "r3"))).toMatchObject({ code: "wrong_state" });
  expect(await refusal(topUp(bench, "nobody" as TaskId, { tokens: 5 }))).toMatchObject({ code: "not_found" });
});

test("wall_ms counts the time runs are held, summed over them, warns, and stops them at the instant", async () => {
  const { bench, worker } = await workflowBed();
  const two = template([{ name: "a" }, { name: "b" }] as never);
  const { task } = await begin(bench, two, { budget: budgetOf({ wallMs: 100_000 }) });
  await bench.settle();
  const [a, b] = worker.assignments() as [AssignFrame, AssignFrame];
  await bench.pass(20_000, worker);
  await worker.report(a.runId, "COMPLETED", { output: "1" });
  // 40 000 ms so far; from here on one Run is held.
  await bench.pass(35_000, worker);
  expect(await warnings(bench, task.id)).toEqual([]);
  await bench.pass(10_000, worker);
  expect(await warnings(bench, task.id)).toEqual([
    "BUDGET: nearly used up: 80000 ms of runs held of 100000 ms of runs held",
  ]);
  await bench.pass(14_000, worker);
  expect(await shown(bench, task.id)).toBe("steps_in_process a=complete b=in_progress");
  await bench.pass(2_000, worker);
  expect(await shown(bench, task.id)).toBe("blocked_by_failures a=complete b=error");
  await worker.report(b.runId, "CANCELLED");
  await bench.pass(50_000, worker);
  expect((await taskOf(bench, task.id)).heldTime).toMatchObject({ held: 0 });
  const { ms } = (await taskOf(bench, task.id)).heldTime ?? { ms: 0 };
  expect(ms).toBeGreaterThanOrEqual(100_000);
  expect(ms).toBeLessThan(102_000);
  await topUp(bench, task.id, { wallMs: 60_000 });
  await bench.clock.advance(1);
  await work(bench, worker, echo);
  expect(await shown(bench, task.id)).toBe("complete a=complete b=complete");
});

test("a lost worker's runs count as held until the plane no longer waits for it", async () => {
  const { bench } = await workflowBed();
  const { task } = await bench.create({ maxLosses: 0, budget: budgetOf({ wallMs: 600_000 }) });
  await bench.settle();
  await bench.clock.advance(40_000);
  await bench.settle();
  expect(await bench.show(task.id)).toMatch(/^error WORKER_LOST/);
  expect((await taskOf(bench, task.id)).heldTime?.held).toBe(0);
  expect((await taskOf(bench, task.id)).heldTime?.ms).toBeGreaterThan(30_000);
});

test.each(stores)(
  "a budget that is used up is so after a restart, and is raised then ($name)",
  async ({ make }) => {
    const { store, reopen } = make();
    const first = await startBench(store);
    const { task } = await first.create({ budget: budgetOf({ tokens: 10, wallMs: 600_000 }) });
    const worker = first.worker("w1");
    await first.settle();
    await use(worker, worker.assigned(), 12);
    await first.settle();
    first.kill();

    const bench = await startBench(await reopen(), { clock: first.clock, seed: 2 });
    const next = bench.worker("w1");
    await bench.pass(1_000, next);
    expect(await bench.show(task.id)).toMatch(/^blocked_by_failures BUDGET_EXCEEDED, error attempts=0/);
    expect(await warnings(bench, task.id)).toHaveLength(1);
    await topUp(bench, task.id, { tokens: 5 }, "r1");
    await topUp(bench, task.id, { tokens: 5 }, "r1");
    await bench.clock.advance(1);
    expect(await work(bench, next, echo)).toBe(1);
    expect(await bench.show(task.id)).toMatch(/^complete, complete attempts=1/);
    const { usage, budget, holds, heldTime } = await taskOf(bench, task.id);
    expect([usage?.inputTokens, budget?.bounds.tokens, holds, heldTime?.held]).toEqual([12, 15, 0, 0]);
  },
);
