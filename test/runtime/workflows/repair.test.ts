import { describe, expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import type { TaskId } from "#domain/id";
import type { ResolveAction } from "#domain/task/step";
import { stepActionsIn } from "#domain/task/step-action";
import type { TemplateStep } from "#domain/template/template";
import type { BenchPlane } from "../kit/bench-plane.js";
import { begin, echo, register, shown, stepOf, template, work, workflowBed } from "../kit/workflow-bench.js";

const resolve: ResolveAction = { type: "resolve" };
const retry: ResolveAction = { type: "retry" };
const complete: ResolveAction = { type: "complete", output: '{"by":"hand"}' };

/** Who has done what to a Step, oldest first. */
async function noted(bench: BenchPlane, taskId: TaskId, stepName: string): Promise<string[]> {
  const json = await bench.store.reads.stepActions({ taskId, stepName });
  return stepActionsIn(json).actions.map(({ actor, type, reason }) => `${actor} ${type} ${reason}`.trim());
}

describe("a step that waits for its next attempt", () => {
  const flow = template([
    { name: "a", retry: { max_attempts: 2, backoff: "linear", backoff_base_ms: 3_600_000 } },
    { name: "b", dependencies: ["a"] },
  ]);

  async function inBackoff() {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, flow);
    await work(bench, worker, () => ({ error: "no" }), 1);
    expect(await shown(bench, task.id)).toBe("waiting_for_retry a=waiting_for_retry b=pending");
    return { bench, worker, id: task.id };
  }

  test("is reset: it begins at once, with all its attempts, and its old deadline wakes nobody", async () => {
    const { bench, worker, id } = await inBackoff();
    await bench.plane.resolve(LOCAL_CALLER, id, "a", retry, "the quota is raised");
    await bench.plane.resolve(LOCAL_CALLER, id, "a", retry, "the quota is raised");
    await work(bench, worker, () => ({ error: "still no" }), 1);
    expect(await stepOf(bench, id, "a")).toMatchObject({ state: "waiting_for_retry", attempts: 1 });
    expect(await noted(bench, id, "a")).toEqual(["local retry the quota is raised"]);
    await bench.pass(2 * 3_600_000, worker);
    await work(bench, worker, echo);
    expect(await shown(bench, id)).toBe("complete a=complete b=complete");
  });

  test.each([
    ["resolved", resolve, "resolved_manually"],
    ["completed", complete, "complete"],
  ] as const)("is %s by hand: what comes after it runs", async (_, action, state) => {
    const { bench, worker, id } = await inBackoff();
    await bench.plane.resolve(LOCAL_CALLER, id, "a", action);
    await work(bench, worker, echo);
    await bench.pass(2 * 3_600_000, worker);
    expect(await shown(bench, id)).toBe(`complete a=${state} b=complete`);
  });
});

describe("a step that hangs", () => {
  test("is reset: its run ends, whatever the worker says later, and another one begins", async () => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, template([{ name: "a" }, { name: "b", dependencies: ["a"] }]));
    await bench.settle();
    const [hung] = worker.assignments();
    await bench.plane.resolve(LOCAL_CALLER, task.id, "a", retry, "it hangs");
    await bench.settle();
    expect(await bench.show(task.id)).toContain("run CANCELLED/CANCELLED held, run ASSIGNED held");
    await worker.report(hung?.runId ?? ("" as never), "COMPLETED", { output: '"too late"' });
    await work(bench, worker, echo);
    expect(await shown(bench, task.id)).toBe("complete a=complete b=complete");
    expect(await bench.store.reads.output({ taskId: task.id, stepName: "a" })).toBe('"a"');
    expect((await stepOf(bench, task.id, "a")).attempts).toBe(1);
  });

  test("the same reset again, within a minute, is the first one sent again: the new run goes on", async () => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, template([{ name: "a" }]));
    const reset = async (reason: string) => {
      await bench.plane.resolve(LOCAL_CALLER, task.id, "a", retry, reason);
      await bench.settle();
      return (await stepOf(bench, task.id, "a")).fence;
    };
    expect(await reset("it hangs")).toBe(2);
    expect(await reset("it hangs")).toBe(2);
    expect(await reset("it hangs again")).toBe(3);
    await bench.pass(61_000, worker);
    expect(await reset("it hangs again")).toBe(4);
  });

  test("a signal's reason and sender are kept with the step that took it", async () => {
    const { bench } = await workflowBed();
    const { task } = await begin(bench, template([{ name: "ok", type: "signal", signal: { name: "go" } }]));
    const ann = { ...LOCAL_CALLER, principal: "key:ann" };
    await bench.plane.signal(ann, task.id, "go", "1", "seen the invoice");
    await bench.plane.signal(ann, task.id, "go", "1", "seen the invoice");
    expect(await noted(bench, task.id, "ok")).toEqual(["key:ann signal seen the invoice"]);
  });

  test("a cancel is kept with its task, and who declares a held one done", async () => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, template([{ name: "a" }]));
    await bench.plane.cancel({ ...LOCAL_CALLER, principal: "key:ann" }, task.id, "not needed");
    expect(await noted(bench, task.id, "")).toEqual(["key:ann cancel not needed"]);

    const held = template([{ name: "a", retry: { max_attempts: 1 } }], {
      hold_on_failure: true,
      version: "2.0.0",
    });
    const { task: other } = await begin(bench, held);
    await work(bench, worker, () => ({ error: "no" }));
    for (let time = 0; time < 2; time += 1) {
      await bench.plane.resolve(LOCAL_CALLER, other.id, "", resolve, "paid by hand");
    }
    expect(await noted(bench, other.id, "")).toEqual(["local resolve paid by hand"]);
  });
});

