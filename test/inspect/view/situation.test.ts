/** What a Task waits for, in a sentence that names its state, the Step and the deadline. */
import { expect, test } from "vitest";
import { situationLines, situationsOf } from "#inspect/view/situation";
import { clockText } from "#inspect/view/times";
import { Story } from "./events.js";

const NOW = Date.UTC(2030, 0, 31, 12, 0, 0);
const LATER = NOW + 90_000;
const at = clockText(LATER);
const due = (kind: string) => ({ deadlines: [{ kind, at: LATER }] });

function linesOf(story: Story, id = "t1"): readonly string[] {
  return situationLines(situationsOf(id, story.timeline.world), NOW);
}

test("waiting for a worker names the agent, and when the Task times out", () => {
  const story = new Story()
    .task("t1", "enqueuing_steps", due("timeout"))
    .step("t1", "main", "enqueued", { agentName: "writer" });

  expect(linesOf(story)).toEqual([
    `enqueuing_steps: Step main (enqueued) waits for a worker that runs writer; the Task times out at ${at}, in 1m 30s.`,
  ]);
});

test("a Step that was handed back is not assigned before an instant", () => {
  const story = new Story()
    .task("t1", "steps_in_process")
    .step("t1", "main", "enqueued", { agentName: "writer", ...due("retry") });

  expect(linesOf(story)).toEqual([
    `steps_in_process: Step main (enqueued) waits for a worker that runs writer; it may be assigned at ${at}, in 1m 30s.`,
  ]);
});

test("in backoff: which attempt has failed, and when the next one is made", () => {
  const story = new Story()
    .task("t1", "waiting_for_retry")
    .step("t1", "main", "waiting_for_retry", { attempts: 1, maxAttempts: 3, ...due("retry") })
    .run("r1", "t1", "main", "FAILED", { reason: "AGENT_ERROR", workerId: "w1" });

  expect(linesOf(story)).toEqual([
    `waiting_for_retry: Step main (waiting_for_retry) is in backoff (attempt 1 of 3 has failed); it is tried again at ${at}, in 1m 30s.`,
  ]);
});

test("at a timer", () => {
  const story = new Story()
    .task("t1", "steps_in_process")
    .step("t1", "pause", "in_progress", { type: "timer", ...due("timer") });

  expect(linesOf(story)).toEqual([
    `steps_in_process: Step pause (in_progress) waits at its timer; it completes at ${at}, in 1m 30s.`,
  ]);
});

test("at a signal, which may have no deadline", () => {
  const signal = { type: "signal", signal: "approved" };
  const story = new Story()
    .task("t1", "steps_in_process")
    .step("t1", "approve", "in_progress", { ...signal, ...due("signal") });
  const endless = new Story().task("t1", "steps_in_process").step("t1", "approve", "in_progress", signal);

  const line = "steps_in_process: Step approve (in_progress) waits for signal approved;";
  expect(linesOf(story)).toEqual([`${line} it waits no longer at ${at}, in 1m 30s.`]);
  expect(linesOf(endless)).toEqual([`${line} no deadline.`]);
});

test("at a child: its state, and its own time limit", () => {
  const story = new Story()
    .task("t1", "steps_in_process")
    .step("t1", "sub", "in_progress", { childId: "t2" })
    .task("t2", "waiting_for_retry", due("timeout"), "step:t1/sub");

  expect(linesOf(story)).toEqual([
    `steps_in_process: Step sub (in_progress) waits for its child, Task t2, which is in waiting_for_retry; that one times out at ${at}, in 1m 30s.`,
  ]);
});

test("held by failures: every failed Step, and when the Task is given up", () => {
  const story = new Story()
    .task("t1", "blocked_by_failures", due("hold"))
    .step("t1", "pay", "error")
    .step("t1", "ship", "pending", { unsatisfied: 1 });

  expect(linesOf(story)).toEqual([
    `blocked_by_failures: Step pay (error) has failed for good, and waits for an operator; the Task fails at ${at}, in 1m 30s.`,
  ]);
});

