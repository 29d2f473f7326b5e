import { describe, expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import type { TaskId } from "#domain/id";
import { EVERY_NAMESPACE, scopeText, THE_PLANE } from "#domain/pause/pause";
import { later, millis, NEVER } from "#domain/time/time";
import { type BenchPlane, startBench } from "./kit/bench-plane.js";
import { expectExplained, explained, hasRun } from "./kit/explained.js";
import { begin } from "./kit/workflow-bench.js";

test("every worker is refused for what is wrong with it, and the Step runs once that is put right: 200 situations", async () => {
  await expectExplained(200, async (seed) => ({
    bench: await startBench(undefined, { seed }),
    close: async () => {},
  }));
}, 60_000);

describe("what no worker can help with", () => {
  const causes = async (bench: BenchPlane, id: TaskId) =>
    (await explained(bench, id)).steps.map(({ name, cause, detail, until }) => [name, cause, detail, until]);

  async function serving() {
    const bench = await startBench();
    const worker = bench.worker("w1");
    await bench.settle();
    return { bench, worker };
  }

  test("a start time, until it has come", async () => {
    const { bench, worker } = await serving();
    const startAt = later(bench.clock.now(), millis(60_000));
    const { task } = await bench.create({ startAt });
    expect(await causes(bench, task.id)).toEqual([
      ["main", "START_TIME", "its task may not begin before", startAt],
    ]);
    await bench.pass(60_000, worker);
    expect(await causes(bench, task.id)).toEqual([]);
  });

  test("a backoff, with its time", async () => {
    const { bench, worker } = await serving();
    const { task } = await bench.create({ maxAttempts: 2 });
    await bench.settle();
    const { runId } = worker.assigned();
    await worker.report(runId, "FAILED", { errorMessage: "boom", retryAfter: millis(5_000) });
    await bench.settle();
    const until = later(bench.clock.now(), millis(5_000));
    expect(await causes(bench, task.id)).toEqual([["main", "BACKOFF", "attempt 2 of 2", until]]);
    await bench.pass(5_001, worker);
    expect(await causes(bench, task.id)).toEqual([]);
    expect(await hasRun(bench, task.id)).toBe(true);
  });

  test.each([
    ["plane", THE_PLANE, "taskrun resume plane"],
    [
      "agent",
      { kind: "agent", namespace: EVERY_NAMESPACE, name: "echo", principal: "" },
      "taskrun resume agent echo --namespace '*'",
    ],
  ] as const)("a pause (%s), with its end and the way out", async (_, scope, command) => {
    const { bench, worker } = await serving();
    const until = later(bench.clock.now(), millis(60_000));
    await bench.plane.pause(LOCAL_CALLER, { scope, reason: "", until });
    const { task } = await bench.create();
    await bench.settle();
    const detail = `${scopeText(scope)} is paused by local`;
    expect(await causes(bench, task.id)).toEqual([["main", "PAUSED", detail, until]]);
    expect((await explained(bench, task.id)).actions.map((action) => action.command)).toEqual([
      command,
      `taskrun task cancel ${task.id}`,
    ]);
    await bench.pass(60_001, worker);
    expect(await causes(bench, task.id)).toEqual([]);
  });

  test("a worker that is paused, with the way out", async () => {
    const { bench } = await serving();
    const scope = { kind: "worker", namespace: "", name: "w1", principal: "local" } as const;
    await bench.plane.pause(LOCAL_CALLER, { scope, reason: "", until: NEVER });
    const { task } = await bench.create();
    await bench.settle();
    const { steps, actions } = await explained(bench, task.id);
    expect(steps[0]?.workers).toEqual([
      { workerId: "w1", cause: "PAUSED", detail: "by local", until: NEVER },
    ]);
    expect(actions[0]?.command).toBe("taskrun resume worker w1");
  });

  test("dependencies, a timer, a signal and an operator", async () => {
    const { bench, worker } = await serving();
    const { task } = await begin(bench, {
      name: "flow",
      namespace_name: "default",
      version: "1.0.0",
      steps: [
        { name: "pause", type: "timer", timer: { delay_ms: 60_000 } },
        { name: "ask", type: "signal", signal: { name: "yes" } },
        { name: "last", dependencies: ["pause", "ask"], handler: { callable: "echo" } },
      ],
    } as never);
    await bench.settle();
    const until = later(bench.clock.now(), millis(60_000));
    expect(await causes(bench, task.id)).toEqual([
      ["pause", "TIMER", "its time has not passed", until],
      ["ask", "SIGNAL", 'nobody has sent "yes"', 0],
      ["last", "DEPENDENCIES", "after pause, ask", 0],
    ]);
    expect((await explained(bench, task.id)).actions.map(({ command }) => command)).toEqual([
      `taskrun task signal ${task.id} yes --payload JSON`,
      `taskrun task cancel ${task.id}`,
    ]);

    await bench.pass(60_001, worker);
    expect(await causes(bench, task.id)).toEqual([
      ["ask", "SIGNAL", 'nobody has sent "yes"', 0],
      ["last", "DEPENDENCIES", "after ask", 0],
    ]);
    await bench.plane.signal(LOCAL_CALLER, task.id, "yes", "1");
    await bench.settle();
    expect(await causes(bench, task.id)).toEqual([]);
    expect(worker.assigned().taskId).toBe(task.id);
  });

  test("a map waits for its members, and these for their turn", async () => {
    const { bench, worker } = await serving();
    const steps = [
      {
        name: "each",
        type: "map",
        map: { over: "input/list", concurrency: 1 },
        handler: { callable: "echo" },
      },
    ];
    const { task } = await begin(
      bench,
      { name: "maps", namespace_name: "default", version: "1.0.0", steps } as never,
      { input: { list: [1, 2] } },
    );
    await bench.settle();
    expect(worker.assigned().taskId).toBe(task.id);
    expect((await causes(bench, task.id)).map(([, cause]) => cause).toSorted()).toEqual(["MEMBERS", "TURN"]);
  });

  test("a worker that has lost its connection shows at once in what it held", async () => {
    const { bench, worker } = await serving();
    const { task } = await bench.create();
    await bench.settle();
    worker.assigned();
    expect(await causes(bench, task.id)).toEqual([]);
    worker.link.closed();
    await bench.settle();
    const [[, cause, detail, until] = []] = await causes(bench, task.id);
    expect([cause, detail]).toEqual(["WORKER_GONE", 'worker "w1" has lost its connection']);
    expect(Number(until)).toBeGreaterThan(bench.clock.now());
  });

  test("a failure is told from the Task to the Run that failed first, with what can be done", async () => {
    const { bench, worker } = await serving();
    const { task } = await bench.create({ holdOnFailure: true });
    await bench.settle();
    const { runId } = worker.assigned();
    await worker.report(runId, "FAILED", { errorMessage: "boom", errorDetail: "at line 1" });
    await bench.settle();

    const { failures, actions, steps } = await explained(bench, task.id);
    expect(steps).toEqual([]);
    expect(
      failures.map(({ stepName, runId, workerId, reason, message, detail }) => [
        stepName,
        runId,
        workerId,
        reason,
        message,
        detail,
      ]),
    ).toEqual([
      ["", "", "", "STEP_FAILED", "boom", ""],
      ["main", "", "", "", "boom", ""],
      ["main", runId, "w1", "AGENT_ERROR", "boom", "at line 1"],
    ]);
    expect(actions.map(({ command }) => command)).toEqual([
      `taskrun task resolve ${task.id} main --retry`,
      `taskrun task resolve ${task.id} main --result JSON`,
      `taskrun task resolve ${task.id} main --done`,
      `taskrun task cancel ${task.id}`,
    ]);
  });

  test("an agent that nobody has announced, with names that are near", async () => {
    const { bench } = await serving();
    bench.worker("w2", { agents: ["support_triage"], announced: { support_triage: {} } });
    await bench.settle();
    const { task } = await bench.create({ agentName: "support_triag" });
    await bench.settle();
    expect((await explained(bench, task.id)).steps[0]?.nearAgents).toEqual(["support_triage"]);
  });

  test("the place in a queue", async () => {
    const bench = await startBench();
    const made = [];
    for (let i = 0; i < 3; i += 1) made.push(await bench.create({ agentName: "nobody" }));
    await bench.settle();
    const places = await Promise.all(
      made.map(async ({ task }) => (await explained(bench, task.id)).steps[0]?.place),
    );
    expect(places).toEqual([1, 2, 3]);
  });
});
