/** The timeline keeps the newest events and what older ones led to, and goes back to any of them. */
import { expect, test } from "vitest";
import { readEvent } from "#inspect/view/event";
import { inspectPage } from "#limits/inspect-page";
import { Story } from "./events.js";

const rowsOf = ({ timeline }: Story) =>
  timeline.rows.map(({ kind, from, to, message, change }) => [kind, from, to, message, change].join("|"));

test("a message and what it changes are one row, also when others come between them", () => {
  const story = new Story().task("t1", "pending").step("t1", "main", "pending", { attempts: 0 });
  story
    .tell("step:t1/main", "enqueue", "actor:task-request")
    .tell("task:t1", "stepChanged", "step:t1/main")
    .becomes("task:t1", "initializing", { taskId: "t1" }, "stepChanged")
    .becomes("step:t1/main", "enqueued", { attempts: 1 }, "enqueue")
    .becomes("task:t1", "complete", { taskId: "t1" }, "unheard");

  expect(rowsOf(story)).toEqual([
    "created|taskrun|task:t1|t1|pending",
    "created|task:t1|step:t1/main|t1/main|pending",
    "message|actor:task-request|step:t1/main|enqueue|pending → enqueued · attempts 0 → 1",
    "message|step:t1/main|task:t1|stepChanged|pending → initializing",
    "changed||task:t1|unheard|initializing → complete",
  ]);
});

test("each row leads back to the world as it was then", () => {
  const story = new Story().task("t1", "s0");
  for (let i = 1; i <= 1_000; i += 1) story.becomes("task:t1", `s${i}`, { taskId: "t1" }, "next");
  const { timeline } = story;

  for (const n of [0, 1, 249, 250, 251, 777, 1_000]) {
    const row = timeline.rows[n];
    expect(timeline.worldAt(row?.upTo ?? -1).get("task:t1")?.snapshot.value).toBe(`s${n}`);
  }
});

test("of more events than are kept the oldest are dropped and counted, and what they led to stays", () => {
  const story = new Story().task("t1", "s0").step("t1", "old", "complete");
  const most = inspectPage.keptEvents + 3 * inspectPage.eventsPerCheckpoint;
  for (let i = 1; i <= most; i += 1) story.becomes("task:t1", `s${i}`, { taskId: "t1" }, "next");
  const { timeline } = story;

  expect(timeline.events.length).toBeLessThanOrEqual(
    inspectPage.keptEvents + inspectPage.eventsPerCheckpoint,
  );
  expect(timeline.droppedEvents + timeline.events.length).toBe(timeline.count);
  expect(timeline.rows.length).toBeLessThanOrEqual(timeline.events.length);
  expect(timeline.worldAt(1).get("step:t1/old")?.snapshot.value).toBe("complete");
  const [first] = timeline.rows;
  expect(timeline.worldAt(first?.upTo ?? 0).get("task:t1")?.snapshot.value).toBe(
    `s${(first?.upTo ?? 0) - 2}`,
  );
});

test("of more actors than are kept those that have ended are forgotten first, with all below them", () => {
  const story = new Story().actor("actor:scheduler", "serving").task("live", "steps_in_process");
  for (let i = 0; i < inspectPage.keptActors; i += 1) story.task(`t${i}`, "complete");
  const { timeline } = story;

  expect(timeline.world.size).toBeLessThanOrEqual(inspectPage.keptActors);
  expect(timeline.world.size + timeline.droppedActors).toBe(inspectPage.keptActors + 2);
  expect(timeline.world.has("task:live")).toBe(true);
  expect(timeline.world.has("actor:scheduler")).toBe(true);
  expect(timeline.world.has("task:t0")).toBe(false);
});

test("every row knows the Task it is about, by whom it is from or for, or what it names", () => {
  const story = new Story()
    .actor("actor:task-finalizer", "serving")
    .task("t1", "pending")
    .step("t1", "main", "pending");
  story
    .run("r1", "t1", "main", "RUNNING")
    .tell("actor:task-finalizer", "run.ended", "run:r1")
    .tell("actor:task-finalizer", "deadline.passed", "outside:timer", { taskId: "t2" })
    .tell("actor:scheduler", "schedule", "taskrun");

  expect(story.timeline.rows.map(({ task }) => task)).toEqual(["", "t1", "t1", "t1", "t1", "t2", ""]);
});

test.each([
  ["", "not JSON"],
  ["null", "nothing"],
  ["[]", "a list"],
  ['{"type":"@xstate.actor"}', "nobody"],
  ['{"type":"@xstate.microstep","sessionId":"x"}', "another kind"],
  [JSON.stringify({ type: "@xstate.event", sessionId: "x".repeat(inspectPage.eventChars) }), "too long"],
])("%.20s is no event: %s", (json) => {
  expect(readEvent(json)).toBeUndefined();
});

test("an event that lacks what it should have is read as far as it goes", () => {
  expect(readEvent('{"type":"@xstate.snapshot","sessionId":"x","snapshot":7,"createdAt":"soon"}')).toEqual({
    type: "snapshot",
    sessionId: "x",
    at: 0,
    message: "",
    snapshot: { status: "active", value: "", context: {} },
  });
});