/** A Step of each type that rests while a Task is live, by itself or because of what its worker does. */
const kinds: readonly (readonly [type: string, step: TemplateStep, more: readonly TemplateStep[]])[] = [
  ["standard", { name: "it", retry: { max_attempts: 1 } }, []],
  ["decision", { name: "it", type: "decision", retry: { max_attempts: 1 } }, []],
  [
    "batchable",
    { name: "it", type: "batchable", retry: { max_attempts: 1 } },
    [{ name: "worker", type: "batch_worker", dependencies: ["it"] }],
  ],
  ["map", { name: "it", type: "map", map: { over: "input/none" } }, []],
  [
    "child_task",
    {
      name: "it",
      type: "child_task",
      retry: { max_attempts: 1 },
      child: { template: { name: "inner", version: "1.0.0" } },
    },
    [],
  ],
  ["timer", { name: "it", type: "timer", timer: { delay_ms: 3_600_000 } }, []],
  ["signal", { name: "it", type: "signal", signal: { name: "go" } }, []],
];

describe.each(kinds)("a %s step, by hand", (type, it, more) => {
  const flow = template([it, ...more, { name: "after", dependencies: ["it"] }], { hold_on_failure: true });
  const inner = template([{ name: "x", retry: { max_attempts: 1 } }], { name: "inner" });

  /** Fails for good, if its type can, or waits. */
  async function resting() {
    const { bench, worker } = await workflowBed();
    await register(bench, inner);
    const { task } = await begin(bench, flow);
    await work(bench, worker, () => ({ error: "no" }));
    const { state } = await stepOf(bench, task.id, "it");
    expect(state).toBe(type === "timer" || type === "signal" ? "in_progress" : "error");
    return { bench, worker, id: task.id };
  }

  test("is resolved, and the task goes on by itself", async () => {
    const { bench, worker, id } = await resting();
    await bench.plane.resolve(LOCAL_CALLER, id, "it", resolve);
    await work(bench, worker, echo);
    // Without its choice nothing follows from a decision.
    const after = type === "decision" ? "" : " after=complete";
    expect(await shown(bench, id)).toBe(`complete it=resolved_manually${after}`);
  });

  test("is completed with a result, or refused with the way out", async () => {
    const { bench, worker, id } = await resting();
    const done = bench.plane.resolve(LOCAL_CALLER, id, "it", complete);
    if (type === "decision" || type === "batchable" || type === "map") {
      await expect(done).rejects.toThrow(
        `step "it" is a ${type}: it makes steps of its result, so declare it done without one, or try it anew`,
      );
      return;
    }
    await done;
    await work(bench, worker, echo);
    expect(await shown(bench, id)).toBe("complete it=complete after=complete");
  });

  test("is reset, and the task goes on by itself; or refused, if it goes on anyway", async () => {
    const { bench, worker, id } = await resting();
    const done = bench.plane.resolve(LOCAL_CALLER, id, "it", retry);
    if (type === "timer" || type === "signal") {
      await expect(done).rejects.toThrow('step "it" is in_progress: it goes on by itself');
      return;
    }
    await done;
    await work(bench, worker, ({ stepName }) => {
      if (type === "decision" && stepName === "it") {
        return { result: { decision_point_outcome: { type: "no_branches" } } };
      }
      if (type !== "batchable" || stepName !== "it") return { result: stepName };
      return { result: { batch_processing_outcome: { type: "no_batches" } } };
    });
    const { state } = await stepOf(bench, id, "it");
    expect(state).toBe(type === "map" ? "error" : "complete");
    if (type !== "map") expect(await shown(bench, id)).toMatch(/^complete .*it=complete/);
  });
});
