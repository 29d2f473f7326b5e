/**
 * What has gone wrong in engines of this kind, each as its user would have seen it, and how it goes here. What
 * is refused at the gateway before the engine hears of it is in `test/gateway`.
 */
import { describe, expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import { planOf } from "#domain/graph/plan";
import type { Json } from "#domain/json/json";
import type { TemplateStep } from "#domain/template/template";
import { auditTask } from "../kit/audit-task.js";
import { LEASE_OF_OURS, startBench } from "../kit/bench-plane.js";
import { storeDouble } from "../kit/store-double.js";
import {
  answer,
  begin,
  echo,
  register,
  shown,
  stepOf,
  template,
  work,
  workflowBed,
} from "../kit/workflow-bench.js";

const once = { retry: { max_attempts: 1 } } as const;
const hasty = { retry: { max_attempts: 2, backoff: "none" } } as const;
const pair = (rest: Partial<TemplateStep> = {}) =>
  template([
    { name: "a", ...rest },
    { name: "b", dependencies: ["a"], ...rest },
  ]);

describe("a worker or a plane that dies", () => {
  test("what a dead worker had in hand goes to another as soon as its lease is over, and the task ends well", async () => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, pair());
    await bench.settle();
    await worker.report(worker.assigned().runId, "RUNNING");
    const other = bench.worker("w2");
    await bench.pass(LEASE_OF_OURS + 1_000, other);
    await work(bench, other, echo);
    expect(await shown(bench, task.id)).toBe("complete a=complete b=complete");
    expect(await stepOf(bench, task.id, "a")).toMatchObject({ attempts: 1, losses: 1 });
  });

  test("a worker that dies with two steps of a task fails it once, and the other step is cancelled", async () => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(
      bench,
      template([
        { name: "a", retry: { retryable: false } },
        { name: "b", retry: { retryable: false } },
      ]),
    );
    await bench.settle();
    expect(worker.assignments()).toHaveLength(2);
    await bench.clock.advance(LEASE_OF_OURS + 1_000);
    expect(await shown(bench, task.id)).toBe("error a=error b=cancelled");
    expect(await auditTask(bench.store, task.id)).toEqual([]);
  });

  test("a step that was given to a worker, and never left because the plane died, is given out again", async () => {
    const store = storeDouble();
    const bench = await startBench(store);
    const worker = bench.worker("w1");
    await bench.settle();
    const open = store.block();
    void begin(bench, pair());
    await bench.settle();
    open();
    await bench.settle();
    const unblock = store.block(); // the commit that gives it out is under way
    bench.kill();
    unblock();
    await bench.settle();
    worker.assignments();

    const again = await startBench(store, { clock: bench.clock, seed: 2 });
    const back = again.worker("w1", { resume: [] });
    for (let beats = 0; beats < 20; beats += 1) {
      await again.pass(5_000, back);
      await work(again, back, echo);
    }
    const { tasks } = await store.reads.tasks({ namespaces: "*" }, undefined, 10);
    expect(await Promise.all(tasks.map(({ id }) => shown(again, id)))).toEqual([
      "complete a=complete b=complete",
    ]);
  });

  test("no task is ever found half way between two states, wherever the plane dies", async () => {
    const store = storeDouble();
    const bench = await startBench(store);
    const worker = bench.worker("w1");
    await begin(bench, pair(hasty));
    await work(bench, worker, (frame) => (frame.attempt === 1 ? { error: "no" } : echo(frame, {})));
    const states = new Set(store.tried.flatMap(({ tasks }) => tasks.map(({ state }) => state)));
    const steps = new Set(store.tried.flatMap((turn) => turn.steps.map(({ state }) => state)));
    expect([...states].sort()).toEqual(["complete", "steps_in_process"]);
    expect([...steps].sort()).toEqual(["complete", "in_progress", "pending"]);
  });
});

