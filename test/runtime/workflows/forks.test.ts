import { describe, expect, test } from "vitest";
import type { RetentionTerms } from "#domain/task/retention";
import type { StepRow } from "#domain/task/step";
import { instant } from "#domain/time/time";
import type { BenchPlane } from "../kit/bench-plane.js";
import { fork, resultsOf, toEnd } from "../kit/forks.js";
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

const once = { retry: { max_attempts: 1 } };

/** The terms under which all that has ended is removed, whatever dead letter is pending. */
function longAgo({ clock }: Pick<BenchPlane, "clock">): RetentionTerms {
  const now = instant(clock.now() + 1);
  return { before: now, rules: [], pendingSince: now };
}

describe("a task that failed in the middle", () => {
  const flow = template([
    { name: "fetch", ...once },
    { name: "clean", dependencies: ["fetch"], ...once },
    { name: "report", dependencies: ["clean", "fetch"], ...once },
  ]);

  async function failed() {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, flow, { input: { n: 1 }, labels: { team: "a" } });
    const fails: Agent = ({ stepName }) => (stepName === "clean" ? { error: "no" } : { result: "old" });
    const old = await toEnd(bench, worker, task.id, fails);
    expect(await shown(bench, task.id)).toBe("error fetch=complete clean=error report=cancelled");
    return { bench, worker, old: old.task };
  }

  test("goes on from what failed, as a new task with the results before it, also if the old one is removed", async () => {
    const { bench, worker, old } = await failed();
    const { task } = await fork(bench, flow, old);
    expect(await bench.store.removeFinished(longAgo(bench), 10)).toContain(old.id);

    const given: unknown[] = [];
    const { task: ended } = await toEnd(bench, worker, task.id, ({ stepName, results }) => {
      given.push([stepName, results]);
      return { result: "new" };
    });
    expect(given).toEqual([
      ["clean", { fetch: '"old"' }],
      ["report", { clean: '"new"', fetch: '"old"' }],
    ]);
    expect(ended).toMatchObject({
      state: "complete",
      spec: { forkedFrom: old.id, retryOf: "", labels: { team: "a" } },
    });
    expect(await bench.store.reads.input(task.id)).toBe('{"n":1}');
    const log = await bench.log(task.id);
    const told = log.flatMap((line) =>
      line.type === "step" ? [`${line.step.name} ${line.step.state}`] : [],
    );
    expect(told.slice(0, 3)).toEqual(["fetch complete", "clean pending", "report pending"]);
  });

  test("goes on from a step that is named, whatever failed; and from one that had not begun", async () => {
    const { bench, worker, old } = await failed();
    const first = await fork(bench, flow, old, "fetch");
    const last = await fork(bench, flow, old, "report");
    const ran: string[] = [];
    const agent: Agent = (frame) => {
      ran.push(`${frame.taskId === first.task.id ? "first" : "last"} ${frame.stepName}`);
      return { result: frame.stepName };
    };
    await toEnd(bench, worker, first.task.id, agent);
    await toEnd(bench, worker, last.task.id, agent);
    expect(ran.sort()).toEqual(["first clean", "first fetch", "first report", "last clean", "last report"]);
  });

  test("a fork of a fork keeps what both have done, and has its own order", async () => {
    const { bench, worker, old } = await failed();
    const { task } = await fork(bench, flow, old);
    const fails: Agent = ({ stepName }) => (stepName === "report" ? { error: "no" } : { result: "new" });
    const middle = await toEnd(bench, worker, task.id, fails);
    const again = await fork(bench, flow, middle.task);
    const ended = await toEnd(bench, worker, again.task.id, echo);
    expect(await resultsOf(bench, ended)).toEqual(
      new Map([
        ["fetch", '"old"'],
        ["clean", '"new"'],
        ["report", '"report"'],
      ]),
    );
    expect(ended.steps.map(({ name, order, fence }: StepRow) => [name, order, fence])).toEqual([
      ["fetch", 1, 0],
      ["clean", 2, 0],
      ["report", 3, 1],
    ]);
  });

  test("the same key is the same fork, however often it is asked for; of another step it is refused", async () => {
    const { bench, old } = await failed();
    const { task } = await fork(bench, flow, old, "clean", { key: "k" });
    expect((await fork(bench, flow, old, "clean", { key: "k" })).task.id).toBe(task.id);
    await expect(fork(bench, flow, old, "fetch", { key: "k" })).rejects.toMatchObject({
      code: "key_conflict",
    });
  });

  test("another input is that of the new task; what is kept was made with the old one", async () => {
    const { bench, worker, old } = await failed();
    const { task } = await fork(bench, flow, old, "", { input: '{"n":2}' });
    const inputs: unknown[] = [];
    await toEnd(bench, worker, task.id, ({ stepName }, input) => {
      inputs.push([stepName, input]);
      return { result: 1 };
    });
    expect(inputs).toEqual([
      ["clean", { n: 2 }],
      ["report", { n: 2 }],
    ]);
  });

  test("a step that is not there, or a task that is gone, is not found", async () => {
    const { bench, old } = await failed();
    await expect(fork(bench, flow, old, "claen")).rejects.toMatchObject({
      code: "not_found",
      message: `Step "claen" not found in Task ${old.id}; did you mean "clean"?`,
    });
    await bench.store.removeFinished(longAgo(bench), 10);
    await expect(fork(bench, flow, old)).rejects.toMatchObject({ reason: "TASK_NOT_FOUND" });
  });
});

