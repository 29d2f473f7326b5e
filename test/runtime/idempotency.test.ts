import { expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import { Fault } from "#domain/fault";
import type { TaskId } from "#domain/id";
import type { TaskSpec } from "#domain/task/task";
import type { Receipt } from "#ports/plane";
import { draftOf, startBench } from "./kit/bench-plane.js";
import { stores } from "./kit/store-double.js";

const ORDER: Partial<TaskSpec> = { idempotencyKey: "order-7", fingerprint: "abc" };

for (const { name, make } of stores) {
  test(`a hundred requests with one key at once are one task (${name})`, async () => {
    const { store } = make();
    const bench = await startBench(store);
    const made = await Promise.all(Array.from({ length: 100 }, () => bench.create(ORDER)));
    expect(new Set(made.map(({ task }) => task.id)).size).toBe(1);
    expect((await bench.store.reads.tasks({ namespaces: "*" }, undefined, 10)).tasks).toHaveLength(1);
    expect(bench.counted("taskrun_tasks_created_total")).toBe(1);
    await store.close();
  });

  test(`a key holds over a restart, and after the task has ended (${name})`, async () => {
    const { store, reopen } = make();
    const before = await startBench(store);
    const { task } = await before.create(ORDER);
    await before.cancel(task.id);
    before.kill();
    const plane = await startBench(await reopen(), { clock: before.clock, seed: 2 });
    expect((await plane.create(ORDER)).task).toMatchObject({ id: task.id, state: "cancelled" });
    await plane.store.close();
  });
}

test("a key with another request is a conflict that names the task and the field", async () => {
  const bench = await startBench();
  const { task } = await bench.create(ORDER);
  const refused = await bench.tryCreate({ ...ORDER, fingerprint: "xyz" });
  expect(refused).toMatchObject({
    code: "key_conflict",
    details: { field: "idempotency_key", metadata: { task_id: task.id } },
  });
});

test("one key in two namespaces is two tasks, even if names and keys run together", async () => {
  const bench = await startBench();
  const pairs = [
    ["a", "b c"],
    ["a b", "c"],
    ["a", "c"],
    ["", "a b c"],
  ] as const;
  const drafts = pairs.map(([namespace, idempotencyKey], i) =>
    draftOf(`t${i}` as TaskId, { ...ORDER, idempotencyKey }, { namespace }),
  );
  const alone = drafts.map((draft) => bench.plane.submit(LOCAL_CALLER, [draft]));
  const together = await bench.plane.submit(LOCAL_CALLER, drafts);
  const ids = [...(await Promise.all(alone)).flat(), ...together].map(
    (answer) => (answer as Receipt).task.id,
  );
  expect(ids).toEqual(["t0", "t1", "t2", "t3", "t0", "t1", "t2", "t3"]);
});

test("in a batch, drafts with one key become one task, and one that differs is refused alone", async () => {
  const bench = await startBench();
  const specs = [ORDER, {}, ORDER, { ...ORDER, fingerprint: "xyz" }, {}];
  const drafts = specs.map((spec, i) => draftOf(`task-${i}` as TaskId, spec));
  const answers = await bench.plane.submit(LOCAL_CALLER, drafts);
  const told = answers.map((answer) => (answer instanceof Fault ? answer.code : (answer as Receipt).task.id));
  expect(told).toEqual(["task-0", "task-1", "task-0", "key_conflict", "task-4"]);
});

test("a request without a key is always new work", async () => {
  const bench = await startBench();
  const [one, two] = await Promise.all([bench.create(), bench.create()]);
  expect(one.task.id).not.toBe(two.task.id);
});

test("two planes' worth of requests in one turn see one another", async () => {
  const bench = await startBench();
  const one = bench.plane.submit(LOCAL_CALLER, [draftOf("t1" as TaskId, ORDER)]);
  const two = bench.plane.submit(LOCAL_CALLER, [draftOf("t2" as TaskId, ORDER), draftOf("t3" as TaskId, {})]);
  expect((await one).map((answer) => (answer as Receipt).task.id)).toEqual(["t1"]);
  expect((await two).map((answer) => (answer as Receipt).task.id)).toEqual(["t1", "t3"]);
});
