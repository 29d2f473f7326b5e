/** The tree of actors: Tasks with their Steps and Runs, the four actors, Workers, and whatever else there is. */
import { expect, test } from "vitest";
import { label, shortId, taskOf } from "#inspect/view/names";
import { pathTo, treeRows } from "#inspect/view/tree";
import { Story } from "./events.js";

function picture(story: Story, task = "", toggled: readonly string[] = []): readonly string[] {
  return treeRows(story.timeline.world, { task, toggled: new Set(toggled) }).map((row) =>
    row.type === "heading"
      ? `${row.text} ${row.count}`
      : `${"  ".repeat(row.depth + 1)}${row.name}: ${row.state} (${row.tone})`,
  );
}

const story = new Story()
  .actor("actor:scheduler", "serving")
  .actor("worker:s1", "serving", {}, "actor:run-tracker")
  .task("old", "complete", {}, "actor:task-finalizer")
  .step("old", "main", "complete")
  .task("new", "steps_in_process", {}, "actor:task-finalizer")
  .step("new", "fetch", "complete")
  .step("new", "sub", "in_progress")
  .task("child", "enqueuing_steps", {}, "step:new/sub")
  .step("child", "main", "enqueued")
  .run("r1", "new", "fetch", "COMPLETED")
  .actor("other:thing", "idle");

test("Tasks newest first, with what is below them; those that have ended are closed", () => {
  expect(picture(story)).toEqual([
    "Actors 1",
    "  scheduler: serving (running)",
    "Tasks 2",
    "  new: steps_in_process (running)",
    "    new/fetch: complete (done)",
    "      r1: COMPLETED (done)",
    "    new/sub: in_progress (running)",
    "      child: enqueuing_steps (waiting)",
    "        child/main: enqueued (waiting)",
    "  old: complete (done)",
    "Workers 1",
    "  s1: serving (running)",
    "Others 1",
    "  thing: idle (running)",
  ]);
});

test("opened and closed by hand, and filtered by the beginning of an id", () => {
  expect(picture(story, "", ["task:new", "task:old"]).slice(2, 6)).toEqual([
    "Tasks 2",
    "  new: steps_in_process (running)",
    "  old: complete (done)",
    "    old/main: complete (done)",
  ]);
  expect(picture(story, "ol").slice(2, 5)).toEqual([
    "Tasks 1",
    "  old: complete (done)",
    "    old/main: complete (done)",
  ]);
  expect(picture(story, "zzz")[2]).toBe("Tasks 0");
});

test("every actor says its place among those beside it", () => {
  const rows = treeRows(story.timeline.world, { task: "", toggled: new Set() });
  const sub = rows.find((row) => row.id === "step:new/sub");
  expect(sub).toMatchObject({ depth: 1, position: 2, siblings: 2, isOpen: true });
  expect(pathTo("step:child/main", story.timeline.world)).toEqual([
    "task:new",
    "step:new/sub",
    "task:child",
    "step:child/main",
  ]);
});

test("parents that are not known, or lead in a circle, harm nothing", () => {
  const odd = new Story()
    .actor("step:gone/main", "pending", {}, "task:gone")
    .actor("other:a", "x", {}, "other:b")
    .actor("other:b", "x", {}, "other:a");
  expect(picture(odd)).toContain("  gone/main: pending (idle)");
  expect(pathTo("other:a", odd.timeline.world).length).toBeLessThan(4);
  expect(taskOf("other:a", odd.timeline.world)).toBe("");
});

test("names for people", () => {
  const id = "0193a7c2-5b1e-7c3a-9a51-3f2c81d94e07";
  expect([
    label(`task:${id}`),
    label(`step:${id}/a/b`),
    label("run:r1"),
    label("worker:s"),
    label("actor:scheduler"),
    label("odd"),
  ]).toEqual(["Task …81d94e07", "Step a/b", "Run r1", "Worker s", "scheduler", "odd"]);
  expect(shortId("my own id")).toBe("my own id");
});
