import { expect, test } from "vitest";
import { type Caller, LOCAL_CALLER } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import type { DeadLetterRow } from "#domain/task/dead-letter";
import { instant, millis } from "#domain/time/time";
import { limits } from "#limits/index";
import type { Store } from "#ports/store";
import { VirtualClock } from "#testing/virtual-time";
import { type BenchPlane, draftOf, startBench, TERMS } from "./kit/bench-plane.js";
import { stores } from "./kit/store-double.js";
import { begin, register, template, work, workflowBed } from "./kit/workflow-bench.js";

const OPERATOR: Caller = { principal: "key:op", namespaces: "*", roles: ["operator"] };
const STRANGER: Caller = { principal: "key:far", namespaces: ["far"], roles: ["operator"] };

async function letterOf({ store }: BenchPlane, id: TaskId): Promise<DeadLetterRow | undefined> {
  return store.reads.deadLetters.get(id, "*");
}

/** "REASON STATUS step attempts/losses: message". */
async function shownLetter(bench: BenchPlane, id: TaskId): Promise<string> {
  const letter = await letterOf(bench, id);
  if (!letter) return "none";
  const { reason, status, snapshot } = letter;
  const { stepName, attempts, losses, message } = snapshot;
  return `${reason} ${status} ${stepName} ${attempts}/${losses}: ${message}`;
}

const failing = (error: string, retryable = true) => ({ error, retryable });

test("a task that completes, fails and is tried again, or is cancelled leaves no dead letter", async () => {
  const { bench, worker } = await workflowBed();
  const good = await bench.create({ maxAttempts: 2 });
  let tries = 0;
  await work(bench, worker, () => (tries++ === 0 ? failing("once") : { result: 1 }));
  await bench.pass(5_000, worker);
  await work(bench, worker, () => ({ result: 1 }));
  const cancelled = await bench.create({ agentName: "nobody" });
  await bench.cancel(cancelled.task.id);
  expect(await bench.show(good.task.id)).toMatch(/^complete/);
  expect([await shownLetter(bench, good.task.id), await shownLetter(bench, cancelled.task.id)]).toEqual([
    "none",
    "none",
  ]);
});

test("what has failed for good has one, with why, where, and the worker that had it last", async () => {
  const { bench, worker } = await workflowBed();
  const { task } = await bench.create({ maxAttempts: 3 });
  await work(bench, worker, () => failing("no such city", false));
  expect(await letterOf(bench, task.id)).toMatchObject({
    reason: "ATTEMPTS_EXHAUSTED",
    status: "PENDING",
    namespace: "default",
    notes: "",
    redrivenAs: "",
    earlier: [],
    snapshot: {
      state: "error",
      agentName: "echo",
      template: null,
      stepName: "main",
      attempts: 1,
      maxAttempts: 3,
      workerId: "w1",
      message: "no such city",
      cause: { taskId: task.id, stepName: "main", agentName: "echo", message: "no such city" },
    },
  });
});

test("a step that took longer than its attempt may, and a task that took longer than it may, have timed out", async () => {
  const { bench, worker } = await workflowBed();
  const slow = template([{ name: "a", timeout_ms: 5_000 } as never]);
  const attempt = await begin(bench, slow);
  const whole = await bench.create({ timeoutMs: millis(8_000) });
  await bench.settle();
  await bench.pass(30_000, worker);
  expect(await shownLetter(bench, whole.task.id)).toMatch(
    /^TIMED_OUT PENDING main 1\/0: the task did not end/,
  );
  const { task } = attempt;
  if ((await bench.show(task.id)).startsWith("error"))
    expect(await shownLetter(bench, task.id)).toMatch(/^TIMED_OUT PENDING a/);
});

/** A plane over what the killed one has left. */
async function restarted(store: Store, clock: VirtualClock, seed: number): Promise<BenchPlane> {
  return startBench(store, { clock: new VirtualClock(clock.now()), seed });
}