test("a lost worker: first its connection, then the Run", () => {
  const story = new Story()
    .actor("worker:s1", "serving", { workerId: "w1" })
    .task("t1", "steps_in_process")
    .step("t1", "main", "in_progress", { attempts: 1 })
    .run("r1", "t1", "main", "RUNNING", { workerId: "w1", session: "s1" });
  expect(linesOf(story)).toEqual([
    "steps_in_process: Step main (in_progress) runs on worker w1; no deadline.",
  ]);

  story.becomes("worker:s1", "detached", { workerId: "w1", leaseUntil: LATER });
  expect(linesOf(story)).toEqual([
    `steps_in_process: Step main (in_progress) is on worker w1, which has lost its connection; the Run is lost at ${at}, in 1m 30s.`,
  ]);

  const lost = { reason: "WORKER_LOST", workerId: "w1", session: "s1" };
  story
    .becomes("run:r1", { status: "FAILED", hold: "released" }, lost, "lost", "done")
    .becomes("step:t1/main", "waiting_for_retry", { losses: 1, maxLosses: 3, ...due("retry") })
    .becomes("task:t1", "waiting_for_retry", { taskId: "t1" });
  expect(linesOf(story)).toEqual([
    `waiting_for_retry: Step main (waiting_for_retry) has lost its worker w1 (loss 1 of 3); it is tried again at ${at}, in 1m 30s.`,
  ]);
});

test("compensating: asked of the Task that has failed, and of the one that compensates it", () => {
  const story = new Story()
    .task("t1", "error", { compensatedBy: "t2" })
    .task("t2", "pending", { compensates: "t1" });
  story.becomes("task:t1", "error", { compensatedBy: "t2", ...due("release") }, "", "done");
  expect(linesOf(story)).toEqual([
    `error: it waits until no worker holds a Run of the other Task, to compensate it, in Task t2; these Runs are taken from their workers at ${at}, in 1m 30s.`,
  ]);

  story
    .becomes("task:t2", "enqueuing_steps", { compensates: "t1" })
    .step("t2", "undo_book", "enqueued", { agentName: "undo" });
  expect(linesOf(story)).toEqual([
    "error: Step undo_book (enqueued) waits for a worker that runs undo, to compensate it, in Task t2; no deadline.",
  ]);
  expect(linesOf(story, "t2")).toEqual([
    "enqueuing_steps: Step undo_book (enqueued) waits for a worker that runs undo, to compensate Task t1; no deadline.",
  ]);
  expect(situationsOf("t1", story.timeline.world).map(({ kind }) => kind)).toEqual(["COMPENSATING"]);
});

test("before its start, between Steps, at its end, and unknown", () => {
  const start = new Story().task("t1", "pending", due("start")).step("t1", "main", "pending");
  expect(linesOf(start)).toEqual([`pending: it waits for its start; it begins at ${at}, in 1m 30s.`]);

  const between = new Story()
    .task("t1", "waiting_for_dependencies")
    .step("t1", "b", "pending", { unsatisfied: 2 });
  expect(linesOf(between)).toEqual([
    "waiting_for_dependencies: Step b (pending) waits for 2 Steps before it; no deadline.",
  ]);

  const ended = new Story().task("t1", "error", { reason: "TIMEOUT" });
  expect(linesOf(ended)).toEqual(["error: it has ended, reason TIMEOUT; final."]);
  expect(linesOf(ended, "t9")).toEqual([]);
});

test("of many Steps the ones that stop the Task come first, and the rest is counted", () => {
  const story = new Story().task("t1", "steps_in_process");
  for (const name of ["a", "b", "c", "d"]) story.step("t1", name, "enqueued", { agentName: "x" });
  story.step("t1", "e", "in_progress", { type: "timer", ...due("timer") });

  const lines = linesOf(story);
  expect(lines[0]).toContain("Step e");
  expect(lines.at(-1)).toBe("And 2 more Steps.");
});

test("contexts of anybody's are read without trust", () => {
  const story = new Story()
    .task("t1", "steps_in_process", { deadlines: "soon", compensates: 7, counts: null })
    .step("t1", "main", "in_progress", {
      deadlines: [null, 3, { kind: "timer", at: "x" }],
      childId: {},
      type: [],
    });

  expect(linesOf(story)).toEqual(["steps_in_process: Step main (in_progress) is in progress; no deadline."]);
});
