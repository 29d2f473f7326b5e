import { describe, expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import type { Json } from "#domain/json";
import { startBench } from "./bench-plane.js";
import { type Agent, begin, register, shown, stepOf, template, work } from "./workflow-bench.js";

const echo: Agent = ({ stepName }) => ({ result: stepName });

async function bed() {
  const bench = await startBench();
  const worker = bench.worker("w1", { capacity: 100 });
  await bench.settle();
  return { bench, worker };
}

describe("a graph of steps", () => {
  test("steps run when what they depend on is done, and are given its results", async () => {
    const { bench, worker } = await bed();
    const diamond = template([
      { name: "start" },
      { name: "left", dependencies: ["start"] },
      { name: "right", dependencies: ["start"] },
      { name: "end", dependencies: ["left", "right"] },
    ]);
    const { task } = await begin(bench, diamond, { input: { n: 1 } });
    const seen: string[] = [];
    const answered = await work(bench, worker, ({ stepName, results }, input) => {
      seen.push(`${stepName} ${JSON.stringify(input)} ${JSON.stringify(results)}`);
      return { result: stepName.length };
    });
    expect(answered).toBe(4);
    expect(await shown(bench, task.id)).toBe(
      "complete start=complete left=complete right=complete end=complete",
    );
    expect(seen).toEqual([
      'start {"n":1} {}',
      'left {"n":1} {"start":"5"}',
      'right {"n":1} {"start":"5"}',
      'end {"n":1} {"left":"4","right":"5"}',
    ]);
  });

  test("a step that fails for good ends the task and everything else in it", async () => {
    const { bench, worker } = await bed();
    const flow = template([
      { name: "a", retry: { max_attempts: 1 } },
      { name: "b" },
      { name: "c", dependencies: ["a", "b"] },
    ]);
    const { task } = await begin(bench, flow);
    await work(bench, worker, ({ stepName }) => (stepName === "a" ? { error: "no" } : "nothing"));
    expect(await shown(bench, task.id)).toBe("error a=error b=cancelled c=cancelled");
  });

  test("config is merged into the input, and the template's wins", async () => {
    const { bench, worker } = await bed();
    const flow = template([{ name: "a", handler: { callable: "echo", initialization: { k: 1 } } }]);
    await begin(bench, flow, { input: { config: { k: 2, other: 3 } } });
    let input: Json = null;
    await work(bench, worker, (_, given) => {
      input = given;
      return { result: null };
    });
    expect(input).toEqual({ config: { k: 1, other: 3 } });
  });
});

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
    const { bench, worker } = await bed();
    const { task, steps } = await begin(bench, approval);
    expect(steps.map(({ name }) => name)).toEqual(["check", "route"]);
    await work(bench, worker, choosing(["manager", "finance"]));
    expect(await shown(bench, task.id)).toBe(
      "complete check=complete route=complete manager=complete finance=complete done=complete",
    );
    expect((await stepOf(bench, task.id, "done")).dependsOn).toEqual(["manager", "finance"]);
  });

  test("no branches is an end too", async () => {
    const { bench, worker } = await bed();
    const { task } = await begin(bench, approval);
    await work(bench, worker, choosing([]));
    expect(await shown(bench, task.id)).toBe("complete check=complete route=complete");
  });

  test("a choice that the template does not offer fails the step, saying which", async () => {
    const { bench, worker } = await bed();
    const { task } = await begin(bench, approval);
    await work(bench, worker, choosing(["check"]));
    expect(await shown(bench, task.id)).toBe("error check=complete route=error");
    const { errorMessage } = await stepOf(bench, task.id, "route");
    expect(errorMessage).toBe(
      'the result of decision "route" cannot be followed: step "check" does not follow from this decision',
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
    const { bench, worker } = await bed();
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
    const { bench, worker } = await bed();
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
    const { bench, worker } = await bed();
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
    const { bench, worker } = await bed();
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
    const { bench, worker } = await bed();
    const { task } = await begin(bench, pages, { input: { urls: [] } });
    await work(bench, worker, echo);
    expect(await shown(bench, task.id)).toBe("complete fetch=complete join=complete");
  });

  test("what is no list fails the step", async () => {
    const { bench, worker } = await bed();
    const { task } = await begin(bench, pages, { input: { urls: 3 } });
    await work(bench, worker, echo);
    expect((await stepOf(bench, task.id, "fetch")).errorMessage).toBe(
      'map.over "input/urls" should be a list; found 3',
    );
  });
});

