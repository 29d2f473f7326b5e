import { expect, test } from "vitest";
import { getOverview } from "#api/tasks/get-overview";
import { type Request, StoredReads } from "#api/use-case";
import { type Caller, LOCAL_CALLER } from "#domain/caller";
import type { RunId } from "#domain/id";
import { limits } from "#limits/index";
import { type BenchPlane, startBench } from "./kit/bench-plane.js";

async function overview({ plane }: BenchPlane, namespace = "", caller: Caller = LOCAL_CALLER) {
  const services = { plane, stored: new StoredReads(plane.reads) };
  const request = { services, caller } as unknown as Request;
  const asked = { namespace };
  return getOverview.perform(asked, request, await getOverview.find(asked, request));
}

test("an overview tells the queues, who waits longest in them, what happened lately, and what failed last", async () => {
  const bench = await startBench();
  const { task: oldest } = await bench.create({ agentName: "nobody" });
  for (let i = 0; i < 3; i++) await bench.create({ agentName: "work", workerSelector: { zone: "eu" } });
  await bench.settle();

  const first = await overview(bench);
  expect(first.queues.map(({ lane, waiting }) => [lane.agentName, lane.selector, waiting])).toEqual([
    ["work", { zone: "eu" }, 3],
    ["nobody", {}, 1],
  ]);
  expect([first.moreQueues, first.lately.created, first.lately.ended]).toEqual([0, 4, {}]);
  expect(first.oldest).toHaveLength(4);
  expect(first.oldest[0]?.id).toBe(oldest.id);
  expect(first.failed).toEqual([]);

  const worker = bench.worker("w", { agents: ["work"], info: { labels: { zone: "eu" } } });
  await bench.settle();
  const { runId } = worker.assignments()[0] ?? {};
  await worker.report(runId as RunId, "FAILED");
  await bench.settle();
  const second = await overview(bench);
  expect(second.queues.map(({ lane }) => lane.agentName)).toEqual(["nobody"]);
  expect(second.lately.ended).toEqual({ FAILED: 1 });
  expect(second.failed.map(({ state }) => state)).toEqual(["error"]);

  await bench.pass(limits.overviewWindow + 1, worker);
  expect((await overview(bench)).lately).toEqual({ created: 0, ended: {}, isCut: false });
});

test("an overview is of the namespaces that the caller may use, and of the one that is asked for", async () => {
  const bench = await startBench();
  for (const namespace of ["a", "b"]) await bench.create({ agentName: "work" }, { namespace });
  await bench.settle();
  const namespaces = async (namespace: string, caller?: Caller) => {
    const { queues, oldest, lately } = await overview(bench, namespace, caller);
    return [queues.map(({ lane }) => lane.namespace), oldest.map((task) => task.namespace), lately.created];
  };

  expect(await namespaces("b")).toEqual([["b"], ["b"], 1]);
  expect(await namespaces("", { ...LOCAL_CALLER, namespaces: ["a"] })).toEqual([["a"], ["a"], 1]);
});