test("nothing failed: refused, unless a step is named; what was cancelled goes on from what was not done", async () => {
  const { bench, worker } = await workflowBed();
  const flow = template([{ name: "a" }, { name: "b", dependencies: ["a"] }]);
  const { task } = await begin(bench, flow);
  const { task: done } = await toEnd(bench, worker, task.id, echo);
  await expect(fork(bench, flow, done)).rejects.toMatchObject({
    reason: "NOTHING_FAILED",
    message: `nothing of task ${done.id} has failed, it is complete: name the step to begin from`,
  });
  const again = await fork(bench, flow, done, "b");
  expect(await shown(bench, again.task.id)).toContain("a=complete b=");

  const { task: other } = await begin(bench, flow);
  await bench.settle();
  await work(bench, worker, ({ stepName }) => (stepName === "a" ? { result: 1 } : "nothing"));
  await bench.cancel(other.id);
  const { task: cancelled } = (await bench.store.reads.task(other.id)) as never;
  const { task: forked } = await fork(bench, flow, cancelled);
  const ended = await toEnd(bench, worker, forked.id, echo);
  expect(ended.steps.map(({ name, fence }) => `${name} ${fence}`)).toEqual(["a 0", "b 1"]);
});

test("what was compensated is not taken for done: refused, with where to begin", async () => {
  const { bench, worker } = await workflowBed();
  const flow = template([
    { name: "look", ...once },
    { name: "pay", dependencies: ["look"], compensate: "refund", ...once },
    { name: "ship", dependencies: ["pay"], ...once },
    { name: "refund", ...once },
  ]);
  const { task } = await begin(bench, flow);
  const fails: Agent = ({ stepName }) => (stepName === "ship" ? { error: "no" } : { result: stepName });
  const { task: old } = await toEnd(bench, worker, task.id, fails);
  await toEnd(bench, worker, old.compensatedBy as never, echo);
  await expect(fork(bench, flow, old)).rejects.toMatchObject({
    reason: "STEPS_COMPENSATED",
    message: expect.stringContaining(`has compensated what task ${old.id} did, "pay" among it`),
  });

  const { task: again } = await fork(bench, flow, old, "pay");
  const ended = await toEnd(bench, worker, again.id, fails);
  expect(await shown(bench, again.id)).toBe("error look=complete pay=complete ship=error");
  const undoing = await toEnd(bench, worker, ended.task.compensatedBy as never, echo);
  expect(undoing.steps).toHaveLength(1);
});

test("what a fork has taken over it does not compensate: it has not done it", async () => {
  const { bench, worker } = await workflowBed();
  const flow = template([
    { name: "pay", compensate: "refund", ...once },
    { name: "ship", dependencies: ["pay"], ...once },
    { name: "refund", ...once },
  ]);
  const { task } = await begin(bench, flow);
  const { task: done } = await toEnd(bench, worker, task.id, echo);
  const { task: again } = await fork(bench, flow, done, "ship");
  const fails: Agent = ({ stepName }) => (stepName === "ship" ? { error: "no" } : { result: 1 });
  const ended = await toEnd(bench, worker, again.id, fails);
  expect(ended.task).toMatchObject({ state: "error", compensatedBy: "" });
});

