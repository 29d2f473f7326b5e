/** A Task's log, as the events that one who had been there would have got. */
import { expect, test } from "vitest";
import { Replay, type ReplayedEntry, type ReplayedStep, type ReplayedTask } from "#inspect/replay";
import { Replay as Seen } from "./kit/replay.js";

const task: ReplayedTask = {
  id: "t1",
  namespace: "default",
  name: "trip",
  agentName: "",
  createdAt: 1_000,
  startAt: 0,
  timeoutAt: 60_000,
  compensates: "",
  compensatedBy: "t2",
  retryOf: "",
  waits: new Map([["nap", 5_000]]),
};

const step = (name: string, state: string, part: Partial<ReplayedStep> = {}): ReplayedEntry => ({
  at: 2_000,
  type: "step",
  step: {
    ...{
      name,
      state,
      type: "standard",
      agentName: "echo",
      attempts: 0,
      maxAttempts: 3,
      losses: 0,
      maxLosses: 3,
    },
    ...{ nextAttemptAt: 0, dependsOn: [], startedAt: 0, finishedAt: 0, childId: "" },
    ...part,
  },
});

const run = (status: string, reason = ""): ReplayedEntry => ({
  at: 3_000,
  type: "run",
  run: {
    ...{ id: "r1", stepName: "main", workerId: "w1", status, attempt: 1, fence: 7, reason },
    ...{ startedAt: 3_000, finishedAt: 0 },
  },
});

const state = (name: string, hasRun?: boolean): ReplayedEntry => ({
  ...{ at: 2_500, type: "task", state: name, reason: "" },
  ...(hasRun !== undefined && { hasRun }),
});

function replayed(entries: readonly ReplayedEntry[], of: ReplayedTask = task): Seen {
  const replay = new Replay(of);
  const seen = new Seen();
  for (const event of replay.begin()) seen.take(JSON.stringify(event));
  for (const entry of entries) for (const event of replay.next(entry)) seen.take(JSON.stringify(event));
  // A Task that is no child has nothing above it, since a log does not know the actors.
  if (!of.parent) seen.problems.splice(0, 1);
  return seen;
}

const kindsOf = ({ events }: Seen) =>
  events.map((event) => [
    event.type.replace("@xstate.", ""),
    event.sessionId,
    event.type === "@xstate.actor" ? event.snapshot.value : event.event.type,
  ]);

test("each actor comes first, then its changes, with the message where only one leads there", () => {
  const seen = replayed([
    state("pending"),
    step("main", "pending"),
    state("initializing"),
    step("main", "enqueued"),
    step("main", "in_progress", { attempts: 1 }),
    run("ASSIGNED"),
    run("RUNNING"),
    run("COMPLETED"),
  ]);

  expect(seen.problems).toEqual([]);
  expect(kindsOf(seen)).toMatchInlineSnapshot(`
    [
      [
        "actor",
        "task:t1",
        "pending",
      ],
      [
        "actor",
        "step:t1/main",
        "pending",
      ],
      [
        "snapshot",
        "task:t1",
        "start",
      ],
      [
        "snapshot",
        "step:t1/main",
        "enqueue",
      ],
      [
        "snapshot",
        "step:t1/main",
        "start",
      ],
      [
        "actor",
        "run:r1",
        {
          "hold": "held",
          "status": "ASSIGNED",
        },
      ],
      [
        "snapshot",
        "run:r1",
        "started",
      ],
      [
        "snapshot",
        "run:r1",
        "completed",
      ],
    ]
  `);
  expect(seen.actors.get("run:r1")).toMatchObject({
    parentId: "step:t1/main",
    status: "done",
    value: { status: "COMPLETED", hold: "released" },
    context: { workerId: "w1", fence: 7 },
  });
});

test("a Task counts its Steps by state; what compensates it is known since its end", () => {
  const entries = [
    step("a", "pending"),
    step("b", "pending"),
    step("a", "in_progress"),
    state("steps_in_process", true),
  ];
  expect(replayed(entries).actors.get("task:t1")).toMatchObject({
    value: "steps_in_process",
    status: "active",
    context: {
      counts: { pending: 1, in_progress: 1 },
      hasRun: true,
      deadlines: [{ kind: "timeout", at: 60_000 }],
    },
  });
  expect(replayed(entries).actors.get("task:t1")?.context.compensatedBy).toBeUndefined();

  const { status, context } = replayed([...entries, state("error")]).actors.get("task:t1") ?? {};
  expect([status, context?.compensatedBy, context?.deadlines]).toEqual(["done", "t2", undefined]);
});

test("a Run's end is named by its reason, where several lead to the same state", () => {
  const endOf = ([status = "", reason]: readonly string[]) => {
    const { events } = replayed([step("main", "in_progress"), run("ASSIGNED"), run(status, reason)]);
    const last = events.at(-1);
    return last?.type === "@xstate.snapshot" ? last.event.type : last?.type;
  };

  const known = [
    "FAILED WORKER_LOST",
    "COMPLETED YIELDED",
    "COMPLETED",
    "FAILED AGENT_ERROR",
    "FAILED NOT_KNOWN",
  ];
  expect(known.map((end) => endOf(end.split(" ")))).toEqual([
    ...["lost", "yielded", "completed", "failed", "logged"],
  ]);
});

test("a timer and a retry have their deadlines as long as they are waited for", () => {
  const deadlinesOf = (...entries: ReplayedEntry[]) =>
    replayed(entries).actors.get("step:t1/nap")?.context.deadlines;
  const timer = { type: "timer", startedAt: 2_000 };

  expect(deadlinesOf(step("nap", "in_progress", timer))).toEqual([{ kind: "timer", at: 7_000 }]);
  expect(deadlinesOf(step("nap", "in_progress", timer), step("nap", "complete", timer))).toBeUndefined();
  expect(deadlinesOf(step("nap", "waiting_for_retry", { nextAttemptAt: 9_000 }))).toEqual([
    { kind: "retry", at: 9_000 },
  ]);
});

test("a Task that waits for its start says so; a child names the Step above it", () => {
  const parent = { taskId: "t0", stepName: "sub" };
  const seen = replayed([], { ...task, startAt: 30_000, parent });

  expect(seen.actors.get("task:t1")).toMatchObject({
    parentId: "step:t0/sub",
    context: {
      parent,
      deadlines: [
        { kind: "start", at: 30_000 },
        { kind: "timeout", at: 60_000 },
      ],
    },
  });
});