describe("steps without a worker", () => {
  test("a timer lets the next step go when it has run out, not before", async () => {
    const { bench, worker } = await bed();
    const flow = template([
      { name: "wait", type: "timer", timer: { delay_ms: 60_000 } },
      { name: "then", dependencies: ["wait"] },
    ]);
    const { task } = await begin(bench, flow);
    expect(task.state).toBe("enqueuing_steps");
    await bench.pass(59_000, worker);
    expect(await shown(bench, task.id)).toBe("enqueuing_steps wait=in_progress then=pending");
    await bench.pass(2_000, worker);
    await work(bench, worker, echo);
    expect(await shown(bench, task.id)).toBe("complete wait=complete then=complete");
  });

  test("a signal's payload is the step's result, also when it comes early, and once", async () => {
    const { bench, worker } = await bed();
    const flow = template([
      { name: "first" },
      { name: "ok", type: "signal", dependencies: ["first"], signal: { name: "approved" } },
      { name: "ship", dependencies: ["ok"] },
    ]);
    const { task } = await begin(bench, flow);
    await bench.plane.signal(LOCAL_CALLER, task.id, "approved", '{"by":"ann"}');
    await bench.plane.signal(LOCAL_CALLER, task.id, "approved", '{"by":"ann"}');
    await expect(bench.plane.signal(LOCAL_CALLER, task.id, "approved", "2")).rejects.toThrow(
      `task ${task.id} has had its signal "approved"; it waits for none`,
    );
    let given: unknown;
    await work(bench, worker, ({ stepName, results }) => {
      if (stepName === "ship") given = results;
      return { result: 1 };
    });
    expect(given).toEqual({ ok: '{"by":"ann"}' });
    expect(await shown(bench, task.id)).toBe("complete first=complete ok=complete ship=complete");
  });

  test("nobody signals: the default, or a failure", async () => {
    const { bench, worker } = await bed();
    const flow = (signal: object, version: string) =>
      template([{ name: "ok", type: "signal", signal: { timeout_ms: 10_000, ...signal } }], { version });
    const kind = await begin(bench, flow({ default: "yes" }, "1.0.0"));
    const strict = await begin(bench, flow({}, "2.0.0"));
    await bench.pass(11_000, worker);
    expect(await shown(bench, kind.task.id)).toBe("complete ok=complete");
    expect(await bench.store.reads.output({ taskId: kind.task.id, stepName: "ok" })).toBe('"yes"');
    expect(await shown(bench, strict.task.id)).toBe("error ok=error");
  });
});

describe("tasks within tasks", () => {
  const inner = template([{ name: "x" }, { name: "y", dependencies: ["x"] }], { name: "inner" });
  const outer = template(
    [
      { name: "sub", type: "child_task", child: { template: { name: "inner" } }, retry: { max_attempts: 1 } },
      { name: "after", dependencies: ["sub"] },
    ],
    { name: "outer" },
  );

  test("the step is done when its task is, with the task's result", async () => {
    const { bench, worker } = await bed();
    await register(bench, inner);
    const { task } = await begin(bench, outer, { input: { n: 1 } });
    let given: unknown;
    await work(bench, worker, ({ stepName, results }) => {
      if (stepName === "after") given = results;
      return { result: stepName };
    });
    expect(await shown(bench, task.id)).toBe("complete sub=complete after=complete");
    expect(given).toEqual({ sub: '"y"' });
    const { childId } = await stepOf(bench, task.id, "sub");
    expect(childId).not.toBe("");
    expect(await shown(bench, childId as typeof task.id)).toBe("complete x=complete y=complete");
  });

  test("when the parent ends, the child is cancelled", async () => {
    const { bench, worker } = await bed();
    await register(bench, inner);
    const { task } = await begin(bench, outer);
    await bench.settle();
    const { childId } = await stepOf(bench, task.id, "sub");
    await bench.cancel(task.id);
    await bench.pass(1_000, worker);
    expect(await shown(bench, childId as typeof task.id)).toBe("cancelled x=cancelled y=cancelled");
  });

  test("a child that fails fails its step", async () => {
    const { bench, worker } = await bed();
    await register(bench, inner);
    const { task } = await begin(bench, outer);
    await work(bench, worker, () => ({ error: "no", retryable: false }));
    expect(await shown(bench, task.id)).toBe("error sub=error after=cancelled");
  });

  test("depth has an end", async () => {
    const { bench, worker } = await bed();
    const loop = template(
      [
        {
          name: "again",
          type: "child_task",
          child: { template: { name: "loop" } },
          retry: { max_attempts: 1 },
        },
      ],
      { name: "loop" },
    );
    const { task } = await begin(bench, loop);
    await work(bench, worker, echo);
    expect(await shown(bench, task.id)).toBe("error again=error");
  });
});