describe("results", () => {
  test("the last result that comes while others are still being given out wakes what waits for it", async () => {
    const bench = await startBench();
    const names = ["a", "b", "c", "d"];
    const steps = [...names.map((name) => ({ name })), { name: "end", dependencies: names }];
    const { task } = await begin(bench, template(steps));
    const narrow = [bench.worker("w1", { capacity: 1 }), bench.worker("w2", { capacity: 1 })];
    await bench.settle();
    for (let turns = 0; turns < 5; turns += 1) {
      // Each turn takes results and gives out other steps of the same task.
      const frames = narrow.map((worker) => ({ worker, frame: worker.assignments()[0] }));
      await Promise.all(
        frames.map(({ worker, frame }) => frame && answer(worker, frame, { result: frame.stepName })),
      );
      await bench.settle();
    }
    expect(await shown(bench, task.id)).toBe(
      "complete a=complete b=complete c=complete d=complete end=complete",
    );
  });

  test("results of many tasks are taken together, not one after the other", async () => {
    const store = storeDouble();
    const bench = await startBench(store);
    const worker = bench.worker("w1", { capacity: 200 });
    await bench.settle();
    await Promise.all(Array.from({ length: 200 }, () => bench.create()));
    await bench.settle();
    const frames = worker.assignments();
    const before = store.calls.commit;
    await Promise.all(frames.map((frame) => answer(worker, frame, { result: 1 })));
    await bench.settle();
    expect(frames).toHaveLength(200);
    expect(store.calls.commit - before).toBeLessThanOrEqual(2);
  });

  test("no key is taken out of an input or a result, and steps may have any name", async () => {
    const { bench, worker } = await workflowBed();
    const odd = '{"__proto__":{"x":1},"constructor":null,"":0,"$ref":"#","password":"p","toString":[1,2]}';
    const names = ["constructor", "toString", "hasOwnProperty"];
    const steps: TemplateStep[] = [
      {
        name: "valueOf",
        type: "map",
        map: { over: "input/toString" },
        handler: { callable: "echo", initialization: { k: 1 } },
      },
      ...names.map((name, i) => ({ name, dependencies: [names[i - 1] ?? "valueOf"] })),
    ];
    await register(bench, template(steps));
    const plan = planOf(template(steps), "development");
    const spec = { agentName: "", maxAttempts: 0, template: plan.template, environment: "development" };
    const { task } = await bench.create(spec, { plan, input: odd });
    const inputs: string[] = [];
    for (let turns = 0; turns < 5; turns += 1) {
      await bench.settle();
      for (const { runId, input } of worker.assignments()) {
        inputs.push(input);
        await worker.report(runId, "COMPLETED", { output: odd });
      }
    }
    await bench.settle();
    expect(await shown(bench, task.id)).toMatch(/^complete valueOf=complete constructor=complete/);
    const config = '"config":{"k":1}';
    const members = [0, 1].map((i) => `${odd.slice(0, -1)},"item":${i + 1},"index":${i},${config}}`);
    expect(inputs).toEqual([...members, odd, odd, odd]);
    const output = (stepName: string) => bench.store.reads.output({ taskId: task.id, stepName });
    expect(await output("toString")).toBe(odd);
    expect(await output("valueOf")).toBe(`[${odd},${odd}]`);
  });
});

