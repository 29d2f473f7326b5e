import { expect, test } from "vitest";
import type { TaskId } from "#domain/id";
import { millis } from "#domain/time/time";
import { silentTelemetry } from "#host/silent-telemetry";
import { type HubOptions, InspectionHub } from "#inspect/hub";
import type { Viewer } from "#inspect/viewer";
import type { Inspection } from "#ports/inspection";
import { memoryStore } from "#stores/memory/index";
import { settle } from "#testing/virtual-time";
import { startBench } from "../runtime/kit/bench-plane.js";
import { Replay } from "./kit/replay.js";

function drain(viewer: Viewer | undefined, replay: Replay): Replay {
  while (viewer?.isIdle === false) for (const { json } of viewer.take().items) replay.take(json);
  return replay;
}

/** Ids as the order in which they come: t1, t2, …. */
function named(lines: readonly string[]): string[] {
  const names = new Map<string, string>();
  const name = (id: string) => {
    if (!names.has(id)) names.set(id, `#${names.size + 1}`);
    return names.get(id) ?? "";
  };
  return lines.map((line) => line.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, name));
}

test("a viewer sees what is told to whom, with the sender, in order", async () => {
  const hub = new InspectionHub({ telemetry: silentTelemetry() });
  const bench = await startBench(memoryStore(), { inspection: hub });
  const viewer = hub.attach();
  const worker = bench.worker("w1");
  await bench.settle();
  const { task } = await bench.create({ agentName: "echo" });
  await bench.settle();
  const { runId } = worker.assigned();
  await worker.report(runId, "COMPLETED", { output: '{"secret":1}' });
  await bench.settle();

  const replay = drain(viewer, new Replay());
  expect(replay.problems).toEqual([]);
  expect(named(replay.messages)).toMatchInlineSnapshot(`
    [
      "outside:worker → actor:run-tracker: hello",
      "outside:gateway → actor:task-request: submit",
      "actor:task-request → task:#1: start",
      "actor:task-request → step:#1/main: enqueue",
      "step:#1/main → task:#1: stepChanged",
      "actor:task-request → task:#1: readyStepsFound",
      "taskrun → actor:scheduler: schedule",
      "actor:scheduler → actor:scheduler: weigh",
      "actor:scheduler → actor:scheduler: assign",
      "actor:scheduler → step:#1/main: start",
      "step:#1/main → task:#1: stepChanged",
      "actor:scheduler → run:#2: assign",
      "worker:#3 → actor:run-tracker: report",
      "actor:run-tracker → run:#2: completed",
      "run:#2 → actor:task-finalizer: run.ended",
      "actor:task-finalizer → step:#1/main: succeeded",
      "step:#1/main → task:#1: stepChanged",
      "actor:task-finalizer → step:#1/main: complete",
      "step:#1/main → task:#1: stepChanged",
    ]
  `);
  expect(replay.actors.get(`task:${task.id}`)).toMatchObject({ value: "complete", status: "done" });
  expect(JSON.stringify(replay.events)).not.toContain("secret");
});

/** A plane with one Task at work, and who looks on. */
async function atWork(options: HubOptions = { telemetry: silentTelemetry() }) {
  const hub = new InspectionHub(options);
  const bench = await startBench(memoryStore(), { inspection: hub });
  const worker = bench.worker("w1", { capacity: 2 });
  await bench.settle();
  const { task } = await bench.create({ agentName: "echo", maxAttempts: 2 });
  await bench.settle();
  return { hub, bench, worker, id: task.id, runId: worker.assigned().runId };
}

test("who comes late is told of what there is, then of what happens", async () => {
  const { hub, bench, worker, id, runId } = await atWork();
  expect(hub.attached).toBe(false);
  const viewer = hub.attach();
  await bench.settle();

  const replay = drain(viewer, new Replay());
  expect(replay.actors.get(`step:${id}/main`)?.value).toBe("in_progress");
  expect(replay.actors.get(`run:${runId}`)?.value).toEqual({ status: "ASSIGNED", hold: "held" });
  expect([...replay.actors.values()].filter(({ name }) => name === "w1")).toMatchObject([
    { parentId: "actor:run-tracker", value: "serving", context: { slots: 2, held: 1, agents: ["echo"] } },
  ]);
  await worker.report(runId, "COMPLETED");
  await bench.settle();
  drain(viewer, replay);
  expect(replay.problems).toEqual([]);
  expect(replay.actors.get(`task:${id}`)?.value).toBe("complete");
  expect([...replay.actors.values()].find(({ name }) => name === "w1")?.context.held).toBe(0);
});

