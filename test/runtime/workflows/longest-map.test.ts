import { expect, test } from "vitest";
import { limits } from "#limits/index";
import { type Agent, begin, template, work, workflowBed } from "../kit/workflow-bench.js";

const numbers = Array.from({ length: limits.mapItems }, (_, index) => index);

test("a map of 100 000 items, the most there may be, costs no more for each than a short one", async () => {
  const { bench, worker } = await workflowBed();
  const over = template([
    { name: "fetch" },
    { name: "each", type: "map", dependencies: ["fetch"], map: { over: "results/fetch", concurrency: 100 } },
  ]);
  const { task } = await begin(bench, over);
  const agent: Agent = ({ stepName }) => ({ result: stepName === "fetch" ? numbers : 1 });
  expect(await work(bench, worker, agent, limits.mapItems + 10)).toBe(limits.mapItems + 1);
  expect((await bench.store.reads.task(task.id))?.task.state).toBe("complete");
  const output = await bench.store.reads.output({ taskId: task.id, stepName: "each" });
  expect(JSON.parse(output ?? "null")).toEqual(numbers.map(() => 1));
}, 300_000);
