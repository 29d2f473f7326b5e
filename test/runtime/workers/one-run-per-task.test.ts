import { expect, test } from "vitest";
import type { BenchPlane } from "../kit/bench-plane.js";
import { startBench } from "../kit/bench-plane.js";
import { begin, template } from "../kit/workflow-bench.js";
import { startNodes } from "../nodes/kit/nodes.js";

const several = template([{ name: "x" }, { name: "y" }, { name: "z" }]);

/** A worker with three slots that takes one Run of a Task at a time, and what it gets of a Task with three ready Steps and of one behind it. */
async function given(bench: BenchPlane, settle: () => Promise<void>) {
  const { task: first } = await begin(bench, several);
  await settle();
  const { task: second } = await bench.create();
  await settle();
  const worker = bench.worker("w1", { capacity: 3, info: { oneRunPerTask: true } });
  await settle();
  const runs = worker.assignments();
  return { bench, worker, first, second, runs };
}

async function one() {
  const bench = await startBench();
  return given(bench, () => bench.settle());
}

async function oneOfTwoNodes() {
  const nodes = await startNodes(2);
  return given(nodes.all[0] as BenchPlane, nodes.settle);
}

test.each([
  ["alone", one],
  ["beside another node", oneOfTwoNodes],
])("%s, Steps of a Task that it has a Run of do not stand before other Tasks'", async (_, start) => {
  const { runs, first, second, worker, bench } = await start();
  expect(runs.map(({ taskId }) => taskId)).toEqual([first.id, second.id]);

  const [run] = runs;
  await worker.report(run?.runId ?? ("" as never), "RUNNING");
  await worker.report(run?.runId ?? ("" as never), "COMPLETED", { output: "1" });
  await bench.settle();
  expect(worker.assigned()).toMatchObject({ taskId: first.id, stepName: "y" });
});
