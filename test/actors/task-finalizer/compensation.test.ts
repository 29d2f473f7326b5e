import { describe, expect, test } from "vitest";
import type { Command } from "#actors/commands";
import { compensate } from "#actors/task/compensation";
import { runReleased } from "#actors/task-finalizer/run-released";
import { taskEnded } from "#actors/task-finalizer/task-ended";
import type { CompensationPlan } from "#domain/graph/plan";
import type { RunId, TaskId } from "#domain/id";
import { DEFAULT_RETRY } from "#domain/task/retry";
import type { RunRow } from "#domain/task/run";
import type { StepRow } from "#domain/task/step";
import { taskStates } from "#domain/task/task";
import { instant, millis, NEVER } from "#domain/time/time";
import { asked } from "../kit/asked.js";
import { heldRun, memberOf, spec, step, stepSpec, t1, task } from "../kit/rows.js";
import { decide, type ViewParts, viewOf } from "../kit/views.js";

const at = instant(5);
const t2 = "t2" as TaskId;
const ended = task({
  state: "error",
  errorMessage: "no such row",
  spec: spec({ isCompensable: true, idempotencyKey: "k", timeoutMs: millis(9), labels: { team: "a" } }),
});

function plan(name: string, part: Partial<CompensationPlan> = {}): CompensationPlan {
  const tries = { retry: DEFAULT_RETRY, maxAttempts: 3, timeoutMs: millis(100) };
  return { name, agentName: `agent of ${name}`, config: null, ...tries, ...part };
}

/** A Step that `un` + its name undoes. */
function undoable(name: string, part: Partial<StepRow> = {}): StepRow {
  return step({ name, spec: stepSpec({ planned: name, compensation: plan(`un${name}`) }), ...part });
}

const steps = [
  undoable("book", { state: "complete", order: 1 }),
  step({ name: "note", state: "complete", order: 2 }),
  undoable("pay", { state: "complete", order: 3 }),
  undoable("ship", { state: "error" }),
  undoable("later"),
];

const of = (part: Partial<ViewParts> = {}) => ({ task: ended, steps, input: '{"a":1}', ...part });

function undo(part: Partial<ViewParts> = {}): readonly Command[] {
  const parts = of(part);
  return compensate(parts.task ?? ended, viewOf(parts), at);
}

const undone = (part: Partial<ViewParts> = {}) => asked(undo(part));

