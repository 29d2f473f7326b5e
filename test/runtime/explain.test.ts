import { describe, expect, test } from "vitest";
import { explainTask } from "#api/tasks/explain-task";
import { type Request, StoredReads } from "#api/use-case";
import { LOCAL_CALLER } from "#domain/caller";
import type { TaskId } from "#domain/id";
import { EVERY_NAMESPACE, type PauseScope, scopeText, THE_PLANE } from "#domain/pause/pause";
import type { TaskExplanation } from "#domain/task/explanation";
import { later, millis, NEVER } from "#domain/time/time";
import { seededEntropy } from "#testing/virtual-time";
import { type BenchPlane, startBench } from "./kit/bench-plane.js";
import { begin } from "./kit/workflow-bench.js";

async function explained({ plane }: BenchPlane, id: TaskId): Promise<TaskExplanation> {
  const services = { plane, stored: new StoredReads(plane.reads) };
  const request = { services, caller: LOCAL_CALLER } as unknown as Request;
  const found = await explainTask.find({ id }, request);
  return explainTask.perform({ id }, request, found);
}

const selector = { zone: "eu" };
const eu = { labels: selector };

/** Something that keeps one worker from a Step, and how it is put right. */
interface Obstacle {
  readonly cause: string;
  readonly detail?: string;
  /** Connects the worker. @returns puts it right */
  place(bench: BenchPlane, id: string): Promise<() => Promise<unknown> | unknown>;
}

const reconnects = (bench: BenchPlane, id: string) => () =>
  bench.worker(id, { agents: ["work"], info: eu, instance: `${id}-again` });

/** A worker that holds a Run of the agent, which another Task of its own has given it. */
async function holding(bench: BenchPlane, id: string, options: Parameters<BenchPlane["worker"]>[1]) {
  const only = { zone: "eu", only: id };
  const worker = bench.worker(id, { agents: ["work"], info: { labels: only }, ...options });
  await bench.settle();
  await bench.create({ agentName: "work", workerSelector: { only: id } });
  await bench.settle();
  const { runId } = worker.assigned();
  return { worker, runId };
}

const pause = (bench: BenchPlane, scope: PauseScope) =>
  bench.plane.pause(LOCAL_CALLER, { scope, reason: "new release", until: NEVER });

/** What holds the Step back from every worker. */
const pausable: readonly PauseScope[] = [
  THE_PLANE,
  { kind: "namespace", namespace: "default", name: "", principal: "" },
  { kind: "agent", namespace: EVERY_NAMESPACE, name: "work", principal: "" },
  { kind: "agent", namespace: "default", name: "work", principal: "" },
];

const obstacles: readonly Obstacle[] = [
  {
    cause: "AGENT",
    place: async (bench, id) => {
      bench.worker(id, { agents: ["other"], info: eu });
      return reconnects(bench, id);
    },
  },
  {
    cause: "NAMESPACE",
    place: async (bench, id) => {
      bench.worker(id, { agents: ["work"], info: { ...eu, namespaces: ["elsewhere"] } });
      return reconnects(bench, id);
    },
  },
  {
    cause: "LABELS",
    detail: "zone=eu",
    place: async (bench, id) => {
      bench.worker(id, { agents: ["work"], info: { labels: { zone: "us" } } });
      return reconnects(bench, id);
    },
  },
  {
    cause: "DRAINING",
    place: async (bench, id) => {
      bench.worker(id, { agents: ["work"], info: eu });
      await bench.settle();
      await bench.plane.drainWorker(LOCAL_CALLER, id as never, "maintenance");
      return reconnects(bench, id);
    },
  },
  {
    cause: "FAILING",
    place: async (bench, id) => {
      const worker = bench.worker(id, { agents: ["work"], info: eu });
      await bench.settle();
      await worker.alive({ status: "ERROR" });
      await bench.settle();
      return () => worker.alive({ status: "IDLE" });
    },
  },
  {
    cause: "PAUSED",
    detail: "by local: new release",
    place: async (bench, id) => {
      bench.worker(id, { agents: ["work"], info: eu });
      await bench.settle();
      const scope = { kind: "worker", namespace: "", name: id, principal: "local" } as const;
      await pause(bench, scope);
      return () => bench.plane.resume(LOCAL_CALLER, scope);
    },
  },
  {
    cause: "SLOTS",
    detail: "1 of 1",
    place: async (bench, id) => {
      const { worker, runId } = await holding(bench, id, { capacity: 1 });
      return () => worker.report(runId, "COMPLETED");
    },
  },
  {
    cause: "AGENT_SLOTS",
    detail: "1 of 1",
    place: async (bench, id) => {
      const announced = { work: { concurrency: 1 } };
      const { worker, runId } = await holding(bench, id, { announced });
      return () => worker.report(runId, "COMPLETED");
    },
  },
  {
    cause: "GONE",
    place: async (bench, id) => {
      const { worker, runId } = await holding(bench, id, { capacity: 2 });
      worker.link.closed();
      await bench.settle();
      const instance = `${id}-1`;
      const labels = { zone: "eu", only: id };
      return () =>
        bench.worker(id, {
          agents: ["work"],
          info: { labels },
          instance,
          capacity: 2,
          resume: [{ runId, fence: 1, nextSeq: 0 }],
        });
    },
  },
];