test("who comes in the middle of a turn has its outcome", async () => {
  const hub = new InspectionHub({ telemetry: silentTelemetry() });
  const store = memoryStore();
  let viewer: Viewer | undefined;
  const commit = store.commit.bind(store);
  store.commit = async (turn) => {
    if (turn.tasks.length > 0 && !viewer) {
      viewer = hub.attach();
      // What the store has is read before it has the turn.
      await settle();
    }
    return commit(turn);
  };
  const bench = await startBench(store, { inspection: hub });
  const { task } = await bench.create({ agentName: "nobody" });
  await bench.settle();

  const { actors, problems } = drain(viewer, new Replay());
  expect(problems).toEqual([]);
  expect(actors.get(`step:${task.id}/main`)?.value).toBe("enqueued");
});

test("a viewer of one Task gets nothing of another, and hears of the Tasks below it", async () => {
  const { hub, bench, worker, id, runId } = await atWork();
  const viewer = hub.attach({ taskId: id });
  const { task: other } = await bench.create({ agentName: "echo" });
  await bench.settle();
  await worker.report(runId, "COMPLETED");
  await bench.settle();

  const replay = drain(viewer, new Replay());
  expect(replay.problems).toEqual([]);
  expect(replay.actors.get(`task:${id}`)).toMatchObject({
    value: "complete",
    parentId: "actor:task-finalizer",
  });
  expect(JSON.stringify(replay.events)).not.toContain(other.id);
});

test("deadlines are shown while they are waited for, and why", async () => {
  const { hub, bench, worker, id, runId } = await atWork();
  const viewer = hub.attach();
  await worker.report(runId, "FAILED", { errorMessage: "the secret is out", retryAfter: millis(4_000) });
  await bench.settle();

  const replay = drain(viewer, new Replay());
  const step = () => replay.actors.get(`step:${id}/main`);
  const at = bench.clock.now() + 4_000;
  expect(step()).toMatchObject({
    value: "waiting_for_retry",
    context: { deadlines: [{ kind: "retry", at }] },
  });
  await bench.pass(4_000, worker);
  drain(viewer, replay);
  expect(step()?.value).toBe("in_progress");
  expect(step()?.context.deadlines).toBeUndefined();
  expect(JSON.stringify(replay.events)).not.toContain("secret");
});

test("with payloads, texts are shown, and cut", async () => {
  const { hub, bench, worker, runId } = await atWork({ telemetry: silentTelemetry(), payloads: true });
  const viewer = hub.attach();
  await worker.report(runId, "COMPLETED", { output: JSON.stringify({ answer: "x".repeat(100_000) }) });
  await bench.settle();

  const { events } = drain(viewer, new Replay());
  const report = events.find((event) => event.type === "@xstate.event" && event.event.type === "report");
  expect(JSON.stringify(report)).toContain('answer\\":\\"xxxx');
  for (const event of events) {
    if (event.type !== "@xstate.actor") expect(JSON.stringify(event).length).toBeLessThan(40_000);
    expect(JSON.stringify(event)).not.toContain("principal");
  }
});

test("who reads too slowly loses the oldest events, and has the newest states in the end", async () => {
  const dropped: number[] = [];
  const silent = silentTelemetry();
  const telemetry = { ...silent, count: (_: string, __: unknown, by = 1) => void dropped.push(by) };
  const hub = new InspectionHub({ telemetry: telemetry as HubOptions["telemetry"] });
  const bench = await startBench(memoryStore(), { inspection: hub });
  const viewer = hub.attach();
  const worker = bench.worker("w1", { capacity: 1_000 });
  await bench.settle();
  const ids: TaskId[] = [];
  for (let i = 0; i < 500; i += 1) ids.push((await bench.create({ agentName: "echo" })).task.id);
  await bench.settle();
  // The first Tasks' events are long gone, and these are the first that there is room for again.
  for (const { runId } of worker.assignments().slice(0, 100)) await worker.report(runId, "COMPLETED");
  await bench.settle();

  const replay = drain(viewer, new Replay());
  expect(dropped.reduce((sum, by) => sum + by, 0)).toBeGreaterThan(1_000);
  expect(replay.problems).toEqual([]);
  const states = ids.map((id) => replay.actors.get(`task:${id}`)?.value);
  expect(states).toEqual([...Array(100).fill("complete"), ...Array(400).fill("steps_in_process")]);
});

test("a viewer that throws is logged once, and the plane goes on", async () => {
  const inspection: Inspection = {
    attached: true,
    open: () => {},
    publish: () => {
      throw new Error("no");
    },
  };
  const bench = await startBench(memoryStore(), { inspection });
  for (let i = 0; i < 3; i += 1) await bench.create({ agentName: "echo" });

  expect(bench.errors()).toEqual([expect.stringContaining("telling an inspector failed")]);
});
