import { expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import type { TaskId } from "#domain/id";
import { NO_PAUSES } from "#domain/pause/pause-set";
import { taskWaitingReason } from "#domain/task/waiting-reason";
import { limits } from "#limits/index";
import type { BenchPlane } from "./kit/bench-plane.js";
import type { BenchWorker } from "./kit/bench-worker.js";
import { begin, echo, register, shown, stepOf, template, work, workflowBed } from "./kit/workflow-bench.js";

/** The Task's only assigned Run fails as one whose durable step may have been done. */
async function doubt(bench: BenchPlane, worker: BenchWorker): Promise<void> {
  await bench.settle();
  const { runId } = worker.assigned();
  await worker.report(runId, "FAILED", {
    errorMessage: "charge began",
    retryable: false,
    reason: "IN_DOUBT",
  });
  await bench.settle();
}

async function taskOf(bench: BenchPlane, id: TaskId) {
  const detail = await bench.store.reads.task(id);
  if (!detail) throw new Error(`no task ${id}`);
  return detail.task;
}

test("a step in doubt holds its task, whatever attempts remain and whatever its template says of failures", async () => {
  const { bench, worker } = await workflowBed();
  const { task } = await bench.create({ maxAttempts: 5 });
  await doubt(bench, worker);
  expect(await bench.show(task.id)).toBe(
    "blocked_by_failures IN_DOUBT, error attempts=1, run FAILED/IN_DOUBT",
  );
  const row = await taskOf(bench, task.id);
  expect([row.holds, (await stepOf(bench, task.id, "main")).heldFor]).toEqual([1, "IN_DOUBT"]);
  expect(taskWaitingReason(row, { now: bench.clock.now(), pauses: NO_PAUSES })).toBe(
    "OPERATOR: 1 step is failed for good, the last because what it must do once may have been done: look whether it was, and resolve it by hand",
  );
  expect(await bench.store.reads.deadLetters.get(task.id, "*")).toMatchObject({ reason: "HELD" });
});

test("tried again by hand it goes on as if nothing had held it", async () => {
  const { bench, worker } = await workflowBed();
  const { task } = await bench.create({ maxAttempts: 1 });
  await doubt(bench, worker);
  await bench.plane.resolve(LOCAL_CALLER, task.id, "main", { type: "retry" });
  await work(bench, worker, echo);
  expect(await bench.show(task.id)).toBe("complete, complete attempts=1, run FAILED/IN_DOUBT, run COMPLETED");
  const row = await taskOf(bench, task.id);
  expect([row.holds, (await stepOf(bench, task.id, "main")).heldFor, row.reason]).toEqual([0, undefined, ""]);
  await bench.clock.advance(limits.operatorWait + 1_000);
  expect(await bench.show(task.id)).toMatch(/^complete/);
});

test("one that nobody looks at fails after seven days, with why", async () => {
  const { bench, worker } = await workflowBed();
  const { task } = await bench.create();
  await doubt(bench, worker);
  await bench.clock.advance(limits.operatorWait - 1_000);
  expect(await bench.show(task.id)).toMatch(/^blocked_by_failures/);
  await bench.clock.advance(2_000);
  await bench.settle();
  expect(await bench.show(task.id)).toMatch(/^error IN_DOUBT/);
  expect(await bench.store.reads.deadLetters.get(task.id, "*")).toMatchObject({
    reason: "ATTEMPTS_EXHAUSTED",
    snapshot: { taskReason: "IN_DOUBT" },
    earlier: [{ reason: "HELD", status: "MOVED_ON" }],
  });
});

test("a member in doubt is tolerated by no strategy: what depends on it waits", async () => {
  const { bench, worker } = await workflowBed();
  const steps = [
    { name: "each", type: "map", map: { over: "input/list", failure_strategy: "continue_on_failure" } },
    { name: "last", dependencies: ["each"] },
  ];
  const { task } = await begin(bench, template(steps as never), { input: { list: [1] } });
  await doubt(bench, worker);
  expect(await shown(bench, task.id)).toMatch(/^blocked_by_failures each=in_progress .*=error/);
  const [member] = (await stepOf(bench, task.id, "each")).members;
  await bench.plane.resolve(LOCAL_CALLER, task.id, member ?? "", { type: "complete", output: "7" });
  await work(bench, worker, echo);
  expect(await shown(bench, task.id)).toMatch(/^complete/);
});

test("what is held beside a step that has failed otherwise fails when nothing holds it any more", async () => {
  const { bench, worker } = await workflowBed();
  const { task } = await begin(bench, template([{ name: "a" }, { name: "b" }] as never));
  await bench.settle();
  const [a, b] = worker.assignments();
  await worker.report(a?.runId as never, "FAILED", { errorMessage: "begun", reason: "IN_DOUBT" });
  await worker.report(b?.runId as never, "FAILED", { errorMessage: "bad day", retryable: false });
  await bench.settle();
  expect(await shown(bench, task.id)).toBe("blocked_by_failures a=error b=error");
  await bench.plane.resolve(LOCAL_CALLER, task.id, "a", { type: "resolve" });
  await bench.settle();
  expect(await shown(bench, task.id)).toBe("error a=resolved_manually b=error");
  await bench.clock.advance(limits.operatorWait + 1_000);
  await bench.settle();
});

test("a child that is held is waited for, and its step fails with it in the end", async () => {
  const { bench, worker } = await workflowBed();
  await register(bench, template([{ name: "inner" }], { name: "child" }));
  const steps = [
    { name: "sub", type: "child_task", child: { template: { name: "child", version: "1.0.0" } } },
  ];
  const { task } = await begin(bench, template(steps as never));
  await bench.clock.advance(1);
  await doubt(bench, worker);
  const { childId } = await stepOf(bench, task.id, "sub");
  expect([await shown(bench, childId as TaskId), await shown(bench, task.id)]).toEqual([
    "blocked_by_failures inner=error",
    expect.stringMatching(/ sub=in_progress$/),
  ]);
  await bench.plane.resolve(LOCAL_CALLER, childId as TaskId, "inner", { type: "complete", output: "1" });
  await work(bench, worker, echo);
  expect(await shown(bench, task.id)).toBe("complete sub=complete");
});

test.each(["JOURNAL_MISMATCH", "JOURNAL_LIMIT"] as const)(
  "%s fails the step for good whatever attempts remain, and holds nothing",
  async (reason) => {
    const { bench, worker } = await workflowBed();
    const { task } = await bench.create({ maxAttempts: 5 });
    await bench.settle();
    await worker.report(worker.assigned().runId, "FAILED", { errorMessage: "no", reason });
    await bench.settle();
    expect(await bench.show(task.id)).toBe(`error ${reason}, error attempts=1, run FAILED/${reason}`);
    expect((await stepOf(bench, task.id, "main")).errorMessage).toBe(`${reason}: no`);
  },
);