test.each(stores)(
  "a poison input has one dead letter, with the plane killed before it ($name)",
  async ({ make }) => {
    const { store, reopen } = make();
    const first = await startBench(store);
    const { task } = await first.create({ maxLosses: 1 });
    const victim = first.worker("w0");
    await first.settle();
    await victim.report(victim.assigned().runId, "RUNNING");
    first.kill();

    const bench = await restarted(await reopen(), first.clock, 2);
    await bench.clock.advance(TERMS.lease * 1.5);
    const next = bench.worker("w1");
    await bench.pass(70_000, next);
    await next.report(next.assigned().runId, "RUNNING");
    expect(await shownLetter(bench, task.id)).toBe("none");
    next.link.closed();
    await bench.clock.advance(TERMS.lease * 2);
    await bench.settle();
    expect(await shownLetter(bench, task.id)).toMatch(/^POISONED PENDING main 0\/2: WORKER_LOST: 2 runs/);
    const page = await bench.store.reads.deadLetters.list({ namespaces: "*" }, undefined, 10);
    expect(page.letters).toHaveLength(1);
  },
);

test.each(stores)("a plane that is killed after it makes no second one ($name)", async ({ make }) => {
  const { store, reopen } = make();
  const first = await startBench(store);
  const { task } = await first.create({ maxLosses: 0 });
  const victim = first.worker("w0");
  await first.settle();
  await victim.report(victim.assigned().runId, "RUNNING");
  victim.link.closed();
  await first.clock.advance(TERMS.lease * 2);
  await first.settle();
  const before = await letterOf(first, task.id);
  expect(before).toMatchObject({ reason: "POISONED", revision: 1 });
  first.kill();

  const bench = await restarted(await reopen(), first.clock, 2);
  await bench.clock.advance(TERMS.lease * 4);
  await bench.settle();
  expect(await letterOf(bench, task.id)).toEqual(before);
});

const held = template([{ name: "a" }, { name: "b", dependencies: ["a"] } as never], {
  hold_on_failure: true,
} as never);

test("a held task has one; it closes when the task goes on, and is one of the end if that fails", async () => {
  const { bench, worker } = await workflowBed();
  const { task } = await begin(bench, held);
  await work(bench, worker, () => failing("bad day", false));
  expect(await shownLetter(bench, task.id)).toMatch(/^HELD PENDING a 1\/0: bad day/);

  await bench.plane.resolve(OPERATOR, task.id, "a", { type: "retry" });
  await work(bench, worker, ({ stepName }) => (stepName === "a" ? { result: 1 } : "nothing"));
  expect(await shownLetter(bench, task.id)).toMatch(/^HELD MOVED_ON a/);
  expect((await letterOf(bench, task.id))?.closedAt).toBeGreaterThan(0);
});

test("a held task that nobody puts right fails in the end: one dead letter, which says both", async () => {
  const { bench, worker } = await workflowBed();
  const { task } = await begin(bench, held);
  await work(bench, worker, () => failing("bad day", false));
  await bench.clock.advance(limits.operatorWait + 1_000);
  await bench.settle();
  const letter = await letterOf(bench, task.id);
  expect(letter).toMatchObject({ reason: "ATTEMPTS_EXHAUSTED", status: "PENDING" });
  expect(letter?.earlier).toMatchObject([{ reason: "HELD", status: "MOVED_ON" }]);
});

test("one that is cancelled or declared done while it is held is closed with it", async () => {
  const { bench, worker } = await workflowBed();
  const one = await begin(bench, held);
  const other = await begin(bench, held);
  await work(bench, worker, () => failing("bad day", false));
  await bench.cancel(one.task.id);
  await bench.plane.resolve(OPERATOR, other.task.id, "", { type: "resolve" });
  expect(await shownLetter(bench, one.task.id)).toMatch(/^HELD CANCELLED/);
  expect(await shownLetter(bench, other.task.id)).toMatch(/^HELD MANUALLY_RESOLVED/);
});

test("a child that fails has none: its parent's names the first cause", async () => {
  const { bench, worker } = await workflowBed();
  const child = template([{ name: "inner" }], { name: "child" });
  await register(bench, child);
  const parent = template([
    {
      name: "outer",
      type: "child_task",
      child: { template: { name: "child" } },
      retry: { max_attempts: 1 },
    },
  ]);
  const { task } = await begin(bench, parent);
  await work(bench, worker, () => failing("no such city", false));
  const letter = await letterOf(bench, task.id);
  expect(letter).toMatchObject({ status: "PENDING", snapshot: { stepName: "outer" } });
  expect(letter?.snapshot.cause).toMatchObject({ stepName: "inner", message: "no such city" });
  const { letters } = await bench.store.reads.deadLetters.list({ namespaces: "*" }, undefined, 10);
  expect(letters.map(({ taskId }) => taskId)).toEqual([task.id]);
});