describe("what an ended task did", () => {
  test("is undone in reverse order of completion, one after the other, in a task of its own", () => {
    expect(undone()).toMatchInlineSnapshot(`
      [
        "noteCompensation t2",
        "new task t2 {"a":1}",
        "new pay after [] open 0",
        "new book after [pay] open 1",
        "task start",
        "pay enqueue",
        "task readyStepsFound",
      ]
    `);
  });

  test("is undone by what the template names, told of what and why, and tried as that says", () => {
    const commands = undo();
    const made = commands.flatMap((command) => (command.type === "createStep" ? [command.params.step] : []));
    expect(
      made.map(({ name, agentName, maxAttempts, spec }) => [name, agentName, maxAttempts, spec.planned]),
    ).toEqual([
      ["pay", "agent of unpay", 3, "unpay"],
      ["book", "agent of unbook", 3, "unbook"],
    ]);
    expect(made[0]?.spec).toMatchObject({
      timeoutMs: 100,
      compensates: { taskId: t1, stepName: "pay", error: "no such row" },
      member: { group: "", failure: "isolate" },
    });
  });

  test("and what a worker holds is undone before all that is complete, and what is in doubt", () => {
    const begun = (part: Partial<RunRow>) => heldRun({ id: "r9" as RunId, stepName: "later", ...part });
    const startedAt = instant(3);
    const names = (part: Partial<ViewParts>) =>
      undo(part).flatMap((command) => (command.type === "createStep" ? [command.params.step.name] : []));
    expect(names({ runs: [begun({ startedAt })] })).toEqual(["later", "pay", "book"]);
    // That its agent has begun may be on its way.
    expect(names({ runs: [begun({ status: "ASSIGNED" })] })).toEqual(["later", "pay", "book"]);
    expect(names({ runs: [begun({ status: "CANCELLED" })] })).toEqual(["later", "pay", "book"]);
    expect(names({ runs: [begun({ startedAt, status: "CANCELLED", heldBy: "" })] })).toEqual(["pay", "book"]);
    const doubtful = steps.map((row) => (row.name === "ship" ? { ...row, inDoubt: true } : row));
    // Of one instant, what failed came after what completed.
    expect(names({ steps: doubtful })).toEqual(["ship", "pay", "book"]);
  });

  test("is not undone before every run has left its worker's hands, and not later than some minutes", () => {
    const waits = undone({ runs: [heldRun({ stepName: "note" })] });
    const atOnce = undone().filter((line) => !line.startsWith("task ") && !line.endsWith("enqueue"));
    expect(waits).toEqual([...atOnce, "setDeadline release 300005"]);
  });

  test("is undone only if the task failed or was cancelled", () => {
    for (const state of taskStates) {
      const failed = state === "error" || state === "cancelled";
      expect(undone({ task: { ...ended, state } }).length > 0, state).toBe(failed);
    }
  });

  test("is undone member by member where there were many, and not once more for what has made them", () => {
    const spread = { over: "input", concurrency: 1, failure: "fail_fast" } as const;
    const spec = (part: object) => stepSpec({ planned: "each", compensation: plan("uneach"), ...part });
    const members = [0, 1].map((index) =>
      step({
        name: `each_00${index}`,
        state: "complete",
        order: index + 1,
        spec: spec(memberOf("each", { index })),
      }),
    );
    const each = step({
      name: "each",
      state: "complete",
      order: 3,
      spec: spec({ type: "map", map: spread }),
    });
    expect(undone({ steps: [...members, each] }).slice(2, 4)).toEqual([
      "new each_001 after [] open 0",
      "new each_000 after [each_001] open 1",
    ]);
  });

  test("is undone once, and only if the template says how, and if there is something to undo", () => {
    expect(undone({ task: { ...ended, compensatedBy: t2 } })).toEqual([]);
    expect(undone({ task: { ...ended, spec: spec({ isCompensable: false }) } })).toEqual([]);
    expect(undone({ steps: steps.filter(({ state }) => state !== "complete") })).toEqual([]);
  });

  test("is undone for whom and where it was done, and asks for nothing else again", () => {
    const [, made] = undo();
    expect(made?.type === "createTask" && made.params.task).toMatchObject({
      namespace: "default",
      counts: { pending: 2 },
      createdAt: 5,
      ownsKey: false,
      spec: {
        labels: { team: "a" },
        timeoutMs: 0,
        idempotencyKey: "",
        fingerprint: "",
        keyFor: 0,
        startAt: NEVER,
        retryOf: "",
        holdOnFailure: false,
        isCompensable: false,
        parent: null,
        depth: 0,
        compensates: t1,
      },
    });
  });

  test("is undone in the same commit in which its steps and runs end", () => {
    const runs = [heldRun({ stepName: "later", startedAt: instant(3) })];
    const message = { type: "task.ended", taskId: t1, reason: "STEP_FAILED" } as const;
    const live = steps.map((row) => (row.name === "later" ? { ...row, state: "in_progress" as const } : row));
    const lines = asked(decide(taskEnded, message, of({ steps: live, runs }), at));
    expect(lines.slice(0, 3)).toEqual([
      "later cancel",
      "r1 end STEP_FAILED no such row",
      "noteCompensation t2",
    ]);
    expect(lines).toContain("new later after [] open 0");
  });
});

describe("a worker that lets go of a run", () => {
  const waiting = { task: task({ id: t2 }), steps: [step({ taskId: t2, name: "pay" })] };
  const released = { type: "run.released", taskId: t1, stepName: "pay", inDoubt: true } as const;
  const undoing = { ...ended, compensatedBy: t2 };
  const begun = (part: Partial<ViewParts>) =>
    asked(decide(runReleased, released, { task: undoing, compensation: waiting, ...part }, at));

  test("begins what undoes the task, if it was the last one held", () => {
    const start = ["clearDeadline release", "task start", "pay enqueue", "task readyStepsFound"];
    expect(begun({ runs: [] })).toEqual(start);
    expect(begun({ runs: [heldRun({ status: "FAILED", heldBy: "" })] })).toEqual(start);
    expect(begun({ runs: [heldRun({ status: "FAILED" })] })).toEqual([]);
  });

  test("begins nothing that has begun, or that is not there", () => {
    for (const state of ["enqueuing_steps", "steps_in_process", "complete", "cancelled"] as const) {
      const waits = { ...waiting, task: task({ id: t2, state }) };
      expect(begun({ compensation: waits })).toEqual(["clearDeadline release"]);
    }
    expect(begun({ task: ended })).toEqual([]);
    expect(asked(decide(runReleased, released, { task: undoing }, at))).toEqual(["clearDeadline release"]);
  });
});
