import { describe, expect, test } from "vitest";
import type { Command } from "#actors/commands";
import { childEnded } from "#actors/task-finalizer/child-ended";
import { childStart } from "#actors/task-finalizer/child-start";
import type { ChildPlan } from "#domain/graph/plan";
import type { TaskId } from "#domain/id";
import type { StepRow } from "#domain/task/step";
import { isTerminal, type TaskRow, taskStates } from "#domain/task/task";
import { instant, millis, NEVER } from "#domain/time/time";
import { limits } from "#limits/index";
import { asked } from "../kit/asked.js";
import { plan, stepsOf } from "../kit/plans.js";
import { caller, spec, step, stepSpec, t1, task } from "../kit/rows.js";
import { decide, type ViewParts } from "../kit/views.js";

const at = instant(5);
const t2 = "t2" as TaskId;
const busy = task({ state: "enqueuing_steps", counts: { pending: 1 } });
const ofAgent: ChildPlan = { agentName: "report", template: null, input: "" };
const inner = plan([{ name: "x" }, { name: "y", dependencies: ["x"] }], { name: "inner" });

function sub(child: Partial<ChildPlan> = {}, part: Partial<StepRow> = {}): StepRow {
  const own = stepSpec({ type: "child_task", planned: "sub", child: { ...ofAgent, ...child } });
  return step({ name: "sub", agentName: "", spec: own, ...part });
}

const key = { taskId: t1, stepName: "sub" };

function start(of: StepRow, part: Partial<ViewParts> = {}): readonly Command[] {
  const parts = { task: busy, step: of, input: '{"a":{"b":1}}', ...part };
  return decide(childStart, { type: "child.start", ...key }, parts, at);
}

function started(of: StepRow, part: Partial<ViewParts> = {}): string[] {
  return asked(start(of, part));
}

describe("a step that is a task", () => {
  test("of an agent: the task has one step, tried once, for it is the parent's step that is tried again", () => {
    expect(started(sub())).toMatchInlineSnapshot(`
      [
        "sub begin t2",
        "new task t2 {"a":{"b":1}}",
        "new main after [] open 0",
        "setDeadline start 5",
      ]
    `);
  });

  test("of a template: the task has its steps, and begins in a turn of its own", () => {
    const template = { namespace: "", name: "inner", version: "" };
    expect(started(sub({ agentName: "", template }), { plan: inner })).toMatchInlineSnapshot(`
      [
        "sub begin t2",
        "new task t2 {"a":{"b":1}}",
        "new x after [] open 0",
        "new y after [x] open 1",
        "setDeadline start 5",
      ]
    `);
  });

  test("is for whom and where its parent is, and nothing else of it", () => {
    const parent = spec({
      agentName: "",
      priority: 7,
      labels: { team: "a" },
      workerSelector: { gpu: "1" },
      createdBy: "ada",
      correlationId: "c1",
      principal: caller.principal,
      environment: "test",
      idempotencyKey: "k",
      fingerprint: "f",
      keyFor: millis(9),
      startAt: instant(3),
      retryOf: "t0" as TaskId,
      holdOnFailure: true,
      timeoutMs: millis(60_000),
      maxAttempts: 9,
      isCompensable: true,
      depth: 2,
    });
    const template = { namespace: "", name: "inner", version: "" };
    const timed = { ...inner, timeoutMs: millis(100), holdOnFailure: false, isCompensable: false };
    const of = sub({ agentName: "", template });
    const [, made] = start(of, { task: { ...busy, spec: parent }, plan: timed });
    expect(made?.type === "createTask" && made.params.task.spec).toEqual({
      ...parent,
      timeoutMs: 100,
      maxAttempts: 0,
      startAt: NEVER,
      retryOf: "",
      idempotencyKey: "",
      fingerprint: "",
      keyFor: 0,
      holdOnFailure: false,
      isCompensable: false,
      template: inner.template,
      parent: { taskId: t1, stepName: "sub" },
      depth: 3,
      compensates: "",
    });
  });

  test("gets the part of its parent's data that its path leads to", () => {
    const outputs = new Map([["fetch", '{"pages":[7]}']]);
    const input = (path: string) => started(sub({ input: path }), { outputs })[1];
    expect(input("")).toBe('new task t2 {"a":{"b":1}}');
    expect(input("input/a")).toBe('new task t2 {"b":1}');
    expect(input("results/fetch/pages/0")).toBe("new task t2 7");
  });

  const template = { namespace: "default", name: "inner", version: "1.0.0" };
  test.each<[string, StepRow, Partial<ViewParts>]>([
    [
      'there is no template default/inner@1.0.0 that a task of namespace "default" may name',
      sub({ template }),
      {},
    ],
    [
      'namespace "default" has as many waiting tasks as it may',
      sub(),
      { waitingIn: { default: limits.waitingPerNamespace } },
    ],
    ['child.input "input/nowhere" leads to nothing', sub({ input: "input/nowhere" }), {}],
    [
      "the input of a template's task must be a JSON object",
      sub({ template, input: "input/a/b" }),
      { plan: inner },
    ],
    [
      "the child's input does not fit input_schema: /a is missing",
      sub({ template }),
      { plan: inner, schemaProblem: { type: "misfit", text: "/a is missing" } },
    ],
    [
      "SCHEMA_LIMIT: the child's input could not be checked by input_schema: too slow",
      sub({ template }),
      { plan: inner, schemaProblem: { type: "limit", text: "too slow" } },
    ],
    [
      `tasks stand ${limits.taskDepth} deep within one another, which is the most`,
      sub(),
      { task: { ...busy, spec: spec({ depth: limits.taskDepth }) } },
    ],
    ["the step has no child to begin", step({ name: "sub", spec: stepSpec({ type: "child_task" }) }), {}],
  ])("fails for good if it cannot begin: %s", (problem, of, part) => {
    expect(started(of, part)).toEqual(
      ["sub begin ", `sub failed ${problem}`, `sub fail ${problem}`].map((one) => one.trim()),
    );
  });

  test("begins once", () => {
    expect(started(sub({}, { state: "in_progress", childId: t2 }))).toEqual([]);
  });
});

