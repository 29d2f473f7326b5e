/** What a window gets that is opened late: the newest events, after what older ones led to. */
import { expect, test } from "vitest";
import { History } from "#inspect/view/history";
import { inspectPage } from "#limits/inspect-page";
import { Replay } from "../kit/replay.js";

const most = inspectPage.keptEvents + inspectPage.eventsPerCheckpoint;
const snapshot = (value: string) => ({
  status: value === "complete" ? "done" : "active",
  value,
  context: {},
});

/** A history that has been told of the plane and of one actor. */
class Told {
  readonly history = new History();
  count = 0;

  constructor() {
    this.actor("taskrun", undefined, "").actor("actor:task-finalizer", "taskrun", "serving");
  }

  #add(event: object): this {
    this.count += 1;
    this.history.add(JSON.stringify(event));
    return this;
  }

  actor(sessionId: string, parentId: string | undefined, value: string): this {
    const name = sessionId;
    return this.#add({
      type: "@xstate.actor",
      sessionId,
      name,
      parentId,
      definition: "{}",
      snapshot: snapshot(value),
    });
  }

  task(id: string, value: string): this {
    return this.actor(`task:${id}`, "actor:task-finalizer", value);
  }

  becomes(id: string, value: string): this {
    return this.#add({
      type: "@xstate.snapshot",
      sessionId: `task:${id}`,
      event: { type: "x" },
      snapshot: snapshot(value),
    });
  }

  /** So many messages to the plane. */
  messages(count: number): this {
    for (let i = 0; i < count; i += 1) {
      this.#add({ type: "@xstate.event", sessionId: "taskrun", sourceId: "taskrun", event: { type: "m" } });
    }
    return this;
  }

  replayed(): Replay {
    const replay = new Replay();
    for (const event of this.history.events()) replay.take(JSON.stringify(event));
    return replay;
  }
}

test("as long as nothing is dropped, events are told as they came, also of an actor that is told of anew", () => {
  const told = new Told()
    .task("t1", "pending")
    .becomes("t1", "running")
    .task("t1", "blocked")
    .becomes("t1", "complete");
  const { events, problems, actors } = told.replayed();

  expect(problems).toEqual([]);
  expect(events.map(({ type }) => type.replace("@xstate.", ""))).toEqual([
    ...["actor", "actor"],
    ...["actor", "snapshot", "actor", "snapshot"],
  ]);
  expect(actors.get("task:t1")?.value).toBe("complete");
});

test("whatever was dropped, it has the present state of every actor", () => {
  const told = new Told().task("t1", "pending").task("t2", "pending").becomes("t1", "running");
  told
    .messages(most)
    .becomes("t2", "blocked")
    .messages(10)
    .task("t1", "complete")
    .messages(most - 100);
  const { events, problems, actors } = told.replayed();

  expect(problems).toEqual([]);
  expect([actors.get("task:t1")?.value, actors.get("task:t2")?.value]).toEqual(["complete", "blocked"]);
  expect(events.length).toBeLessThanOrEqual(most + 4);
  const later = told.messages(2 * most).replayed().actors;
  expect(later.get("task:t1")).toMatchObject({ value: "complete", status: "done" });
  expect(later.get("task:t2")).toMatchObject({ value: "blocked", status: "active" });
});

test("of more actors than are kept those that have ended are forgotten first, with all below them", () => {
  const told = new Told().task("live", "running").actor("step:live/main", "task:live", "running");
  told.task("old", "complete").actor("step:old/main", "task:old", "running");
  for (let i = 0; i < inspectPage.keptActors; i += 1) told.task(`t${i}`, "complete");
  const { actors, problems } = told.messages(most).replayed();

  expect(problems).toEqual([]);
  expect(actors.size).toBeLessThanOrEqual(inspectPage.keptActors);
  expect([actors.has("task:live"), actors.has("step:live/main")]).toEqual([true, true]);
  expect([actors.has("task:old"), actors.has("step:old/main")]).toEqual([false, false]);
});

test("actors that go on are bounded too", () => {
  const told = new Told();
  for (let i = 0; i < 2 * inspectPage.keptActors; i += 1) told.task(`t${i}`, "running");
  const { actors } = told.messages(most).replayed();

  expect(actors.size).toBeLessThanOrEqual(inspectPage.keptActors);
  expect(actors.has("actor:task-finalizer")).toBe(true);
});