describe("trying again", () => {
  test.each([
    ["none", [0, 0]],
    ["linear", [1_000, 2_000]],
    ["exponential", [1_000, 2_000]],
    ["fibonacci", [1_000, 1_000]],
  ] as const)("%s backoff", async (backoff, delays) => {
    const { bench, worker } = await bed();
    const retry = { backoff, backoff_base_ms: 1_000, max_backoff_ms: 10_000, jitter: 0, max_attempts: 3 };
    const { task } = await begin(bench, template([{ name: "a", retry }]));
    const fails: Agent = () => ({ error: "no" });
    await work(bench, worker, fails, 1);
    for (const delay of delays) {
      const { nextAttemptAt, state } = await stepOf(bench, task.id, "a");
      if (delay > 0) {
        expect(state).toBe("waiting_for_retry");
        expect(nextAttemptAt - bench.clock.now()).toBe(delay);
      }
      await bench.pass(delay, worker);
      await work(bench, worker, fails, 1);
    }
    expect(await shown(bench, task.id)).toBe("error a=error");
    expect((await stepOf(bench, task.id, "a")).attempts).toBe(3);
  });

  test("an attempt that takes too long is a failed one", async () => {
    const { bench, worker } = await bed();
    const flow = template([{ name: "a", timeout_seconds: 10, retry: { max_attempts: 2, backoff: "none" } }]);
    const { task } = await begin(bench, flow);
    await work(bench, worker, () => "nothing");
    await bench.pass(11_000, worker);
    expect((await stepOf(bench, task.id, "a")).attempts).toBe(2);
    await work(bench, worker, echo);
    expect(await shown(bench, task.id)).toBe("complete a=complete");
  });

  test("a step goes on from its checkpoint, on any worker, and it costs no attempt", async () => {
    const { bench, worker } = await bed();
    const { task } = await begin(bench, template([{ name: "a", retry: { max_attempts: 1 } }]));
    const seen: Json[] = [];
    await work(bench, worker, (_, { checkpoint }) => {
      seen.push(checkpoint ?? null);
      return seen.length < 3
        ? { cursor: seen.length * 100, output: { done: seen.length } }
        : { result: "ok" };
    });
    expect(seen).toEqual([null, { cursor: 100, output: { done: 1 } }, { cursor: 200, output: { done: 2 } }]);
    expect(await shown(bench, task.id)).toBe("complete a=complete");
    expect((await stepOf(bench, task.id, "a")).attempts).toBe(1);
  });
});

