import { describe, expect, test } from "vitest";
import { LOCAL_CALLER } from "#domain/caller";
import type { TaskId } from "#domain/id";
import { NO_JOURNAL } from "#domain/task/journal";
import { type RestingTask, type StaleTerms, stalenessOf } from "#domain/task/staleness";
import { newStep, type StepState, stepStates } from "#domain/task/step";
import { isTerminal, taskStates } from "#domain/task/task";
import { instant, later, millis } from "#domain/time/time";
import { StaleTasks } from "#runtime/timers/stale-tasks";
import { memoryStore } from "#stores/memory/index";
import { stepSpec, taskId, task as taskRow } from "#testing/rows";
import { type BenchPlane, startBench } from "./kit/bench-plane.js";
import { begin, template, work, workflowBed } from "./kit/workflow-bench.js";

const MINUTE = 60_000;
const TERMS: StaleTerms = {
  waitingForDependencies: millis(60 * MINUTE),
  waitingForRetry: millis(30 * MINUTE),
  stepsInProcess: millis(30 * MINUTE),
  waitingForWorker: millis(20 * MINUTE),
  held: millis(24 * 60 * MINUTE),
  lifetime: millis(24 * 60 * MINUTE),
};

const sweep = async (bench: BenchPlane) => {
  const told = await new StaleTasks(bench.supervisor, TERMS).sweep();
  await bench.settle();
  return told;
};
const letter = (bench: BenchPlane, id: TaskId) => bench.store.reads.deadLetters.get(id, "*");

test("a task that no worker takes has a dead letter and an event once it is stale, and stays as it is", async () => {
  const bench = await startBench();
  const { task } = await bench.create({ agentName: "nobody" });
  await bench.clock.advance(19 * MINUTE);
  expect(await sweep(bench)).toBe(0);
  await bench.clock.advance(2 * MINUTE);
  expect(await sweep(bench)).toBe(1);
  expect(await letter(bench, task.id)).toMatchObject({
    reason: "STALE",
    status: "PENDING",
    snapshot: { state: "enqueuing_steps", stepName: "main" },
  });
  const log = await bench.log(task.id);
  expect(log.at(-1)).toMatchObject({
    type: "task",
    state: "enqueuing_steps",
    warning: "STALE: the task has been enqueuing_steps for 21 minutes",
  });
  expect(await sweep(bench)).toBe(0);

  const worker = bench.worker("w1", { agents: ["nobody"] });
  await bench.settle();
  expect(await letter(bench, task.id)).toMatchObject({ status: "MOVED_ON" });
  await worker.report(worker.assigned().runId, "COMPLETED", { output: "1" });
  expect(await letter(bench, task.id)).toMatchObject({ reason: "STALE", status: "MOVED_ON" });
});

test("what somebody has closed is not asked again before the task moves, and a failure is one of its end", async () => {
  const bench = await startBench();
  const { task } = await bench.create({ agentName: "nobody", timeoutMs: millis(60 * MINUTE) });
  await bench.clock.advance(21 * MINUTE);
  await sweep(bench);
  await bench.plane.updateDeadLetter(LOCAL_CALLER, task.id, { status: "CANCELLED", notes: "I know" });
  await bench.clock.advance(10 * MINUTE);
  await sweep(bench);
  expect(await letter(bench, task.id)).toMatchObject({ reason: "STALE", status: "CANCELLED" });
  await bench.clock.advance(40 * MINUTE);
  await bench.settle();
  expect(await letter(bench, task.id)).toMatchObject({
    reason: "TIMED_OUT",
    status: "PENDING",
    earlier: [{ reason: "STALE", status: "CANCELLED" }],
  });
});

test("several planes over one store make one dead letter", async () => {
  const store = memoryStore();
  const bench = await startBench(store);
  const { task } = await bench.create({ agentName: "nobody" });
  await bench.clock.advance(21 * MINUTE);
  const both = [1, 2].map(() => new StaleTasks(bench.supervisor, TERMS).sweep());
  expect(await Promise.all(both)).toEqual([1, 1]);
  await bench.settle();
  expect(await letter(bench, task.id)).toMatchObject({ revision: 1, earlier: [] });
});

