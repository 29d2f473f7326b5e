import { describe, expect, test } from "vitest";
import { expand } from "#actors/task-finalizer/expand";
import type { Plan } from "#domain/graph/plan";
import type { Json } from "#domain/json/json";
import type { StepRow } from "#domain/task/step";
import { instant } from "#domain/time/time";
import { limits } from "#limits/index";
import { asked } from "../kit/asked.js";
import { called, plan, stepsOf } from "../kit/plans.js";
import { spec, t1, task } from "../kit/rows.js";
import { decide, type ViewParts } from "../kit/views.js";

const at = instant(5);
const busy = task({ state: "steps_in_process", counts: { complete: 1 }, hasRun: true });
const answered: Partial<StepRow> = { state: "enqueued_for_orchestration", attempts: 1, fence: 1 };

/** What is asked for when the Step's result is followed. */
function unfolded(
  of: Plan,
  stepName: string,
  result: Json | string,
  part: Partial<ViewParts> = {},
): string[] {
  const steps = part.steps ?? stepsOf(of, { [stepName]: answered });
  const message = {
    type: "expand",
    taskId: t1,
    stepName,
    template: of.template,
    output: typeof result === "string" ? result : JSON.stringify(result),
  } as const;
  return asked(decide(expand, message, { task: busy, steps, plan: of, ...part }, at));
}

describe("a decision", () => {
  const flow = plan([
    { name: "check" },
    { name: "route", type: "decision", dependencies: ["check"] },
    { name: "left", dependencies: ["route"] },
    { name: "right", dependencies: ["route"] },
    { name: "side" },
    { name: "end", type: "deferred_convergence", dependencies: ["left", "right", "side"] },
    { name: "split", type: "batchable", dependencies: ["route"], batch_config: { worker_template: "rows" } },
    { name: "rows", type: "batch_worker", dependencies: ["split"] },
  ]);
  const chooses = (...step_names: Json[]) => ({
    decision_point_outcome: { type: "create_steps", step_names },
  });
  const further = { check: { state: "complete" }, route: answered } as const;

  test("makes the branches that are chosen; what joins them has more to wait for, and then it is complete", () => {
    expect(unfolded(flow, "route", chooses("left"))).toMatchInlineSnapshot(`
      [
        "task stepsAdded 1",
        "new left after [route] open 1",
        "addDependencies route dependsOn [] 0 dependants [left] members []",
        "addDependencies end dependsOn [left] 1 dependants [] members []",
        "route complete 2",
        "tell step.satisfied route",
      ]
    `);
  });

  test("may not choose what follows from a branch, with that branch or without", () => {
    const deeper = plan([
      { name: "route", type: "decision" },
      { name: "left", dependencies: ["route"] },
      { name: "after", dependencies: ["left"] },
    ]);
    for (const result of [chooses("left", "after"), chooses("after")]) {
      expect(unfolded(deeper, "route", result)).toEqual([
        'route fail the result of decision "route" cannot be followed: step "after" does not directly follow from this decision; its branches are "left"',
      ]);
    }
  });

  test("counts what is done already as done, for branches that depend on that too", () => {
    const both = plan([
      { name: "side" },
      { name: "route", type: "decision" },
      { name: "left", dependencies: ["route", "side"] },
    ]);
    const steps = stepsOf(both, { side: { state: "complete" }, route: answered });
    expect(unfolded(both, "route", chooses("left"), { steps })).toContain(
      "new left after [route side] open 1",
    );
    expect(unfolded(both, "route", chooses("left"))).toContain("new left after [route side] open 2");
  });

  test("may choose nothing, and is complete all the same", () => {
    const none = { decision_point_outcome: { type: "no_branches" } };
    expect(unfolded(flow, "route", none, { steps: stepsOf(flow, further) })).toEqual([
      "route complete 2",
      "tell step.satisfied route",
    ]);
  });

  test("a name that comes twice is one branch", () => {
    expect(unfolded(flow, "route", chooses("left", "left"))).toEqual(
      unfolded(flow, "route", chooses("left")),
    );
  });

  const followed = 'the result of decision "route" cannot be followed: ';
  const names = "step_names is no list of names";
  const branches = 'its branches are "left", "right", "split"';
  const elsewhere = `does not directly follow from this decision; ${branches}`;
  const outcome = (value: Json) => ({ decision_point_outcome: value });
  test.each<[string, Json | string]>([
    ['it has no object "decision_point_outcome"', ""],
    ['it has no object "decision_point_outcome"', 7],
    ['it has no object "decision_point_outcome"', ["create_steps"]],
    ['it has no object "decision_point_outcome"', outcome("no_branches")],
    ['its type is neither "create_steps" nor "no_branches"', outcome({})],
    ['its type is neither "create_steps" nor "no_branches"', outcome({ type: "CreateSteps" })],
    [names, outcome({ type: "create_steps" })],
    [names, outcome({ type: "create_steps", step_names: "left" })],
    [names, chooses()],
    [`step 7 is not in the template; ${branches}`, chooses(7)],
    [`step "nowhere" is not in the template; ${branches}`, chooses("nowhere")],
    [`step "check" ${elsewhere}`, chooses("left", "check")],
    [`step "route" ${elsewhere}`, chooses("route")],
    [`step "side" ${elsewhere}`, chooses("side")],
    [`step "rows" ${elsewhere}`, chooses("rows")],
    [`step "end" ${elsewhere}`, chooses("end")],
  ])("that cannot be followed fails the step: %s", (problem, result) => {
    expect(unfolded(flow, "route", result)).toEqual([`route fail ${followed}${problem}`]);
  });

  test("cannot be followed without its template", () => {
    const steps = stepsOf(flow, { route: answered });
    const message = {
      type: "expand",
      taskId: t1,
      stepName: "route",
      template: flow.template,
      output: "{}",
    } as const;
    expect(asked(decide(expand, message, { task: busy, steps }, at))).toEqual([
      "route fail the template of this task is no longer known",
    ]);
  });

  test("is followed once: a step that has moved on makes nothing", () => {
    const steps = stepsOf(flow, { route: { state: "complete" } });
    expect(unfolded(flow, "route", chooses("left"), { steps })).toEqual([]);
  });
});