describe("undoing", () => {
  const booking = template([
    { name: "flight", compensate: "cancel_flight" },
    { name: "hotel", compensate: "cancel_hotel", dependencies: ["flight"] },
    { name: "pay", dependencies: ["hotel"], retry: { max_attempts: 1 } },
    { name: "cancel_flight" },
    { name: "cancel_hotel", retry: { max_attempts: 1 } },
  ]);

  test("what was done is undone in reverse order, in a task of its own", async () => {
    const { bench, worker } = await bed();
    const { task } = await begin(bench, booking);
    const undone: unknown[] = [];
    await work(bench, worker, ({ stepName }, { compensate }) => {
      if (compensate) undone.push(compensate);
      return stepName === "pay" ? { error: "declined" } : { result: `${stepName} done` };
    });
    const { compensatedBy } = (await bench.store.reads.task(task.id))?.task ?? { compensatedBy: "" };
    expect(await shown(bench, task.id)).toBe("error flight=complete hotel=complete pay=error");
    expect(await shown(bench, compensatedBy as typeof task.id)).toBe(
      "complete hotel=complete flight=complete",
    );
    expect(undone).toEqual([
      { task_id: task.id, step: "hotel", result: "hotel done", error: "declined" },
      { task_id: task.id, step: "flight", result: "flight done", error: "declined" },
    ]);
  });

  test("what cannot be undone is named, and the rest is undone all the same", async () => {
    const { bench, worker } = await bed();
    const { task } = await begin(bench, booking);
    await work(bench, worker, ({ stepName }, { compensate }) => {
      if (compensate) return stepName === "hotel" ? { error: "too late" } : { result: 1 };
      return stepName === "pay" ? { error: "declined" } : { result: 1 };
    });
    const { compensatedBy } = (await bench.store.reads.task(task.id))?.task ?? { compensatedBy: "" };
    const undoing = await bench.store.reads.task(compensatedBy as typeof task.id);
    expect(undoing?.task.state).toBe("error");
    expect(undoing?.task.errorMessage).toBe("hotel: too late");
    expect(undoing?.steps.map(({ state }) => state)).toEqual(["error", "complete"]);
  });

  test("undoing waits until the worker has let go, and undoes what it had in hand", async () => {
    const { bench, worker } = await bed();
    const { task } = await begin(bench, booking);
    await bench.settle();
    const flight = worker.assigned();
    await worker.report(flight.runId, "RUNNING");
    await bench.settle();
    await bench.cancel(task.id);
    const { compensatedBy } = (await bench.store.reads.task(task.id))?.task ?? { compensatedBy: "" };
    expect(await shown(bench, compensatedBy as typeof task.id)).toBe("pending flight=pending");
    await worker.report(flight.runId, "CANCELLED");
    await work(bench, worker, echo);
    expect(await shown(bench, compensatedBy as typeof task.id)).toBe("complete flight=complete");
  });
});

describe("an operator", () => {
  const held = template(
    [
      { name: "a", retry: { max_attempts: 1 } },
      { name: "b", dependencies: ["a"] },
    ],
    {
      hold_on_failure: true,
    },
  );

  test("a held task goes on once its step is tried anew, with all its attempts", async () => {
    const { bench, worker } = await bed();
    const { task } = await begin(bench, held);
    await work(bench, worker, () => ({ error: "no" }));
    expect(await shown(bench, task.id)).toBe("blocked_by_failures a=error b=pending");
    await bench.plane.resolve(LOCAL_CALLER, task.id, "a", { type: "retry" });
    expect((await stepOf(bench, task.id, "a")).attempts).toBe(1);
    await work(bench, worker, echo);
    expect(await shown(bench, task.id)).toBe("complete a=complete b=complete");
  });

  test("a held task goes on once its step is settled by hand", async () => {
    const { bench, worker } = await bed();
    const { task } = await begin(bench, held);
    await work(bench, worker, () => ({ error: "no" }));
    await bench.plane.resolve(LOCAL_CALLER, task.id, "a", { type: "complete", output: "7" });
    let given: unknown;
    await work(bench, worker, ({ results }) => {
      given = results;
      return { result: 1 };
    });
    expect(given).toEqual({ a: "7" });
    expect(await shown(bench, task.id)).toBe("complete a=complete b=complete");
  });

  test("a task is not held for ever", async () => {
    const { bench, worker } = await bed();
    const { task } = await begin(bench, held);
    await work(bench, worker, () => ({ error: "no" }));
    await bench.clock.advance(7 * 24 * 3_600_000 + 1_000);
    await bench.settle();
    expect(await shown(bench, task.id)).toBe("error a=error b=cancelled");
  });
});
