import { describe, expect, test } from "vitest";
import { resolve } from "#actors/task-finalizer/resolve";
import type { RunId, TaskId } from "#domain/id";
import { type ResolveAction, type StepRow, type StepState, stepStates } from "#domain/task/step";
import { isTerminal, type TaskState, taskStates } from "#domain/task/task";
import type { FailureStrategy } from "#domain/template/template";
import { instant, millis } from "#domain/time/time";
import { asked } from "../kit/asked.js";
import { caller, heldRun, memberOf, r1, step, stepSpec, t1, task } from "../kit/rows.js";
import { decide, type ViewParts } from "../kit/views.js";

const at = instant(5);
const held = task({ state: "blocked_by_failures", counts: { complete: 2, error: 1 } });
const actions: Readonly<Record<ResolveAction["type"], ResolveAction>> = {
  retry: { type: "retry" },
  resolve: { type: "resolve" },
  complete: { type: "complete", output: "1" },
};

function resolved(
  action: ResolveAction["type"],
  row: Partial<StepRow> = {},
  part: Partial<ViewParts> = {},
  stepName = "main",
): string[] {
  const message = {
    type: "resolve",
    caller,
    taskId: t1,
    stepName,
    action: actions[action],
    reason: "",
  } as const;
  const steps = [step({ attempts: 1, ...row }), step({ name: "other" })];
  return asked(decide(resolve, message, { task: held, steps, ...part }, at));
}

/** True if it is done, and what keeps it from being done if not. */
function outcome(lines: readonly string[]): string {
  return lines.at(-1) === "answer t1" ? "done" : (lines.at(-1) ?? "").replace(/^refused \S+ /, "");
}

/** Nothing rests where its result is looked at. */
const resting = stepStates.filter((state) => !state.endsWith("for_orchestration"));