describe("a batch", () => {
  const flow = (batch: object = {}) =>
    plan([
      {
        name: "split",
        type: "batchable",
        batch_config: { worker_template: "rows", parallelism: 2, batch_size: 10, ...batch },
      },
      { name: "rows", type: "batch_worker", dependencies: ["split"] },
      { name: "sum", type: "deferred_convergence", dependencies: ["rows"] },
    ]);
  const outcome = (part: object) => ({ batch_processing_outcome: part as Json });
  const batches = (...cursor_configs: Json[]) =>
    outcome({ type: "create_batches", worker_count: cursor_configs.length, cursor_configs, total_items: 25 });
  const three = [1, 2, 3].map((n) => ({
    batch_id: `00${n}`,
    start_cursor: n * 10,
    end_cursor: n * 10 + 9,
    batch_size: 10,
  }));

  test("makes its workers with their parts of the work, and lets so many go", () => {
    expect(unfolded(flow(), "split", batches(...three))).toMatchInlineSnapshot(`
      [
        "task stepsAdded 4",
        "new rows_001 after [split] open 1",
        "new rows_002 after [split] open 1",
        "new rows_003 after [split] open 1",
        "new sum after [rows_001 rows_002 rows_003] open 3",
        "keepInput rows_001 {"batch":{"batch_id":"001","start_cursor":10,"end_cursor":19,"batch_size":10,"cursor_field":"id","total_items":25,"failure_strategy":"fail_fast","is_no_op":false}}",
        "keepInput rows_002 {"batch":{"batch_id":"002","start_cursor":20,"end_cursor":29,"batch_size":10,"cursor_field":"id","total_items":25,"failure_strategy":"fail_fast","is_no_op":false}}",
        "keepInput rows_003 {"batch":{"batch_id":"003","start_cursor":30,"end_cursor":39,"batch_size":10,"cursor_field":"id","total_items":25,"failure_strategy":"fail_fast","is_no_op":false}}",
        "addDependencies split dependsOn [] 0 dependants [rows_001 rows_002 rows_003] members [rows_001 rows_002 rows_003]",
        "task opened split 2",
        "split complete 2",
        "tell step.satisfied split",
      ]
    `);
  });

  test("with nothing to do makes one worker that is told so", () => {
    const commands = unfolded(
      flow({ cursor_field: "nr", failure_strategy: "isolate" }),
      "split",
      outcome({ type: "no_batches" }),
    );
    expect(commands.slice(1, 4)).toEqual([
      "new rows_000 after [split] open 1",
      "new sum after [rows_000] open 1",
      'keepInput rows_000 {"batch":{"batch_id":"000","start_cursor":0,"end_cursor":0,"batch_size":0,"cursor_field":"nr","total_items":0,"failure_strategy":"isolate","is_no_op":true}}',
    ]);
  });

  test("may leave out what it has said by the list itself", () => {
    const plain = outcome({ type: "create_batches", cursor_configs: [{ batch_id: "x" }] });
    expect(unfolded(flow(), "split", plain)).toContain(
      'keepInput rows_x {"batch":{"batch_id":"x","start_cursor":null,"end_cursor":null,"batch_size":null,"cursor_field":"id","total_items":0,"failure_strategy":"fail_fast","is_no_op":false}}',
    );
  });

  test("gives its workers the tries of their template, or those the request asked for", () => {
    const of = plan([
      { name: "split", type: "batchable", batch_config: { worker_template: "rows" } },
      { name: "rows", type: "batch_worker", retry: { max_attempts: 4 } },
    ]);
    const steps = stepsOf(of, { split: answered });
    const message = { type: "expand", taskId: t1, stepName: "split", template: of.template } as const;
    const tries = (maxAttempts: number) => {
      const parts = {
        task: { ...busy, spec: spec({ maxAttempts }) },
        step: called("split", steps),
        steps,
        plan: of,
      };
      const commands = decide(expand, { ...message, output: JSON.stringify(batches(...three)) }, parts, at);
      return commands.flatMap((command) =>
        command.type === "createStep" ? command.params.step.maxAttempts : [],
      );
    };
    expect([tries(0), tries(7)]).toEqual([
      [4, 4, 4],
      [7, 7, 7],
    ]);
  });

  const wrongId = (id: string) => `batch_id ${id} is not 1 to 64 letters, digits, "_", "." or "-"`;
  test.each<[string, Json]>([
    ['it has no object "batch_processing_outcome"', null],
    ['its type is neither "create_batches" nor "no_batches"', outcome({ type: "create_steps" })],
    ["cursor_configs is no list of batches", outcome({ type: "create_batches" })],
    ["cursor_configs is no list of batches", outcome({ type: "create_batches", cursor_configs: {} })],
    ["cursor_configs is no list of batches", batches()],
    [
      "worker_count is 2, but cursor_configs has 1 batches",
      outcome({ type: "create_batches", worker_count: 2, cursor_configs: [{ batch_id: "1" }] }),
    ],
    [
      'worker_template_name is "others", the template says "rows"',
      outcome({
        type: "create_batches",
        worker_template_name: "others",
        cursor_configs: [{ batch_id: "1" }],
      }),
    ],
    [wrongId("undefined"), batches("001")],
    [wrongId("1"), batches({ batch_id: 1 })],
    [wrongId('""'), batches({ batch_id: "" })],
    [wrongId('"a/b"'), batches({ batch_id: "a/b" })],
    ['batch_id "1" comes twice', batches({ batch_id: "1" }, { batch_id: "2" }, { batch_id: "1" })],
    ['batch "1" holds 11 items, batch_size allows 10', batches({ batch_id: "1", batch_size: 11 })],
  ])("that cannot be followed fails the step: %s", (problem, result) => {
    expect(unfolded(flow(), "split", result)).toEqual([
      `split fail the result of batchable "split" cannot be followed: ${problem}`,
    ]);
  });

  test("cannot make a step that is there", () => {
    const of = flow();
    const steps = [
      ...stepsOf(of, { split: answered }),
      { ...called("split", stepsOf(of)), name: "rows_001" },
    ];
    expect(unfolded(of, "split", batches(...three), { steps })).toEqual([
      'split fail the result of batchable "split" cannot be followed: a step "rows_001" is there already',
    ]);
  });

  test("cannot make a task larger than a task may be, in steps or in dependencies", () => {
    const many = (count: number) =>
      batches(...Array.from({ length: count }, (_, i) => ({ batch_id: String(i) })));
    const failed = 'split fail the result of batchable "split" cannot be followed: the task would have ';
    const room = limits.taskSteps - 2; // the batch itself, and what joins it
    expect(unfolded(flow(), "split", many(room)).at(-1)).toBe("tell step.satisfied split");
    expect(unfolded(flow(), "split", many(room + 1))).toEqual([
      `${failed}${limits.taskSteps + 1} steps, ${limits.taskSteps} are the most`,
    ]);

    const joins = Array.from({ length: 20 }, (_, i) => ({
      name: `join${i}`,
      type: "deferred_convergence" as const,
      dependencies: ["rows"],
    }));
    const dense = plan([
      { name: "split", type: "batchable", batch_config: { worker_template: "rows" } },
      { name: "rows", type: "batch_worker" },
      ...joins,
    ]);
    expect(unfolded(dense, "split", many(500))).toEqual([
      `${failed}${500 + 20 * 500} dependencies, ${limits.taskEdges} are the most`,
    ]);
  });
});
