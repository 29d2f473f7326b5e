import { expect, test } from "vitest";
import { explainTask } from "#api/tasks/explain-task";
import { type Request, StoredReads } from "#api/use-case";
import { LOCAL_CALLER } from "#domain/caller";
import type { TaskId } from "#domain/id";
import type { BenchPlane } from "../kit/bench-plane.js";
import { startNodes } from "./kit/nodes.js";

/** What a node says that the Task's Step waits for. */
async function causeOf({ plane }: BenchPlane, id: TaskId) {
  const services = { plane, stored: new StoredReads(plane.reads) };
  const request = { services, caller: LOCAL_CALLER } as unknown as Request;
  const found = await explainTask.find({ id }, request);
  const { steps } = await explainTask.perform({ id }, request, found);
  return steps[0] && [steps[0].cause, steps[0].detail];
}

const GONE = ["WORKER_GONE", 'worker "w1" has lost its connection'];

test("every node tells of a worker that has lost its connection to one of them, and of its return", async () => {
  const { all, settle } = await startNodes(2);
  const [a, b] = all as [BenchPlane, BenchPlane];
  const worker = a.worker("w1");
  await settle();
  const { task } = await a.create();
  const { runId, fence } = worker.assigned();
  expect([await causeOf(a, task.id), await causeOf(b, task.id)]).toEqual([undefined, undefined]);

  worker.link.closed();
  await settle();
  expect([await causeOf(a, task.id), await causeOf(b, task.id)]).toEqual([GONE, GONE]);

  a.worker("w1", { resume: [{ runId, fence, nextSeq: 0 }] });
  await settle();
  expect([await causeOf(a, task.id), await causeOf(b, task.id)]).toEqual([undefined, undefined]);
});

test("the workers of a node that is gone are told as gone by the others", async () => {
  const { all, pass, settle } = await startNodes(2);
  const [a, b] = all as [BenchPlane, BenchPlane];
  const worker = a.worker("w1");
  await settle();
  const { task } = await a.create();
  worker.assigned();
  a.kill();
  await pass(25_000);
  expect(await causeOf(b, task.id)).toEqual(GONE);
});
