import { describe, expect, test } from "vitest";
import type { TaskId } from "#domain/id";
import type { TemplateStep } from "#domain/template/template";
import { millis } from "#domain/time/time";
import { limits } from "#limits/index";
import { Retention } from "#runtime/timers/retention";
import type { BenchPlane } from "../kit/bench-plane.js";
import {
  type Agent,
  begin,
  echo,
  register,
  shown,
  template,
  work,
  workflowBed,
} from "../kit/workflow-bench.js";

const DAY = 24 * 3_600_000;

const undo = { name: "refund" };
const pay = template([{ name: "pay", compensate: "refund" }, undo]);

async function compensationOf(bench: BenchPlane, id: TaskId): Promise<TaskId | ""> {
  return (await bench.store.reads.task(id))?.task.compensatedBy ?? "";
}

async function compensationShown(bench: BenchPlane, id: TaskId): Promise<string> {
  const compensatedBy = await compensationOf(bench, id);
  return compensatedBy === "" ? "none" : shown(bench, compensatedBy);
}

/** An agent that works as `other` does, and tells what was compensated, and with what result. */
function telling(undone: string[], other: Agent = echo): Agent {
  return (frame, input) => {
    const { step, result } = (input.compensate ?? {}) as { step?: string; result?: unknown };
    if (step === undefined) return other(frame, input);
    undone.push(`${step} ${JSON.stringify(result)}`);
    return { result: "undone" };
  };
}

describe("in hand means held", () => {
  async function assigned() {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, pay);
    await bench.settle();
    return { bench, worker, task, run: worker.assigned(), undone: [] as string[] };
  }

  test("what an agent did before its start was heard of is compensated", async () => {
    const { bench, worker, task, run, undone } = await assigned();
    await bench.cancel(task.id);
    expect(await compensationShown(bench, task.id)).toBe("pending pay=pending");
    await worker.report(run.runId, "CANCELLED");
    await work(bench, worker, telling(undone));
    expect(undone).toEqual(["pay null"]);
    expect(await compensationShown(bench, task.id)).toBe("complete pay=complete");
  });

  test("a run that turns out to be declined leaves nothing to compensate", async () => {
    const { bench, worker, task, run, undone } = await assigned();
    await bench.cancel(task.id);
    await worker.link.receive({ type: "decline", runId: run.runId, reason: "full" });
    await work(bench, worker, telling(undone));
    expect(undone).toEqual([]);
    expect(await compensationShown(bench, task.id)).toBe("complete pay=complete");
  });

  test("so does one that the same process has never seen", async () => {
    const { bench, worker, task, undone } = await assigned();
    worker.link.closed();
    await bench.cancel(task.id);
    const again = bench.worker("w1", { capacity: 100 });
    await work(bench, again, telling(undone));
    expect(undone).toEqual([]);
    expect(await compensationShown(bench, task.id)).toBe("complete pay=complete");
  });

  test("a decline before the cancel leaves nothing either, unless an earlier run is in doubt", async () => {
    for (const isLost of [false, true]) {
      const { bench, worker, task, run } = await assigned();
      await worker.report(run.runId, "RUNNING");
      if (isLost) await worker.beat([], run.ordinal);
      else await worker.report(run.runId, "FAILED", { errorMessage: "no money" });
      await bench.pass(60_000, worker);
      await worker.link.receive({ type: "decline", runId: worker.assigned().runId, reason: "full" });
      await bench.settle();
      await bench.cancel(task.id);
      expect((await compensationShown(bench, task.id)) !== "none", `lost: ${isLost}`).toBe(isLost);
    }
  });

  test("a run that had begun when it was handed back is compensated, whenever the cancel comes", async () => {
    for (const how of ["start", "output"] as const) {
      for (const isFirst of [true, false]) {
        const { bench, worker, task, run, undone } = await assigned();
        if (how === "start") await worker.report(run.runId, "RUNNING");
        else await worker.output(run.runId, 0, "paid");
        if (isFirst) await bench.cancel(task.id);
        await worker.link.receive({ type: "decline", runId: run.runId, reason: "it shuts down" });
        await bench.settle();
        if (!isFirst) await bench.cancel(task.id);
        await work(bench, worker, telling(undone));
        expect(undone, `${how}, cancelled first: ${isFirst}`).toEqual(["pay null"]);
      }
    }
  });

  test("a start that is heard only after the cancel counts, though the end stays: the run is handed back later", async () => {
    for (const how of ["start", "output"] as const) {
      const { bench, worker, task, run, undone } = await assigned();
      await bench.cancel(task.id);
      if (how === "start") await worker.report(run.runId, "RUNNING");
      else await worker.output(run.runId, 0, "paid");
      await worker.link.receive({ type: "decline", runId: run.runId, reason: "it shuts down" });
      await work(bench, worker, telling(undone));
      expect(undone, how).toEqual(["pay null"]);
    }
  });

  test("what failed in the same millisecond in which its dependency completed is compensated before it", async () => {
    const { bench, worker } = await workflowBed();
    const misfit = { result_schema: { type: "object" }, retry: { max_attempts: 1 } };
    const steps = [
      { name: "pay", compensate: "refund" },
      { name: "ship", dependencies: ["pay"], compensate: "recall", ...misfit },
      undo,
      { ...undo, name: "recall" },
    ];
    const undone: string[] = [];
    const { task } = await begin(bench, template(steps));
    await work(bench, worker, telling(undone));
    expect(await shown(bench, task.id)).toBe("error pay=complete ship=error");
    expect(undone.map((line) => line.split(" ")[0])).toEqual(["ship", "pay"]);
  });

  test("a checkpoint is compensated, and a result that was not accepted", async () => {
    const { bench, worker, task, run, undone } = await assigned();
    await worker.link.receive({ type: "yield", runId: run.runId, cursor: "1", output: "" });
    await bench.settle();
    await worker.link.receive({ type: "decline", runId: worker.assigned().runId, reason: "full" });
    await bench.settle();
    await bench.cancel(task.id);
    await work(bench, worker, telling(undone));
    expect(undone).toEqual(["pay null"]);

    const chooses = template([
      { name: "pay", type: "decision", compensate: "refund", retry: { max_attempts: 1 } },
      { name: "one", dependencies: ["pay"] },
      undo,
    ]);
    const { task: second } = await begin(bench, { ...chooses, version: "2.0.0" });
    await work(bench, worker, telling(undone));
    expect(await shown(bench, second.id)).toBe("error pay=error");
    expect(await compensationShown(bench, second.id)).toBe("complete pay=complete");
    expect(undone).toHaveLength(2);
  });

  test("a worker that does not heed its cancel is waited for some minutes, then its run is taken from it", async () => {
    const { bench, worker, task, run, undone } = await assigned();
    const deaf = [run.runId];
    await bench.cancel(task.id);
    for (let left = limits.releaseWait - 1; left > 0; left -= 20_000) {
      await bench.clock.advance(Math.min(left, 20_000));
      await worker.beat(deaf, run.ordinal);
    }
    expect(await compensationShown(bench, task.id)).toBe("pending pay=pending");
    await bench.clock.advance(1);
    await work(bench, worker, telling(undone));
    expect(undone).toEqual(["pay null"]);
    expect(await bench.show(task.id)).toBe(
      "cancelled CANCELLED, pay cancelled attempts=1, run CANCELLED/CANCELLED",
    );
    // It is told so as long as it shows the run, and its last word changes nothing.
    worker.frames.length = 0;
    await worker.beat(deaf, run.ordinal);
    await worker.report(run.runId, "COMPLETED", { output: "1" });
    await bench.settle();
    expect(worker.heard()).toEqual(["ack.heartbeat", "cancel", "cancel", "ack.status"]);
    expect(undone).toEqual(["pay null"]);
  });
});