describe("the end of the task that a step is", () => {
  const waiting = (part: Partial<StepRow> = {}) =>
    sub({}, { state: "in_progress", childId: t2, attempts: 1, maxAttempts: 2, dependants: ["end"], ...part });
  const child = (row: Partial<TaskRow>, outputs: Readonly<Record<string, string>> = {}) => ({
    task: task({ id: t2, ...row }),
    steps: stepsOf(inner).map((each) => ({ ...each, outputBytes: outputs[each.name]?.length ?? 0 })),
    outputs: new Map(Object.entries(outputs)),
  });
  const ended = (of: StepRow, part: Partial<ViewParts>) =>
    asked(
      decide(childEnded, { type: "child.ended", ...key, childId: t2 }, { task: busy, step: of, ...part }, at),
    );

  test("its result is the step's: the last step's, or each of several under its name", () => {
    expect(ended(waiting(), { child: child({ state: "complete" }, { x: "1", y: '{"ok":true}' }) })).toEqual([
      'keepOutput sub {"ok":true}',
      "sub succeeded 11",
      "sub complete 1",
      "tell step.satisfied sub",
    ]);
    const two = child({ state: "complete" }, { x: "1", y: "2" });
    const apart = { ...two, steps: two.steps.map((each) => ({ ...each, dependsOn: [] })) };
    expect(ended(waiting(), { child: apart })[0]).toBe('keepOutput sub {"x":1,"y":2}');
    expect(ended(waiting(), { child: { ...apart, outputs: new Map([["x", "1"]]) } })[0]).toBe(
      'keepOutput sub {"x":1,"y":null}',
    );
  });

  test("a result that does not fit the step's schema is a failed attempt: another task, later", () => {
    const schemaProblem = { type: "misfit", text: "/ok is missing" } as const;
    expect(ended(waiting(), { child: child({ state: "complete" }, { y: "1" }), schemaProblem })).toEqual([
      "sub failed the result of child task t2 does not fit result_schema: /ok is missing",
      "sub waitForRetry 505",
      "setDeadline sub retry 505",
    ]);
  });

  test("a result that cannot be checked fails the step, whatever attempts remain", () => {
    const schemaProblem = { type: "limit", text: "too slow" } as const;
    const why = "SCHEMA_LIMIT: the result of child task t2 could not be checked by result_schema: too slow";
    expect(ended(waiting(), { child: child({ state: "complete" }, { y: "1" }), schemaProblem })).toEqual([
      `sub failed ${why}`,
      `sub fail ${why}`,
    ]);
  });

  test("without a result it is complete all the same; resolved by hand too", () => {
    expect(ended(waiting(), { child: child({ state: "complete" }) })[0]).toBe("sub succeeded 0");
    expect(ended(waiting(), { child: child({ state: "resolved_manually" }) })[0]).toBe("sub succeeded 0");
  });

  test("results too large for one fail the step, whatever attempts remain", () => {
    const two = child({ state: "complete" });
    const steps = two.steps.map((each) => ({ ...each, dependsOn: [], outputBytes: limits.resultBytes / 2 }));
    const message = `the result of child task t2 is over ${limits.resultBytes} bytes: let it return less`;
    expect(ended(waiting(), { child: { ...two, steps } })).toEqual([
      `sub failed ${message}`,
      `sub fail ${message}`,
    ]);
  });

  test("its failure is a failed attempt: another task, later; a cancel is not tried again", () => {
    const errorMessage = "no such row";
    expect(ended(waiting(), { child: child({ state: "error", errorMessage }) })).toEqual([
      "sub failed child task t2 ended FAILED: no such row",
      "sub waitForRetry 505",
      "setDeadline sub retry 505",
    ]);
    expect(ended(waiting({ attempts: 2 }), { child: child({ state: "error" }) })).toEqual([
      "sub failed child task t2 ended FAILED: no reason given",
      "sub fail child task t2 ended FAILED: no reason given",
    ]);
    const stopped = { state: "cancelled", errorMessage: "not needed" } as const;
    expect(ended(waiting(), { child: child(stopped) })).toEqual([
      "sub failed child task t2 ended CANCELLED: not needed",
      "sub fail child task t2 ended CANCELLED: not needed",
    ]);
  });

  test("counts only while the step waits for this very task, and once that has ended", () => {
    const done = { child: child({ state: "complete" }) };
    expect(ended(waiting({ childId: "t3" as TaskId }), done)).toEqual([]);
    expect(ended(waiting({ state: "cancelled" }), done)).toEqual([]);
    expect(ended(waiting({ state: "waiting_for_retry" }), done)).toEqual([]);
    for (const state of taskStates) {
      expect(ended(waiting(), { child: child({ state }) }).length > 0, state).toBe(isTerminal(state));
    }
  });
});