test("an operator's word is written down, once, and a stranger's is not", async () => {
  const { bench, worker } = await workflowBed();
  const { task } = await bench.create();
  await work(bench, worker, () => failing("no", false));
  const change = { status: "PERMANENTLY_FAILED", notes: "the city is gone" } as const;
  await expect(bench.plane.updateDeadLetter(STRANGER, task.id, change)).rejects.toMatchObject({
    code: "not_found",
    reason: "DEAD_LETTER_NOT_FOUND",
  });
  await bench.plane.updateDeadLetter(OPERATOR, task.id, change);
  const first = await letterOf(bench, task.id);
  expect(first).toMatchObject({ ...change, resolvedBy: "key:op" });
  expect(first?.closedAt).toBeGreaterThan(0);
  await bench.plane.updateDeadLetter(OPERATOR, task.id, change);
  expect((await letterOf(bench, task.id))?.revision).toBe(first?.revision);

  await bench.plane.updateDeadLetter(OPERATOR, task.id, { status: "PENDING", notes: undefined });
  expect(await letterOf(bench, task.id)).toMatchObject({
    status: "PENDING",
    notes: "the city is gone",
    closedAt: 0,
    resolvedBy: "",
  });
});

const redriveOf = (id: string, retryOf: TaskId) => ({
  ...draftOf(id as TaskId, { retryOf }),
  isRedrive: true as const,
});

test("a redrive makes one task, however often it is asked for, and closes the dead letter", async () => {
  const { bench, worker } = await workflowBed();
  const { task } = await bench.create();
  await work(bench, worker, () => failing("no", false));
  const [first] = await bench.plane.submit(OPERATOR, [redriveOf("again-1", task.id)]);
  expect(first).toMatchObject({ task: { id: "again-1", spec: { retryOf: task.id } } });
  expect(await letterOf(bench, task.id)).toMatchObject({
    status: "MANUALLY_RESOLVED",
    redrivenAs: "again-1",
    resolvedBy: "key:op",
  });
  const again = await bench.plane.submit(OPERATOR, [
    redriveOf("again-2", task.id),
    redriveOf("again-3", task.id),
  ]);
  expect(again).toMatchObject([{ task: { id: "again-1" } }, { task: { id: "again-1" } }]);
  expect(await bench.store.reads.task("again-2" as TaskId)).toBeUndefined();

  await work(bench, worker, () => failing("no again", false));
  expect(await shownLetter(bench, "again-1" as TaskId)).toMatch(/^ATTEMPTS_EXHAUSTED PENDING main 1\/0/);
  await expect(
    bench.plane.updateDeadLetter(OPERATOR, task.id, { status: "PENDING", notes: undefined }),
  ).rejects.toMatchObject({ reason: "REDRIVEN" });
});

test("two redrives in one message make one task", async () => {
  const { bench, worker } = await workflowBed();
  const { task } = await bench.create();
  await work(bench, worker, () => failing("no", false));
  const both = await bench.plane.submit(LOCAL_CALLER, [redriveOf("a-1", task.id), redriveOf("a-2", task.id)]);
  expect(both).toMatchObject([{ task: { id: "a-1" } }, { task: { id: "a-1" } }]);
});

test("what has no dead letter cannot be done again from it", async () => {
  const { bench } = await workflowBed();
  const { task } = await bench.create();
  const [refused] = await bench.plane.submit(LOCAL_CALLER, [redriveOf("a-1", task.id)]);
  expect(refused).toBeInstanceOf(Fault);
  expect(refused).toMatchObject({ reason: "DEAD_LETTER_NOT_FOUND" });
});

test("a pending dead letter keeps its task, for so long", async () => {
  const { bench, worker } = await workflowBed();
  const { task } = await bench.create();
  await work(bench, worker, () => failing("no", false));
  const { store, clock } = bench;
  const made = (await letterOf(bench, task.id))?.createdAt ?? clock.now();
  const later = millis(clock.now() + 1_000) as never;
  expect(await store.removeFinished(later, 10)).toEqual([]);
  expect(await store.removeFinished({ before: later, rules: [], pendingSince: made }, 10)).toEqual([]);
  expect(
    await store.removeFinished({ before: later, rules: [], pendingSince: instant(made + 1) }, 10),
  ).toEqual([task.id]);
  expect(await letterOf(bench, task.id)).toBeUndefined();
});