describe("tasks that are steps", () => {
  const inner = template(
    [
      { name: "in1", compensate: "refund" },
      { name: "in2", compensate: "refund", dependencies: ["in1"], retry: { max_attempts: 1 } },
      undo,
    ],
    {
      name: "inner",
    },
  );
  const sub = (name: string, rest: Partial<TemplateStep> = {}): TemplateStep => ({
    name,
    type: "child_task",
    child: { template: { name: "inner" } },
    ...rest,
  });
  const outer = template([
    { name: "first", compensate: "refund" },
    sub("sub", { dependencies: ["first"], retry: { max_attempts: 2, backoff_base_ms: 10, jitter: 0 } }),
    { name: "last", compensate: "refund", dependencies: ["sub"], retry: { max_attempts: 1 } },
    undo,
  ]);

  async function bed(child = inner) {
    const { bench, worker } = await workflowBed();
    await register(bench, child);
    return { bench, worker, undone: [] as string[] };
  }

  test("a child that completed is compensated in its place, the last step first", async () => {
    const { bench, worker, undone } = await bed();
    const { task } = await begin(bench, outer);
    await work(
      bench,
      worker,
      telling(undone, ({ stepName }) => (stepName === "last" ? { error: "no" } : { result: stepName })),
    );
    expect(undone).toEqual(['in2 "in2"', 'in1 "in1"', 'first "first"']);
    expect(await compensationShown(bench, task.id)).toBe("complete sub=complete first=complete");
  });

  test("a child that goes on is ended and compensated before what came before it", async () => {
    const { bench, worker, undone } = await bed();
    const { task } = await begin(bench, outer);
    await work(bench, worker, ({ stepName }) => (stepName === "in2" ? "nothing" : { result: stepName }));
    await bench.cancel(task.id);
    await bench.pass(30_000, worker);
    expect(undone).toEqual([]);
    expect(await compensationShown(bench, task.id)).toBe("enqueuing_steps sub=pending first=pending");
    const { tasks } = await bench.store.reads.tasks({ namespaces: "*" }, undefined, 10);
    const child = tasks.find(({ spec }) => spec.parent?.stepName === "sub");
    const detail = child && (await bench.store.reads.task(child.id));
    for (const { id, heldBy } of detail?.runs ?? []) if (heldBy !== "") await worker.report(id, "CANCELLED");
    await work(bench, worker, telling(undone));
    expect(undone).toEqual(["in2 null", 'in1 "in1"', 'first "first"']);
    expect(await compensationShown(bench, task.id)).toBe("complete sub=complete first=complete");
  });

  test("a child is made anew when the former one has been compensated", async () => {
    const { bench, worker, undone } = await bed();
    const { task } = await begin(bench, outer);
    const seen: string[] = [];
    let failures = 0;
    await work(bench, worker, ({ stepName }, { compensate }) => {
      seen.push(compensate ? "refund" : stepName);
      if (compensate) return "nothing";
      return stepName === "in2" && failures++ < 1 ? { error: "no" } : { result: stepName };
    });
    await bench.pass(60_000, worker);
    await work(bench, worker, () => "nothing");
    await bench.pass(60_000, worker);
    expect(await shown(bench, task.id)).toMatch(/sub=pending/);
    const { tasks } = await bench.store.reads.tasks({ namespaces: "*" }, undefined, 10);
    expect(tasks.filter(({ spec }) => spec.parent?.stepName === "sub")).toHaveLength(1);
    for (const { id } of tasks.filter(({ spec }) => spec.compensates !== "")) {
      const detail = await bench.store.reads.task(id);
      for (const run of detail?.runs ?? []) await worker.report(run.id, "COMPLETED", { output: "1" });
    }
    await work(bench, worker, telling(undone));
    expect(await shown(bench, task.id)).toMatch(/^complete/);
    expect(undone).toEqual([]);
  });

  test("a step's own compensation stands for its child", async () => {
    const opaque = template([{ name: "in1" }], { name: "inner" });
    const whole = template([
      sub("sub", { compensate: "refund", retry: { max_attempts: 1 } }),
      { name: "last", dependencies: ["sub"], retry: { max_attempts: 1 } },
      undo,
    ]);
    for (const fails of ["last", "in1"]) {
      const { bench, worker, undone } = await bed({ ...opaque });
      await begin(bench, whole);
      await work(
        bench,
        worker,
        telling(undone, ({ stepName }) =>
          stepName === fails ? { error: "no", retryable: false } : { result: stepName },
        ),
      );
      // A child whose agent failed has done nothing.
      expect(undone).toHaveLength(fails === "last" ? 1 : 0);
    }
  });

  test("so it does for a child whose result was not accepted, when the one made anew did nothing", async () => {
    const { bench, worker, undone } = await bed(template([{ name: "in1" }], { name: "inner" }));
    const retry = { max_attempts: 2, backoff_base_ms: 10 };
    const misfit = sub("sub", { compensate: "refund", result_schema: { type: "object" }, retry });
    const { task } = await begin(bench, template([misfit, undo]));
    await work(bench, worker, telling(undone));
    await bench.pass(1_000, worker);
    await work(
      bench,
      worker,
      telling(undone, () => ({ error: "no money", retryable: false })),
    );
    expect(await shown(bench, task.id)).toBe("error sub=error");
    expect(undone).toEqual(["sub null"]);
  });

  test("nothing compensates tasks of which nothing can be compensated", async () => {
    const { bench, worker } = await bed(
      template([sub("leaf", { child: { agent: "echo" } })], { name: "inner" }),
    );
    const { task } = await begin(bench, template([sub("sub"), { name: "x", dependencies: ["sub"] }]));
    await work(bench, worker, () => "nothing");
    await bench.cancel(task.id);
    await bench.pass(20_000, worker);
    const { tasks } = await bench.store.reads.tasks({ namespaces: "*" }, undefined, 10);
    expect(tasks.map(({ state, compensatedBy }) => `${state} ${compensatedBy}`)).toEqual(
      Array(3).fill("cancelled "),
    );
  });

  test("what a compensation needs is kept until it has ended, however old", async () => {
    const { bench, worker, undone } = await bed();
    const nobody = outer.steps.map((step) =>
      step.name === "last" ? { ...step, handler: { callable: "nobody" } } : step,
    );
    const { task } = await begin(bench, { ...outer, steps: nobody });
    await work(bench, worker, echo);
    const retention = new Retention(bench.supervisor.core, bench.supervisor.watchers, millis(DAY));
    await bench.clock.advance(3 * DAY);
    expect(await retention.sweep()).toBe(0);
    await bench.cancel(task.id);
    await bench.clock.advance(3 * DAY);
    expect(await retention.sweep()).toBe(0);
    const fresh = bench.worker("w2", { capacity: 100 });
    await work(bench, fresh, telling(undone));
    expect(undone).toEqual(['in2 "in2"', 'in1 "in1"', 'first "first"']);
    await bench.clock.advance(2 * DAY);
    while ((await retention.sweep()) > 0);
    expect((await bench.store.reads.tasks({ namespaces: "*" }, undefined, 10)).tasks).toEqual([]);
  });
});
