import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readTemplate } from "#templates/index";
import { seededEntropy } from "#testing/virtual-time";
import { startBench } from "../kit/bench-plane.js";
import { live } from "../kit/live-flow.js";
import { type Flow, flows } from "../kit/random-flows.js";
import { storeDouble } from "../kit/store-double.js";
import { answer, begin, shown, template } from "../kit/workflow-bench.js";

/** More of them by hand: FLOWS=2000, and FLOWS_SEED to repeat a run. */
const FLOWS = Number(process.env.FLOWS ?? 60);
const seed = process.env.FLOWS_SEED === undefined ? {} : { seed: Number(process.env.FLOWS_SEED) };
/** The smallest counterexample takes minutes to find: FLOWS_SHRINK=1. */
const how = { ...seed, endOnFailure: process.env.FLOWS_SHRINK === undefined };

/** What all of them came to: a run in which nothing ever fails proves nothing about failures. */
const sum = { tasks: 0, steps: 0, runs: 0, atOnce: 0, complete: 0, error: 0, cancelled: 0 };

async function lived(flow: Flow, dice: number, cancelAfter?: number): Promise<void> {
  const { end, steps, runs, atOnce } = await live(flow, dice, cancelAfter);
  sum.tasks += 1;
  sum.steps += steps;
  sum.runs += runs;
  sum.atOnce = Math.max(sum.atOnce, atOnce);
  if (end !== "") sum[end] += 1;
}

describe("random templates go the way the interpreter goes", () => {
  const sizes = [
    { least: 1, most: 8, share: 1 },
    { least: 5, most: 60, share: 0.5 },
    { least: 60, most: 200, share: 0.2 },
  ];
  test.each(sizes)("of $least to $most steps", { timeout: 120_000 + FLOWS * 1_000 }, async (size) => {
    const { least, most, share } = size;
    const property = fc.asyncProperty(flows(least, most), fc.nat(), (flow, dice) => lived(flow, dice));
    await fc.assert(property, { numRuns: Math.ceil(FLOWS * share), ...how });
  });

  test("and when they are cancelled nothing fires any more", {
    timeout: 120_000 + FLOWS * 1_000,
  }, async () => {
    const property = fc.asyncProperty(flows(1, 60), fc.nat(), fc.nat(12), lived);
    await fc.assert(property, { numRuns: FLOWS, ...how });
    if (process.env.FLOWS) console.log(sum);
    expect(Math.min(sum.complete, sum.error, sum.cancelled)).toBeGreaterThan(0);
  });

  test("and every one of them is a template that could be registered", () => {
    const wrong = ({ body }: Flow) =>
      readTemplate(JSON.stringify(body)).findings.filter(({ severity }) => severity === "error");
    fc.assert(
      fc.property(flows(1, 200), (flow) => void expect(wrong(flow)).toEqual([])),
      { numRuns: 20, ...how },
    );
  });
});

test("ten results in one turn let the step that joins them go once", async () => {
  const legs = Array.from({ length: 10 }, (_, i) => `leg${i}`);
  const body = template([...legs.map((name) => ({ name })), { name: "join", dependencies: legs }]);
  for (const order of [1, 2, 3, 4, 5]) {
    const store = storeDouble();
    const bench = await startBench(store);
    const worker = bench.worker("w1", { capacity: 10 });
    await bench.settle();
    const { task } = await begin(bench, body);
    await bench.settle();
    const { draw } = seededEntropy(order);
    const assigned = worker.assignments().sort(() => draw() - 0.5);
    const before = store.calls.commit;
    await Promise.all(assigned.map((frame) => answer(worker, frame, { result: frame.stepName })));
    await bench.settle();
    expect(store.calls.commit - before).toBe(1);
    const join = worker.assigned();
    expect(Object.keys(join.results).sort()).toEqual(legs);
    await answer(worker, join, { result: "done" });
    await bench.settle();
    expect(await shown(bench, task.id)).toMatch(/^complete .*join=complete$/);
  }
});