describe("trying again", () => {
  test("a step waits between its tries as its template says, and longer if the agent asks for it", async () => {
    const { bench, worker } = await workflowBed();
    const retry = { backoff: "linear", backoff_base_ms: 2_000, jitter: 0 } as const;
    const { task } = await begin(bench, template([{ name: "a", retry }]));
    const waits: number[] = [];
    for (const retryAfterMs of [0, 60_000]) {
      await work(bench, worker, () => ({ error: "no", retryAfterMs }), 1);
      const { nextAttemptAt } = await stepOf(bench, task.id, "a");
      waits.push(nextAttemptAt - bench.clock.now());
      await bench.pass(waits.at(-1) ?? 0, worker);
    }
    expect(waits).toEqual([2_000, 60_000]);
    await work(bench, worker, echo);
    expect(await shown(bench, task.id)).toBe("complete a=complete");
  });

  test("a step an operator tries anew has all its attempts again", async () => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, { ...pair(hasty), hold_on_failure: true });
    await work(bench, worker, () => ({ error: "no" }));
    await bench.plane.resolve(LOCAL_CALLER, task.id, "a", { type: "retry" });
    await work(bench, worker, (frame) => (frame.attempt === 1 ? { error: "no" } : { result: 1 }));
    expect(await shown(bench, task.id)).toBe("complete a=complete b=complete");
    expect(await stepOf(bench, task.id, "a")).toMatchObject({ attempts: 2, maxAttempts: 2 });
  });

  test("a step that is resolved by hand lets its task go on in the same commit", async () => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, { ...pair(once), hold_on_failure: true });
    await work(bench, worker, () => ({ error: "no" }));
    expect(await shown(bench, task.id)).toBe("blocked_by_failures a=error b=pending");
    const settled = await bench.plane.resolve(LOCAL_CALLER, task.id, "a", { type: "resolve" });
    expect(settled.steps.map(({ name, state }) => `${name}=${state}`)).toEqual([
      "a=resolved_manually",
      "b=in_progress",
    ]);
    await work(bench, worker, echo);
    expect(await shown(bench, task.id)).toBe("complete a=resolved_manually b=complete");
  });

  test("a failed task ends, and says when; it is not put aside where nobody looks", async () => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, pair(once));
    await bench.clock.advance(1_000);
    const failedAt = bench.clock.now();
    await work(bench, worker, () => ({ error: "no" }));
    const detail = await bench.store.reads.task(task.id);
    expect(detail?.task).toMatchObject({ state: "error", reason: "STEP_FAILED", finishedAt: failedAt });
    expect(detail?.steps.map(({ finishedAt }) => finishedAt)).toEqual([failedAt, failedAt]);
  });

  test("a cancel ends a task and all of its steps in one commit", async () => {
    const store = storeDouble();
    const bench = await startBench(store);
    const steps = Array.from({ length: 50 }, (_, i) => ({ name: `s${i}` }));
    const { task } = await begin(bench, template(steps));
    const before = store.tried.length;
    await bench.cancel(task.id);
    const turns = store.tried.slice(before);
    expect(turns.map(({ tasks, steps }) => [tasks.length, steps.length])).toEqual([[1, 50]]);
  });
});

describe("which work is next", () => {
  test("an old task does not sink: newer ones overtake it only by priority, and not for ever", async () => {
    const bench = await startBench();
    const old = await bench.create({ priority: 0 });
    await bench.clock.advance(3_600_000);
    await bench.create({ priority: 10 });
    await bench.create({ priority: 0 });
    const worker = bench.worker("w1", { capacity: 1 });
    await bench.settle();
    expect(worker.assigned().taskId).toBe(old.task.id);
  });

  test("a thousand urgent steps that nobody can take hide none that somebody can", async () => {
    const bench = await startBench();
    const urgent = Array.from({ length: 1_000 }, () => bench.create({ agentName: "nobody", priority: 100 }));
    await Promise.all(urgent);
    const { task } = await bench.create({ priority: -100 });
    const worker = bench.worker("w1", { capacity: 1 });
    await bench.settle();
    expect(worker.assigned().taskId).toBe(task.id);
  });

  test("a task that waited for days for a worker runs when one comes", async () => {
    const bench = await startBench();
    const { task } = await begin(bench, pair());
    await bench.clock.advance(3 * 24 * 3_600_000);
    await work(bench, bench.worker("w1"), echo);
    expect(await shown(bench, task.id)).toBe("complete a=complete b=complete");
  });
});

