import { expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import { refusalOf, startNodes } from "./kit/nodes.js";

test("what one node has changed every node answers with at once", async () => {
  const { all } = await startNodes(4);
  const [a, b, c, d] = all as [(typeof all)[0], (typeof all)[0], (typeof all)[0], (typeof all)[0]];
  const { task } = await a.create();
  expect((await b.plane.reads.task(task.id))?.task.state).toBe(
    (await a.plane.reads.task(task.id))?.task.state,
  );

  await c.cancel(task.id, "enough");
  for (const bench of all) expect((await bench.plane.reads.task(task.id))?.task.state).toBe("cancelled");
  expect(await refusalOf(d.cancel(task.id))).toMatchObject({ code: "wrong_state" });
  expect(await refusalOf(a.cancel(task.id))).toMatchObject({ code: "wrong_state" });
});

test("a task that ended on another node shows its end and its log here", async () => {
  const { all, settle, memory } = await startNodes(2);
  const [a, b] = all as [(typeof all)[0], (typeof all)[0]];
  const worker = a.worker("w1");
  await settle();
  const { task } = await b.create();
  expect((await a.plane.reads.task(task.id))?.task.state).toBe("enqueuing_steps");
  a.supervisor.lanesHeard((await memory.whole.boot()).lanes);
  await settle();
  const { runId } = worker.assigned();
  expect((await b.plane.reads.task(task.id))?.runs).toMatchObject([{ id: runId, status: "ASSIGNED" }]);
  await worker.output(runId, 0, "hello");
  await worker.report(runId, "COMPLETED", { output: '"done"' });
  await settle();
  expect((await b.plane.reads.task(task.id))?.task.state).toBe("complete");
  expect(await b.plane.reads.output({ taskId: task.id, stepName: "main" })).toBe('"done"');
  const log = await b.plane.reads.log(task.id, 0, 1_000_000);
  expect(log).toEqual(await a.plane.reads.log(task.id, 0, 1_000_000));
  expect(log.entries.at(-1)).toMatchObject({ type: "task", state: "complete" });
});

test("an answer that writes nothing is right as of now, on a node that knew the task before", async () => {
  const { all } = await startNodes(2);
  const [a, b] = all as [(typeof all)[0], (typeof all)[0]];
  const spec = { idempotencyKey: "k" };
  const { task } = await a.create(spec);
  await b.cancel(task.id, "enough");
  const again = await a.create(spec);
  expect(again.task).toMatchObject({ id: task.id, state: "cancelled" });
  const drained = await refusalOf(a.plane.signal(LOCAL_CALLER, task.id, "gate", "1"));
  expect(drained).toMatchObject({ code: "wrong_state" });
});

test("a refusal that writes nothing rests on no row that a cache remembers", async () => {
  const { all } = await startNodes(2);
  const [a, b] = all as [(typeof all)[0], (typeof all)[0]];
  const { task } = await a.create();
  await b.cancel(task.id, "there");
  const refused = await refusalOf(a.plane.signal(LOCAL_CALLER, task.id, "gate", "1"));
  expect(refused).toMatchObject({ code: "wrong_state" });
});