describe("a step", () => {
  test("each action in each state: one that failed is tried anew, all that is not final is settled", () => {
    const table = (action: ResolveAction["type"]) =>
      Object.fromEntries(resting.map((state) => [state, outcome(resolved(action, { state }))]));
    const final = (state: StepState) => [state, `step "main" is ${state}, and that is final`] as const;
    const waits = {
      pending: 'step "main" is pending: it waits for steps before it, so there is nothing to try anew',
      enqueued: 'step "main" is enqueued: it waits for a worker, so there is nothing to try anew',
    };
    const ends = Object.fromEntries(
      ["complete", "cancelled", "resolved_manually"].map((state) => final(state as StepState)),
    );
    const live = resting.filter((state) => !(state in ends) && state !== "error");

    const settled = Object.fromEntries([...live, "error"].map((state) => [state, "done"]));
    expect(table("retry")).toEqual({ ...settled, ...ends, ...waits });
    expect(table("resolve")).toEqual({ ...ends, ...settled });
    expect(table("complete")).toEqual({ ...ends, ...settled });
  });

  test("tried anew begins with all its tries, in the queue", () => {
    expect(resolved("retry", { state: "error", attempts: 3, maxAttempts: 3 })).toEqual([
      "main resetForRetry",
      "main enqueue",
      "noted main retry by local",
      "answer t1",
    ]);
    const nap = stepSpec({ type: "timer", delayMs: millis(50) });
    expect(resolved("retry", { state: "error", spec: nap })).toEqual([
      "main resetForRetry",
      "main begin",
      "setDeadline main timer 55",
      "noted main retry by local",
      "answer t1",
    ]);
  });

  test("one that waits for its next attempt begins it now, and one that hangs leaves its run", () => {
    expect(resolved("retry", { state: "waiting_for_retry", attempts: 1 })).toEqual([
      "main resetForRetry",
      "clearDeadline main retry",
      "main enqueue",
      "noted main retry by local",
      "answer t1",
    ]);
    const row = { state: "in_progress", runId: r1, spec: stepSpec({ timeoutMs: millis(9) }) } as const;
    expect(resolved("retry", row, { runs: [heldRun()] })).toEqual([
      "main resetForRetry",
      "clearDeadline main attempt",
      "clearDeadline main retry",
      "r1 end CANCELLED the step was reset by hand",
      "main enqueue",
      "noted main retry by local",
      "answer t1",
    ]);
    const nap = { state: "in_progress", agentName: "", spec: stepSpec({ type: "timer" }) } as const;
    expect(outcome(resolved("retry", nap))).toBe(
      'step "main" is in_progress: it goes on by itself, so there is nothing to try anew',
    );
  });

  describe("the same request again", () => {
    const noted = (type: ResolveAction["type"], actor = "local", reason = "") =>
      ({ stepActions: JSON.stringify({ actions: [{ at, actor, type, reason }], dropped: 0 }) }) as const;
    const again = (
      action: ResolveAction["type"],
      row: Partial<StepRow>,
      part: Partial<ViewParts>,
    ): readonly string[] => resolved(action, row, { outputs: new Map([["main", "1"]]), ...part });
    const complete = { state: "complete" } as const;

    test("changes nothing and is answered as the first one was, also when the task has ended meanwhile", () => {
      expect(again("complete", complete, noted("complete"))).toEqual(["answer t1"]);
      expect(again("resolve", { state: "resolved_manually" }, noted("resolve"))).toEqual(["answer t1"]);
      for (const state of ["enqueued", "complete"] as const) {
        expect(again("retry", { state }, noted("retry"))).toEqual(["answer t1"]);
      }
      const ended = { task: task({ state: "complete", counts: { complete: 2 } }), ...noted("complete") };
      expect(again("complete", complete, ended)).toEqual(["answer t1"]);
    });

    test("is refused from somebody else, for another reason, with another result, or after something else", () => {
      const refused = 'step "main" is complete, and that is final';
      expect(outcome(again("complete", complete, noted("complete", "ada")))).toBe(refused);
      expect(outcome(again("complete", complete, noted("complete", "local", "paid")))).toBe(refused);
      expect(outcome(again("complete", complete, { ...noted("complete"), outputs: new Map() }))).toBe(
        refused,
      );
      expect(outcome(again("complete", complete, noted("resolve")))).toBe(refused);
      expect(outcome(again("complete", complete, {}))).toBe(refused);
    });

    test("is a new one if the step has failed again", () => {
      expect(again("retry", { state: "error" }, noted("retry"))[0]).toBe("main resetForRetry");
      const ended = { task: task({ state: "error", counts: { error: 1 } }), ...noted("retry") };
      expect(again("retry", { state: "error" }, ended).at(-1)).toMatch(/already in terminal state/);
    });
  });

  test("resolved by hand stops its clock, its waits and its run, and those that waited for it go on", () => {
    const row = {
      state: "in_progress",
      runId: r1,
      dependants: ["other"],
      spec: stepSpec({ timeoutMs: millis(9) }),
    } as const;
    const runs = [
      heldRun(),
      heldRun({ id: "r9" as RunId, stepName: "other" }),
      heldRun({ id: "r0" as RunId, status: "FAILED" }),
    ];
    expect(resolved("complete", row, { runs })).toEqual([
      "keepOutput main 1",
      "main completeManually 3 1",
      "clearDeadline main attempt",
      "clearDeadline main retry",
      "r1 end CANCELLED the step was resolved by hand",
      "tell step.satisfied main",
      "noted main complete by local",
      "answer t1",
    ]);
    const timer = { state: "in_progress", spec: stepSpec({ type: "timer" }) } as const;
    expect(resolved("resolve", timer)).toContain("clearDeadline main timer");
    expect(resolved("resolve", { state: "error", dependants: ["other"] })[0]).toBe("main resolveManually 3");
  });

  test("a result that does not fit the template's schema is refused; without one there is nothing to fit", () => {
    const problem = { schemaProblem: { type: "misfit", text: "/ok is missing" } as const };
    expect(outcome(resolved("complete", { state: "error" }, problem))).toBe(
      'result_json does not fit result_schema of step "main": /ok is missing',
    );
    expect(outcome(resolved("resolve", { state: "error" }, problem))).toBe("done");
  });

  test("that was passed over is settled for the record: the others have gone on without it", () => {
    const of = (failure: FailureStrategy) => ({
      state: "error" as const,
      dependants: ["other"],
      spec: stepSpec(memberOf("rows", { failure })),
    });
    for (const failure of ["continue_on_failure", "isolate"] as const) {
      expect(resolved("resolve", of(failure))).not.toContain("tell step.satisfied main");
      expect(outcome(resolved("retry", of(failure)))).toBe(
        'step "main" failed, and the others went on without it: declare it done, or run the task again',
      );
    }
    expect(resolved("resolve", of("fail_fast"))).toContain("tell step.satisfied main");
    expect(outcome(resolved("retry", of("fail_fast")))).toBe("done");
  });

  test("that is at work through others is settled through those", () => {
    const through = 'step "main" is at work through others: resolve those, or cancel the task';
    for (const action of ["resolve", "complete"] as const) {
      expect(outcome(resolved(action, { state: "in_progress", childId: "t2" as TaskId }))).toBe(through);
      expect(outcome(resolved(action, { state: "in_progress", members: ["main_000"] }))).toBe(through);
      expect(outcome(resolved(action, { state: "error", members: ["main_000"] }))).toBe("done");
    }
  });

  test("that has made its members is not begun anew", () => {
    expect(outcome(resolved("retry", { state: "error", members: ["main_000"] }))).toBe(
      'step "main" has made its members already: resolve it by hand, or run the task again',
    );
  });

  test("that is one of many is settled once its turn has come, for only then it has a place to leave", () => {
    const spec = stepSpec(memberOf("rows", { index: 2 }));
    const turn = (opened: number) => ({ task: { ...held, opened: { rows: opened } } });
    expect(outcome(resolved("resolve", { spec }, turn(2)))).toBe(
      'step "main" is one of many, and its turn has not come: resolve it once it has begun, or cancel the task',
    );
    expect(outcome(resolved("resolve", { spec }, turn(3)))).toBe("done");
    expect(outcome(resolved("resolve", { spec: stepSpec(memberOf("")) }, turn(0)))).toBe("done");
  });

  test("that is not there is not found", () => {
    expect(resolved("retry", {}, {}, "nowhere")).toEqual([
      'refused STEP_NOT_FOUND: Step "nowhere" not found in Task t1; its Steps are "main", "other".',
    ]);
  });
});