describe("batches", () => {
  test("no more workers of a batch at a time than its template says, however many batches there are", async () => {
    const { bench, worker } = await workflowBed();
    const batch_config = { worker_template: "rows", parallelism: 3, batch_size: 10 };
    const flow = template([
      { name: "split", type: "batchable", batch_config },
      { name: "rows", type: "batch_worker" },
      { name: "sum", type: "deferred_convergence", dependencies: ["rows"] },
    ]);
    const { task } = await begin(bench, flow);
    const cursor_configs = Array.from({ length: 20 }, (_, i) => ({ batch_id: `${i}`, batch_size: 10 }));
    const batches = { type: "create_batches", worker_count: 20, cursor_configs };
    let most = 0;
    for (let turns = 0; turns < 50; turns += 1) {
      await bench.settle();
      const frames = worker.assignments();
      most = Math.max(most, frames.length);
      for (const frame of frames) {
        const result = frame.stepName === "split" ? { batch_processing_outcome: batches } : 1;
        await answer(worker, frame, { result });
      }
    }
    expect({ most, end: (await shown(bench, task.id)).split(" ")[0] }).toEqual({ most: 3, end: "complete" });
  });

  test("a batch that is larger than its template allows is refused", async () => {
    const { bench, worker } = await workflowBed();
    const flow = template([
      {
        name: "split",
        type: "batchable",
        batch_config: { worker_template: "rows", batch_size: 10 },
        ...once,
      },
      { name: "rows", type: "batch_worker" },
    ]);
    const { task } = await begin(bench, flow);
    const cursor_configs = [{ batch_id: "1", batch_size: 11 }];
    await work(bench, worker, () => ({
      result: { batch_processing_outcome: { type: "create_batches", worker_count: 1, cursor_configs } },
    }));
    expect((await stepOf(bench, task.id, "split")).errorMessage).toContain("batch_size allows 10");
    expect(await shown(bench, task.id)).toBe("error split=error");
  });
});

describe("what the random templates have shown", () => {
  test("when one of two maps fails as they begin, the other does not begin any more", async () => {
    const { bench } = await workflowBed();
    const flow = template([
      { name: "bad", type: "map", map: { over: "input/nothing" } },
      { name: "good", type: "map", map: { over: "input/list" } },
    ]);
    const { task } = await begin(bench, flow, { input: { list: [] } });
    expect(await shown(bench, task.id)).toBe("error bad=error good=cancelled");
    expect(await auditTask(bench.store, task.id)).toEqual([]);
  });

  test("the story of a task that ends as it begins has its end at the end", async () => {
    const { bench } = await workflowBed();
    const flow = template([{ name: "each", type: "map", map: { over: "input/list" } }]);
    const { task } = await begin(bench, flow, { input: { list: [] } });
    const told = (await bench.log(task.id)).map((line) =>
      line.type === "task" ? line.state : line.type === "step" ? `each ${line.step.state}` : line.type,
    );
    expect(told.slice(-2)).toEqual(["each complete", "complete"]);
    expect(told.filter((line) => line === "complete")).toHaveLength(1);
  });

  test("what joins a map and a branch is given the map's list, not its members one by one", async () => {
    const { bench, worker } = await workflowBed();
    const flow = template([
      { name: "check" },
      { name: "each", type: "map", map: { over: "input/list" } },
      { name: "route", type: "decision", dependencies: ["check"] },
      { name: "branch", dependencies: ["route"] },
      { name: "end", type: "deferred_convergence", dependencies: ["each", "branch"] },
    ]);
    const { task } = await begin(bench, flow, { input: { list: [1, 2] } });
    const chosen: Json = { decision_point_outcome: { type: "create_steps", step_names: ["branch"] } };
    const given: string[][] = [];
    await work(bench, worker, ({ stepName, results }) => {
      if (stepName === "end") given.push(Object.keys(results));
      return { result: stepName === "route" ? chosen : 1 };
    });
    expect(given).toEqual([["each", "route", "branch"]]);
    expect((await shown(bench, task.id)).split(" ")[0]).toBe("complete");
  });
});