describe("groups of steps", () => {
  const list = { result: [1, 2, 3] };
  const mapped = template([
    { name: "list" },
    { name: "each", type: "map", dependencies: ["list"], map: { over: "results/list" } },
    { name: "sum", dependencies: ["each"] },
  ]);
  const mapAgent: Agent = ({ stepName }) => (stepName === "list" ? list : { result: stepName });

  test.each([
    ["sum", ["sum"]],
    ["each_001", ["each_000", "each_001", "each_002", "sum"]],
    ["each", ["each_000", "each_001", "each_002", "sum"]],
    ["list", ["each_000", "each_001", "each_002", "list", "sum"]],
  ])("of a map are made anew from within it, and its list is kept after it: from %s", async (from, ran) => {
    const { bench, worker } = await workflowBed();
    const { task } = await begin(bench, mapped);
    const { task: old } = await toEnd(bench, worker, task.id, mapAgent);
    const { task: again } = await fork(bench, mapped, old, from);
    const now: string[] = [];
    let given: unknown;
    await toEnd(bench, worker, again.id, (frame, input) => {
      now.push(frame.stepName);
      if (frame.stepName === "sum") given = frame.results;
      return mapAgent(frame, input);
    });
    expect(now.sort()).toEqual(ran);
    expect(given).toEqual({ each: '["each_000","each_001","each_002"]' });
  });

  test("of a batch are made anew as a whole, with the batch itself: from one of its members", async () => {
    const { bench, worker } = await workflowBed();
    const flow = template([
      { name: "split", type: "batchable", batch_config: { worker_template: "part", parallelism: 1 } },
      { name: "part", type: "batch_worker", dependencies: ["split"] },
    ]);
    const cursor_configs = ["a", "b", "c"].map((batch_id) => ({ batch_id }));
    const ran: string[] = [];
    const agent: Agent = ({ stepName }) => {
      ran.push(stepName);
      if (stepName !== "split") return { result: stepName };
      return { result: { batch_processing_outcome: { type: "create_batches", cursor_configs } } };
    };
    const { task } = await begin(bench, flow);
    const { task: old } = await toEnd(bench, worker, task.id, agent);
    const whole = ran.splice(0);
    const { task: again } = await fork(bench, flow, old, whole.at(-1) ?? "");
    await toEnd(bench, worker, again.id, agent);
    expect(ran).toEqual(whole);
  });

  test("that one of several decisions has chosen are chosen anew, since nobody knows by which", async () => {
    const { bench, worker } = await workflowBed();
    const flow = template([
      { name: "d1", type: "decision" },
      { name: "d2", type: "decision" },
      { name: "y", dependencies: ["d1"] },
      { name: "x", dependencies: ["d1", "d2"] },
    ]);
    const choose = (...step_names: string[]) => {
      const type = step_names.length === 0 ? "no_branches" : "create_steps";
      return { result: { decision_point_outcome: { type, step_names } } };
    };
    const agent =
      (chosen: string[]): Agent =>
      ({ stepName }) =>
        stepName === "d1" ? choose("y") : stepName === "d2" ? choose(...chosen) : { result: stepName };
    const { task } = await begin(bench, flow);
    const { task: old } = await toEnd(bench, worker, task.id, agent(["x"]));
    const { task: again } = await fork(bench, flow, old, "d2");
    await toEnd(bench, worker, again.id, agent([]));
    expect(await shown(bench, again.id)).toBe("complete d1=complete d2=complete y=complete");
    const { task: last } = await fork(bench, flow, old, "x");
    const ended = await toEnd(bench, worker, last.id, agent(["x"]));
    expect(ended.steps.map(({ name, fence }) => `${name} ${fence}`).sort()).toEqual([
      "d1 0",
      "d2 0",
      "x 1",
      "y 0",
    ]);
  });

  test("a child's result is kept, and the child is not begun again", async () => {
    const { bench, worker } = await workflowBed();
    await register(bench, template([{ name: "x" }], { name: "inner" }));
    const flow = template([
      { name: "sub", type: "child_task", child: { template: { name: "inner", version: "1.0.0" } } },
      { name: "end", dependencies: ["sub"] },
    ]);
    const { task } = await begin(bench, flow);
    const { task: old } = await toEnd(bench, worker, task.id, echo);
    const { task: again } = await fork(bench, flow, old, "end");
    const ended = await toEnd(bench, worker, again.id, echo);
    expect(ended.steps.map(({ name, childId, fence }) => [name, childId, fence])).toEqual([
      ["sub", "", 0],
      ["end", "", 1],
    ]);
    expect((await resultsOf(bench, ended)).get("sub")).toBe('"x"');
  });
});