test("nothing of a task that has not begun is settled: it may be cancelled", () => {
  for (const stepName of ["main", ""]) {
    expect(resolved("resolve", {}, { task: task() }, stepName)).toEqual([
      "refused NOT_BEGUN: task t1 has not begun: cancel it, or wait until it has",
    ]);
  }
});

describe("the whole task", () => {
  test("is declared done only while it is held because of a failure", () => {
    const done = (state: TaskState) => outcome(resolved("resolve", {}, { task: task({ state }) }, ""));
    for (const state of taskStates) {
      if (state === "blocked_by_failures") expect(done(state)).toBe("done");
      else if (state === "pending") expect(done(state)).toContain("has not begun");
      else if (isTerminal(state)) expect(done(state)).toContain("is already in terminal state");
      else
        expect(done(state)).toBe(
          `task t1 is ${state}: only one that is held because of a failure can be declared done`,
        );
    }
    expect(resolved("resolve", {}, {}, "")).toEqual([
      "task manualResolution",
      "noted task resolve by local",
      "answer t1",
    ]);
  });

  test("is neither tried anew nor given a result: a step is", () => {
    for (const action of ["retry", "complete"] as const) {
      expect(resolved(action, { state: "error" }, {}, "")).toEqual([
        "refused INVALID: step_name is required: name the step that failed",
      ]);
    }
  });

  test("is not there for a stranger", () => {
    const stranger = { principal: "ada", namespaces: ["own"], roles: [] };
    const message = {
      type: "resolve",
      caller: stranger,
      taskId: t1,
      stepName: "",
      action: actions.resolve,
      reason: "",
    } as const;
    expect(asked(decide(resolve, message, { task: held }, at))).toEqual([
      "refused TASK_NOT_FOUND: Task not found: t1",
    ]);
  });
});
