import { describe, expect, test } from "vitest";
import type { Json } from "#domain/json/json";
import {
  type Agent,
  begin,
  echo,
  shown,
  stepOf,
  template,
  work,
  workflowBed,
} from "../kit/workflow-bench.js";

describe("decisions", () => {
  const approval = template([
    { name: "check" },
    { name: "route", type: "decision", dependencies: ["check"] },
    { name: "auto", dependencies: ["route"] },
    { name: "manager", dependencies: ["route"] },
    { name: "finance", dependencies: ["route"] },
    { name: "done", type: "deferred_convergence", dependencies: ["auto", "manager", "finance"] },
  ]);
  const choosing =
    (names: string[]): Agent =>
    ({ stepName }) => {
      if (stepName !== "route") return { result: stepName };
      const type = names.length === 0 ? "no_branches" : "create_steps";
      return { result: { decision_point_outcome: { type, step_names: names } } };
    };

  test("chosen branches are made, and what joins them waits for those alone", async () => {
    const { bench, worker } = await workflowBed();
    const { task, steps } = await begin(bench, approval);
    expect(steps.map(({ name }) => name)).toEqual(["check", "route"]);
    await work(bench, worker, choosing(["manager", "finance"]));
    expect(await shown(bench, task.id)).toBe(
      "complete check=complete route=complete manager=complete finance=complete done=complete",
    );
    expect((await stepOf(bench, task.id, "done")).dependsOn).toEqual(["manager", "finance"]);
  });

  test("no branches is an end too", async () => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, approval);
    await work(bench, worker, choosing([]));
    expect(await shown(bench, task.id)).toBe("complete check=complete route=complete");
  });

  test("a choice that the template does not offer fails the step, saying which", async () => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, approval);
    await work(bench, worker, choosing(["check"]));
    expect(await shown(bench, task.id)).toBe("error check=complete route=error");
    const { errorMessage } = await stepOf(bench, task.id, "route");
    expect(errorMessage).toBe(
      'the result of decision "route" cannot be followed: step "check" does not directly follow from this decision; its branches are "auto", "manager", "finance"',
    );
  });
});

describe("batches", () => {
  const csv = (rest = {}) =>
    template([
      {
        name: "analyse",
        type: "batchable",
        batch_config: { worker_template: "rows", parallelism: 2, ...rest },
      },
      { name: "rows", type: "batch_worker", dependencies: ["analyse"] },
      { name: "sum", type: "deferred_convergence", dependencies: ["rows"] },
    ]);
  const batches =
    (count: number, work: Agent): Agent =>
    (frame, input) => {
      if (frame.stepName === "analyse") {
        const cursor_configs = Array.from({ length: count }, (_, i) => ({
          batch_id: `00${i}`,
          start_cursor: i * 10,
          end_cursor: i * 10 + 10,
          batch_size: 10,
        }));
        const type = count === 0 ? "no_batches" : "create_batches";
        return {
          result: {
            batch_processing_outcome: { type, worker_count: count, cursor_configs, total_items: count * 10 },
          },
        };
      }
      return work(frame, input);
    };

  test("so many workers at a time, then what joins them", async () => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, csv());
    let most = 0;
    let results: unknown;
    const cursors: Json[] = [];
    await work(
      bench,
      worker,
      batches(5, ({ stepName, results: given }, { batch }) => {
        if (stepName === "sum") results = given;
        else cursors.push((batch as { start_cursor: Json }).start_cursor);
        return { result: 1 };
      }),
    );
    const detail = await bench.store.reads.task(task.id);
    most = detail?.steps.length ?? 0;
    expect(most).toBe(7);
    expect(cursors).toEqual([0, 10, 20, 30, 40]);
    expect(Object.keys(results as object)).toEqual([
      "rows_000",
      "rows_001",
      "rows_002",
      "rows_003",
      "rows_004",
    ]);
    expect(detail?.task.state).toBe("complete");
  });

  test("with nothing to do, what joins them still runs", async () => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, csv());
    await work(
      bench,
      worker,
      batches(0, (_, { batch }) => ({ result: batch ?? null })),
    );
    expect(await shown(bench, task.id)).toBe("complete analyse=complete rows_000=complete sum=complete");
  });

  test.each([
    ["fail_fast", "error"],
    ["continue_on_failure", "complete"],
    ["isolate", "error"],
  ] as const)("%s: one failed batch makes the task %s", async (failure_strategy, state) => {
    const { bench, worker } = await workflowBed();
    const flow = csv({ failure_strategy, parallelism: 1 });
    const { task } = await begin(bench, flow, { maxAttempts: 1 });
    let failed: readonly string[] = [];
    await work(
      bench,
      worker,
      batches(3, (frame) => {
        if (frame.stepName === "sum") failed = frame.failed;
        return frame.stepName === "rows_001" ? { error: "bad row" } : { result: 1 };
      }),
    );
    const detail = await bench.store.reads.task(task.id);
    expect(detail?.task.state).toBe(state);
    const sum = detail?.steps.find(({ name }) => name === "sum");
    expect(sum?.state).toBe(failure_strategy === "fail_fast" ? "cancelled" : "complete");
    expect(failed).toEqual(failure_strategy === "fail_fast" ? [] : ["rows_001"]);
    if (failure_strategy === "isolate") expect(detail?.task.errorMessage).toBe("rows_001: bad row");
  });
});

describe("maps", () => {
  const pages = template([
    { name: "fetch", type: "map", map: { over: "input/urls", concurrency: 2 } },
    { name: "join", dependencies: ["fetch"] },
  ]);

  test("one step for each item, so many at a time, and a list of their results", async () => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, pages, { input: { urls: ["a", "b", "c"] } });
    await bench.settle();
    expect(worker.frames.filter(({ type }) => type === "assign")).toHaveLength(2);
    await work(bench, worker, ({ stepName, results }, { item }) => ({
      result: stepName === "join" ? JSON.parse(results.fetch ?? "null") : `${item}!`,
    }));
    expect(await bench.store.reads.output({ taskId: task.id, stepName: "join" })).toBe('["a!","b!","c!"]');
    expect(await shown(bench, task.id)).toBe(
      "complete fetch=complete join=complete fetch_000=complete fetch_001=complete fetch_002=complete",
    );
  });

  test("of an empty list nothing is made", async () => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, pages, { input: { urls: [] } });
    await work(bench, worker, echo);
    expect(await shown(bench, task.id)).toBe("complete fetch=complete join=complete");
  });

  test("what is no list fails the step", async () => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, pages, { input: { urls: 3 } });
    await work(bench, worker, echo);
    expect((await stepOf(bench, task.id, "fetch")).errorMessage).toBe(
      'map.over "input/urls" should be a list; found 3',
    );
  });
});
