import { describe, expect, test } from "vitest";
import type { TaskId } from "#domain/id";
import type { TemplateStep } from "#domain/template/template";
import { limits } from "#limits/index";
import type { BenchPlane } from "../kit/bench-plane.js";
import { type Agent, begin, shown, template, work, workflowBed } from "../kit/workflow-bench.js";

/** A map over so many numbers, and what follows it. */
function flow(map: Partial<NonNullable<TemplateStep["map"]>> = {}, step: Partial<TemplateStep> = {}) {
  return template([
    { name: "fetch" },
    {
      name: "each",
      type: "map",
      dependencies: ["fetch"],
      map: { over: "input/list", concurrency: 10, ...map },
      ...step,
    },
    { name: "end", dependencies: ["each"] },
  ]);
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

/** Doubles its item. */
const double: Agent = ({ stepName }, { item }) => ({
  result: stepName === "fetch" || stepName === "end" ? stepName : Number(item) * 2,
});

async function resultOf(bench: BenchPlane, taskId: TaskId): Promise<unknown> {
  return JSON.parse((await bench.store.reads.output({ taskId, stepName: "each" })) ?? "null");
}

async function childrenOf(bench: BenchPlane, taskId: TaskId) {
  const detail = await bench.store.reads.task(taskId);
  const children = (detail?.steps ?? []).filter(({ childId }) => childId !== "");
  return Promise.all(children.map(async ({ childId }) => bench.store.reads.task(childId as TaskId)));
}

describe("a map with more items than its task may have steps", () => {
  test.each([1_500, 5_000])("over %i of them does each once, in the order of the list", async (count) => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, flow(), { input: { list: numbers(count) } });
    const seen = new Set<unknown>();
    const names = new Set<string>();
    await work(
      bench,
      worker,
      (frame, input) => {
        if (input.index !== undefined) {
          expect(input).toMatchObject({ item: input.index });
          expect(Object.keys(input)).toEqual(["list", "item", "index"]);
          seen.add(input.index);
          names.add(frame.stepName);
        }
        return double(frame, input);
      },
      count + 10,
    );
    expect(await shown(bench, task.id)).toMatch(/^complete fetch=complete each=complete end=complete /);
    expect(await resultOf(bench, task.id)).toEqual(numbers(count).map((number) => number * 2));
    expect(seen.size).toBe(count);
    expect(names.size).toBe(count);
    expect(names).toContain("each_0000");
    expect(names).toContain(`each_${count - 1}`);
  });

  test("its segments say in the task which items they have, and their tasks whose they are", async () => {
    const { bench, worker } = await workflowBed();
    const flowOfTwo = flow({ concurrency: 2 });
    const { task } = await begin(bench, flowOfTwo, { input: { list: numbers(1_500) } });
    await work(bench, worker, double);
    expect(await shown(bench, task.id)).toBe(
      "complete fetch=complete each=complete end=complete each_0000-0749=complete each_0750-1499=complete",
    );
    const [first, second] = await childrenOf(bench, task.id);
    expect(first?.task.spec).toMatchObject({
      parent: { taskId: task.id, stepName: "each_0000-0749" },
      template: task.spec.template,
      depth: 0,
    });
    expect(second?.steps.map(({ name }) => name).filter((name) => name !== "each")).toEqual(
      numbers(750).map((number) => `each_${String(number + 750).padStart(4, "0")}`),
    );
  });

  test.each([1, 2, 7, 10, 17, 100])("of its members at most %i run at a time", async (concurrency) => {
    const { bench, worker } = await workflowBed();
    await begin(bench, flow({ concurrency }), { input: { list: numbers(1_200) } });
    await work(bench, worker, ({ stepName }) => (stepName === "fetch" ? { result: 1 } : "nothing"), 1);
    await bench.clock.advance(1);
    await bench.settle();
    const atOnce = worker.assignments().length;
    expect(atOnce).toBeLessThanOrEqual(concurrency);
    expect(atOnce).toBeGreaterThanOrEqual(Math.max(1, concurrency - 1));
  });

  test("it keeps no more steps than a task may have, in any of its tasks", async () => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, flow(), { input: { list: numbers(5_000) } });
    await work(bench, worker, double, 6_000);
    const children = await childrenOf(bench, task.id);
    for (const child of children) expect(child?.steps.length).toBeLessThanOrEqual(limits.taskSteps);
    expect(children.length).toBe(10);
  });

  test("it fails with its first member, and what has not begun never does", async () => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, flow({ concurrency: 1 }), { input: { list: numbers(1_500) } });
    const answered = await work(bench, worker, (frame, input) =>
      input.item === 3 ? { error: "no three", retryable: false } : double(frame, input),
    );
    expect(answered).toBe(5);
    expect(await shown(bench, task.id)).toBe(
      "error fetch=complete each=cancelled end=cancelled each_0000-0749=error each_0750-1499=cancelled",
    );
    const detail = await bench.store.reads.task(task.id);
    expect(detail?.task.errorMessage).toMatch(/^child task .* ended FAILED: no three$/);
  });

  test.each([
    ["continue_on_failure", "complete"],
    ["isolate", "error"],
  ] as const)("with %s the others go on, and the task is %s in the end", async (failure_strategy, state) => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, flow({ failure_strategy }), { input: { list: numbers(1_500) } });
    await work(bench, worker, (frame, input) =>
      Number(input.item) % 500 === 3 ? { error: "no", retryable: false } : double(frame, input),
    );
    expect((await shown(bench, task.id)).split(" ")[0]).toBe(state);
    expect(await resultOf(bench, task.id)).toEqual(
      numbers(1_500).map((number) => (number % 500 === 3 ? null : number * 2)),
    );
  });

  test("a cancel ends all of its tasks", async () => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, flow(), { input: { list: numbers(1_500) } });
    await work(bench, worker, double, 300);
    await bench.cancel(task.id);
    await bench.clock.advance(1);
    await work(bench, worker, double);
    const states = (await childrenOf(bench, task.id)).map((child) => child?.task.state);
    expect(new Set(states)).toEqual(new Set(["cancelled"]));
  });

  test("what its members did is compensated once each, the last of a segment first", async () => {
    const { bench, worker } = await workflowBed();
    const body = flow({ concurrency: 1 }, { compensate: "undo" });
    const { task } = await begin(
      bench,
      { ...body, steps: [...body.steps, { name: "undo", handler: { callable: "echo" } }] },
      { input: { list: numbers(1_200) }, isCompensable: true },
    );
    const undone: unknown[] = [];
    const agent: Agent = (frame, input) => {
      const { step, result } = (input.compensate ?? {}) as { step?: string; result?: unknown };
      if (step !== undefined) undone.push(result);
      return input.item === 800 ? { error: "no", retryable: false } : double(frame, input);
    };
    for (let round = 0; round < 20; round++) await work(bench, worker, agent);
    expect((await shown(bench, task.id)).split(" ")[0]).toBe("error");
    expect(undone).toEqual(
      numbers(800)
        .map((number) => number * 2)
        .reverse(),
    );
  });
});

test("a list longer than any map may have fails the map, and the task with it", async () => {
  const { bench, worker } = await workflowBed();
  const { task } = await begin(bench, flow(), { input: { list: numbers(limits.mapItems + 1) } });
  await work(bench, worker, double);
  expect((await bench.store.reads.task(task.id))?.task.errorMessage).toBe(
    'map.over "input/list" has 100001 items, 100000 are the most of one map',
  );
});
