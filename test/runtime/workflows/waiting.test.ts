import { describe, expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import { planOf } from "#domain/graph/plan";
import { later, millis } from "#domain/time/time";
import { startBench } from "../kit/bench-plane.js";
import { begin, echo, register, shown, stepOf, template, work, workflowBed } from "../kit/workflow-bench.js";

describe("steps without a worker", () => {
  test("a timer lets the next step go when it has run out, not before", async () => {
    const { bench, worker } = await workflowBed();
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
    const { bench, worker } = await workflowBed();
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
    const { bench, worker } = await workflowBed();
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
    const { bench, worker } = await workflowBed();
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
    const { bench, worker } = await workflowBed();
    await register(bench, inner);
    const { task } = await begin(bench, outer);
    await bench.settle();
    const { childId } = await stepOf(bench, task.id, "sub");
    await bench.cancel(task.id);
    await bench.pass(1_000, worker);
    expect(await shown(bench, childId as typeof task.id)).toBe("cancelled x=cancelled y=cancelled");
  });

  test("a child that fails fails its step", async () => {
    const { bench, worker } = await workflowBed();
    await register(bench, inner);
    const { task } = await begin(bench, outer);
    await work(bench, worker, () => ({ error: "no", retryable: false }));
    expect(await shown(bench, task.id)).toBe("error sub=error after=cancelled");
  });

  test("depth has an end", async () => {
    const { bench, worker } = await workflowBed();
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

describe("children of children", () => {
  test("come each in a turn of its own, so that no commit makes them all", async () => {
    const { bench } = await workflowBed();
    const child = (name: string) => ({
      name,
      type: "child_task" as const,
      child: { template: { name: "flow" } },
      retry: { max_attempts: 1 },
    });
    await begin(bench, template(["a", "b"].map(child)));
    const made = async () =>
      (await bench.plane.reads.tasks({ namespaces: "*" }, undefined, 1_000)).tasks.length;
    expect(await made()).toBe(3);
    await bench.clock.advance(1_000);
    await bench.settle();
    // Each of 256 Tasks at the ninth level has found that it is too deep.
    expect(await made()).toBe(511);
  });

  test("tried again, a child is of the version it was of before", async () => {
    const { bench, worker } = await workflowBed();
    const inner = (version: string) =>
      template([{ name: version.replaceAll(".", "_") }], { name: "inner", version });
    await register(bench, inner("1.0.0"));
    const outer = template(
      [
        {
          name: "sub",
          type: "child_task",
          child: { template: { name: "inner" } },
          retry: { backoff: "none" },
        },
      ],
      { name: "outer" },
    );
    const { task } = await begin(bench, outer);
    const seen: string[] = [];
    await work(
      bench,
      worker,
      ({ stepName }) => {
        seen.push(stepName);
        return seen.length === 1 ? { error: "no", retryable: false } : { result: 1 };
      },
      1,
    );
    await register(bench, inner("2.0.0"));
    await work(bench, worker, ({ stepName }) => {
      seen.push(stepName);
      return { result: 1 };
    });
    expect(await shown(bench, task.id)).toBe("complete sub=complete");
    expect(seen).toEqual(["1_0_0", "1_0_0"]);
  });

  test("a template of another namespace is none of theirs", async () => {
    const { bench, worker } = await workflowBed();
    await register(bench, template([{ name: "x" }], { name: "secret", namespace_name: "bob" }));
    const child = { template: { namespace: "bob", name: "secret" } };
    const { task } = await begin(
      bench,
      template([{ name: "sub", type: "child_task", child, retry: { max_attempts: 1 } }]),
    );
    await work(bench, worker, echo);
    expect((await stepOf(bench, task.id, "sub")).errorMessage).toBe(
      `a child is of its parent's namespace "default", and the template of "bob"`,
    );
  });

  test("begins also where no more tasks may be created", async () => {
    const namespaceLimits = { waitingTasks: new Map([["default", 1]]), dailyOutput: new Map() };
    const bench = await startBench(undefined, { parts: { namespaceLimits } });
    const steps = [
      { name: "nap", type: "timer", timer: { delay_ms: 5_000 } },
      { name: "sub", type: "child_task", child: { agent: "echo" }, dependencies: ["nap"] },
    ] as const;
    const { task } = await begin(bench, template(steps));
    await bench.tryCreate({ startAt: later(bench.clock.now(), millis(60_000)) });
    await expect(bench.create()).rejects.toMatchObject({ reason: "WAITING_TASKS" });
    await bench.clock.advance(5_001);
    const worker = bench.worker("w1");
    await work(bench, worker, echo);
    expect(await shown(bench, task.id)).toBe("complete nap=complete sub=complete");
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
    const { bench, worker } = await workflowBed();
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
    const { bench, worker } = await workflowBed();
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
    const { bench, worker } = await workflowBed();
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

  test("a held task that is declared done is not undone", async () => {
    const { bench, worker } = await workflowBed();
    const held = { ...booking, hold_on_failure: true };
    const { task } = await begin(bench, held);
    await work(bench, worker, ({ stepName }) => (stepName === "pay" ? { error: "declined" } : { result: 1 }));
    await bench.plane.resolve(LOCAL_CALLER, task.id, "", { type: "resolve" });
    const detail = await bench.store.reads.task(task.id);
    expect([detail?.task.state, detail?.task.compensatedBy]).toEqual(["resolved_manually", ""]);
  });

  test("an attempt that took too long is undone once its worker has let go of it", async () => {
    const { bench, worker } = await workflowBed();
    const pay = template([
      { name: "pay", compensate: "refund", timeout_seconds: 5, retry: { max_attempts: 1 } },
      { name: "refund" },
    ]);
    const { task } = await begin(bench, pay);
    await bench.settle();
    const { runId } = worker.assigned();
    await worker.report(runId, "RUNNING");
    await bench.pass(6_000, worker);
    const { compensatedBy } = (await bench.store.reads.task(task.id))?.task ?? { compensatedBy: "" };
    expect(await shown(bench, compensatedBy as typeof task.id)).toBe("pending pay=pending");
    await worker.report(runId, "CANCELLED");
    await work(bench, worker, echo);
    expect(await shown(bench, compensatedBy as typeof task.id)).toBe("complete pay=complete");
  });

  test("of a map that failed half-way, what its members did is undone, to the digit", async () => {
    const { bench, worker } = await workflowBed();
    const charges = template([
      { name: "charge", type: "map", map: { over: "input/cards", concurrency: 1 }, compensate: "refund" },
      { name: "refund" },
    ]);
    await register(bench, charges);
    const plan = planOf(charges, "development");
    const input = '{"cards":[{"id":9007199254740993},{"id":2}]}';
    const { task } = await bench.create(
      {
        agentName: "",
        maxAttempts: 1,
        template: plan.template,
        environment: "development",
        isCompensable: true,
      },
      { plan, input },
    );
    const inputs: string[] = [];
    await work(bench, worker, (frame, { compensate, index }) => {
      inputs.push(frame.input);
      return !compensate && index === 1 ? { error: "no" } : { result: 1 };
    });
    const { compensatedBy } = (await bench.store.reads.task(task.id))?.task ?? { compensatedBy: "" };
    expect(await shown(bench, compensatedBy as typeof task.id)).toBe("complete charge_000=complete");
    expect(inputs[0]).toContain('"item":{"id":9007199254740993}');
  });
});