const hasRun = async (bench: BenchPlane, id: TaskId) =>
  (await bench.plane.reads.task(id))?.steps[0]?.state === "in_progress";

/** One pause after the other is told, and ended by the command that is told with it. */
async function expectPaused(bench: BenchPlane, id: TaskId, paused: readonly PauseScope[], what: string) {
  for (const [i, scope] of paused.entries()) {
    const { steps, actions } = await explained(bench, id);
    const more = paused.length - i - 1;
    const detail = `${scopeText(scope)} is paused by local: new release${more > 0 ? ` (and ${more} more)` : ""}`;
    expect([steps[0]?.cause, steps[0]?.detail], what).toEqual(["PAUSED", detail]);
    expect(actions[0]?.effect, what).toBe(`gives ${scopeText(scope)} to workers again`);
    expect(await hasRun(bench, id), what).toBe(false);
    await bench.plane.resume(LOCAL_CALLER, scope);
    await bench.settle();
  }
}

test("every worker is refused for what is wrong with it, and the Step runs once that is put right: 200 situations", async () => {
  const dice = seededEntropy(7, () => 1_000_000 as never);
  for (let situation = 0; situation < 200; situation += 1) {
    const bench = await startBench(undefined, { seed: situation });
    const drawn = Array.from({ length: 1 + Math.floor(dice.draw() * 4) }, (_, i) => {
      const obstacle = obstacles[Math.floor(dice.draw() * obstacles.length)] as Obstacle;
      return { obstacle, id: `w${i}` };
    });
    const mends: (() => unknown)[] = [];
    for (const { obstacle, id } of drawn) mends.push(await obstacle.place(bench, id));
    await bench.settle();
    const paused = pausable.filter(() => dice.draw() < 0.2);
    for (const scope of paused) await pause(bench, scope);
    const { task } = await bench.create({ agentName: "work", workerSelector: selector });
    await bench.settle();
    await expectPaused(bench, task.id, paused, `situation ${situation}`);

    const { steps } = await explained(bench, task.id);
    const [step] = steps;
    expect(
      [step?.cause, step?.place],
      `situation ${situation}: ${drawn.map(({ obstacle }) => obstacle.cause)}`,
    ).toEqual(["WORKER", 1]);
    const said = new Map(
      step?.workers.map(({ workerId, cause, detail }) => [String(workerId), [cause, detail]]),
    );
    for (const { obstacle, id } of drawn) {
      expect(said.get(id), `situation ${situation}, worker ${id}`).toEqual([
        obstacle.cause,
        obstacle.detail ?? "",
      ]);
    }
    expect(await hasRun(bench, task.id)).toBe(false);

    await mends[Math.floor(dice.draw() * mends.length)]?.();
    await bench.settle();
    await bench.clock.advance(1);
    await bench.settle();
    expect(await hasRun(bench, task.id), `situation ${situation}`).toBe(true);
    expect((await explained(bench, task.id)).steps).toEqual([]);
  }
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