test("a template has thresholds of its own, and what is ahead of a task keeps it from being stale", async () => {
  const { bench, worker } = await workflowBed();
  const own = template([{ name: "ask", type: "signal", signal: { name: "approve" } } as never], {
    name: "own",
    lifecycle: { max_waiting_for_dependencies_minutes: 5 },
  } as never);
  const limited = template(
    [{ name: "ask", type: "signal", signal: { name: "approve", timeout_ms: 7_200_000 } } as never],
    { name: "limited" },
  );
  const asking = await begin(bench, own);
  const timed = await begin(bench, limited);
  const started = await bench.create({ startAt: later(bench.clock.now(), millis(120 * MINUTE)) });
  const running = await bench.create();
  await work(bench, worker, () => "nothing");
  await bench.pass(61 * MINUTE, worker);
  expect(await sweep(bench)).toBe(1);
  expect(await letter(bench, asking.task.id)).toMatchObject({ reason: "STALE" });
  for (const { task } of [timed, started, running]) expect(await letter(bench, task.id)).toBeUndefined();
});

describe("every state in which a Task and a Step can rest", () => {
  const now = instant(1e12);
  const long = instant(now - 30 * 24 * 60 * MINUTE);
  const soon = later(now, millis(MINUTE));
  /** What a Step of each state is moved by, as its row says it; a Step of a state that is not named is moved by others only. */
  const ahead: { readonly [State in StepState]?: object } = {
    enqueued: { nextAttemptAt: soon },
    waiting_for_retry: { nextAttemptAt: soon },
    in_progress: { childId: taskId(2) },
  };
  const rows = (state: (typeof taskStates)[number], stepState: StepState, more: object = {}) => {
    const task = taskRow(taskId(1), { state, createdAt: long });
    const step = newStep({
      ...{ taskId: task.id, name: "main", agentName: "a", spec: stepSpec(), state: stepState },
      ...{ startedAt: long, rank: long, ...more },
    });
    return { task, steps: [step], runs: [] };
  };

  test.each(
    taskStates
      .filter((state) => !isTerminal(state))
      .flatMap((state) => stepStates.map((step) => [state, step] as const)),
  )("%s with a step that is %s is stale in time, unless something is ahead", (state, stepState) => {
    expect(stalenessOf(rows(state, stepState), TERMS, now)).toMatchObject({ health: "STALE", state });
    const moved = ahead[stepState];
    if (moved) expect(stalenessOf(rows(state, stepState, moved), TERMS, now)?.health).toBe("HEALTHY");
    expect(stalenessOf(rows(state, stepState), TERMS, later(long, millis(MINUTE)))?.health).toBe("HEALTHY");
    const nearly = later(long, millis(Math.min(...Object.values(TERMS)) * 0.9));
    expect(stalenessOf(rows(state, stepState), TERMS, nearly)?.health).not.toBe("STALE");
  });

  test("an agent that waits without a Run rests as a signal does, unless what it waits for ends by itself", () => {
    const waiting = (kind: "SIGNAL" | "SLEEP" | "CHILD", more: object = {}, asked = [1]) => {
      const named = { kind, name: "x", occurrence: 1, inputDigest: "", effect: "READ", concurrent: false };
      const journal = {
        ...NO_JOURNAL,
        records: 1,
        entries: 1,
        open: [{ ...named, entry: 1, seq: 0, ...more }],
      };
      return rows("steps_in_process", "in_progress", { waits: asked, journal });
    };
    const health = (resting: RestingTask) => stalenessOf(resting, TERMS, now)?.health;
    expect(stalenessOf(waiting("SIGNAL"), TERMS, now)).toMatchObject({
      ...{ health: "STALE", threshold: TERMS.waitingForDependencies, stepName: "main" },
    });
    expect(health(waiting("SLEEP", { until: soon }))).toBe("HEALTHY");
    expect(health(waiting("CHILD", { childId: taskId(2) }))).toBe("HEALTHY");
    // What has begun, and the agent does not wait for, does not make it go on.
    expect(health(waiting("SLEEP", { until: soon }, [2]))).toBe("STALE");
    expect(health(waiting("SLEEP", { until: long }))).toBe("STALE");
  });

  test("a task of a node whose clock is ahead has just moved", () => {
    const ahead = rows("enqueuing_steps", "enqueued", { startedAt: soon, rank: soon });
    const task = { ...ahead.task, createdAt: soon };
    expect(stalenessOf({ ...ahead, task }, TERMS, now)).toMatchObject({
      ...{ health: "HEALTHY", rested: 0, age: 0 },
    });
  });

  test("a task that has ended is nothing of the kind, and one whose step is paused neither", () => {
    for (const state of taskStates.filter(isTerminal))
      expect(stalenessOf(rows(state, "complete"), TERMS, now)).toBeUndefined();
    expect(stalenessOf(rows("enqueuing_steps", "enqueued"), TERMS, now, () => true)?.health).toBe("HEALTHY");
  });
});
