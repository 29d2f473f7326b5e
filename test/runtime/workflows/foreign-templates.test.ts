import { describe, expect, test } from "vitest";
import { planOf } from "#domain/graph/plan";
import type { Json } from "#domain/json/json";
import type { TemplateBody } from "#domain/template/template";
import { readTemplate } from "#templates/index";
import { type Agent, begin, shown, stepOf, work, workflowBed } from "../kit/workflow-bench.js";

/** A template as another system writes it. */
function foreign(steps: string, rest = ""): TemplateBody {
  const text = `name: import\nnamespace_name: stock\nversion: 1.0.0\n${rest}\nsteps:\n${steps}`;
  const { template, findings } = readTemplate(text);
  expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
  if (!template) throw new Error("no template");
  return template.body;
}

const callable = (name: string, initialization = "{}") =>
  `handler: { callable: ${name}, initialization: ${initialization} }`;

const worker = (name: string, after: string, rest = "") => `
  - name: ${name}
    type: batch_worker
    dependencies: [${after}]
    lifecycle: { max_steps_in_process_minutes: 120, max_retries: 3, backoff_multiplier: 2.0 }
    ${callable("rows")}
    batch_config: { batch_size: 2, parallelism: 2, cursor_field: line, worker_template: ${name}, failure_strategy: continue_on_failure }
    ${rest}
`;

const analyze = (initialization = "{}") =>
  `  - { name: analyze, type: batchable, dependencies: [], ${callable("csv", initialization)} }`;
const sum = (...after: string[]) =>
  `  - { name: sum, type: deferred_convergence, dependencies: [${after.join(", ")}], ${callable("sum")} }`;

const cursors = (count: number) =>
  Array.from({ length: count }, (_, i) => ({
    batch_id: `00${i + 1}`,
    ...{ start_cursor: i * 500, end_cursor: i * 500 + 500, batch_size: 500 },
  }));

const batches =
  (outcome: { readonly [name: string]: Json }, other: Agent = () => ({ result: 1 })): Agent =>
  (frame, input) => {
    if (frame.agentName !== "csv") return other(frame, input);
    const cursor_configs = cursors(3);
    const made = { type: "create_batches", worker_count: 3, cursor_configs, total_items: 1_500 };
    return { result: { batch_processing_outcome: { ...made, ...outcome } } };
  };

/** Runs the template; the end, and the error of the batch. */
async function run(body: TemplateBody, agent: Agent): Promise<string> {
  const { bench, worker: hand } = await workflowBed();
  const served = bench.worker("w2", { agents: ["csv", "rows", "sum", "route", "echo"], capacity: 100 });
  await bench.settle();
  const { task } = await begin(bench, { ...body, namespace_name: "default" });
  for (let turns = 0; turns < 4; turns += 1) {
    await work(bench, served, agent);
    await work(bench, hand, agent);
  }
  const { errorMessage } = await stepOf(bench, task.id, "analyze");
  return [await shown(bench, task.id), errorMessage].join(" ").trim();
}

describe("a batch whose settings stand on its worker", () => {
  const done =
    "complete analyze=complete process_001=complete process_002=complete process_003=complete sum=complete";
  const flow = (initialization?: string) =>
    foreign([analyze(initialization), worker("process", "analyze"), sum("process")].join("\n"));

  test.each([
    ["its result", flow(), { worker_template_name: "process" }],
    ["its initialization", flow("{ worker_template_name: process }"), {}],
    ["both", flow("{ worker_template_name: process }"), { worker_template_name: "process" }],
    ["nobody, but there is only one", flow(), {}],
    ["an empty name", flow('{ worker_template_name: "" }'), {}],
  ])("runs when %s names the worker", async (_, body, outcome) => {
    expect(await run(body, batches(outcome))).toBe(done);
  });

  test("its parallelism, cursor field and failure strategy take effect; its size is for people", async () => {
    const { batch } = planOf(flow(), "development").steps[0]?.spec ?? {};
    expect(batch).toEqual({
      ...{ workerTemplate: "process", batchSize: 0, parallelism: 2, cursorField: "line" },
      failure: "continue_on_failure",
    });
    const fails: Agent = ({ stepName }) =>
      stepName === "process_002" ? { error: "no", retryable: false } : { result: 1 };
    expect(await run(flow(), batches({}, fails))).toBe(
      done.replace("process_002=complete", "process_002=error"),
    );
  });

  test("nothing to do still runs one worker and what joins it", async () => {
    expect(await run(flow(), batches({ type: "no_batches" }))).toBe(
      "complete analyze=complete process_000=complete sum=complete",
    );
  });

  test("what the batch says of itself takes precedence", () => {
    const body = foreign(
      [
        `  - { name: analyze, type: batchable, ${callable("csv")}, batch_config: { worker_template: process, parallelism: 7 } }`,
        worker("process", "analyze"),
      ].join("\n"),
    );
    expect(planOf(body, "development").steps[0]?.spec.batch).toMatchObject({
      ...{ batchSize: 1_000, parallelism: 7, cursorField: "line", failure: "continue_on_failure" },
    });
  });
});

describe("a batch that may have one of several workers", () => {
  const two = foreign(
    [analyze(), worker("fast", "analyze"), worker("slow", "analyze"), sum("fast", "slow")].join("\n"),
  );

  test("has the one that its result names, and the other is never made", async () => {
    expect(await run(two, batches({ worker_template_name: "slow" }))).toBe(
      "complete analyze=complete slow_001=complete slow_002=complete slow_003=complete sum=complete",
    );
  });

  test("has the one that its initialization names, if its result names none", async () => {
    const steps = [
      analyze("{ worker_template_name: slow }"),
      worker("fast", "analyze"),
      worker("slow", "analyze"),
    ];
    const named = foreign([...steps, sum("fast", "slow")].join("\n"));
    expect(await run(named, batches({}))).toMatch(/^complete analyze=complete slow_001=/);
    expect(await run(named, batches({ worker_template_name: "fast" }))).toMatch(/^complete .* fast_001=/);
  });

  test.each([
    [{}, 'worker_template_name is missing; the template has the workers "fast", "slow"'],
    [{ worker_template_name: "slwo" }, 'worker_template_name is "slwo", the template says "fast", "slow"'],
    [{ worker_template_name: "sum" }, 'worker_template_name is "sum", the template says "fast", "slow"'],
    [{ worker_template_name: 7 }, "worker_template_name is 7"],
  ])("fails if it is not said which: %j", async (outcome, message) => {
    expect(await run(two, batches(outcome))).toContain(message);
  });
});

test("a decision chooses batches that name their workers, and what joins them waits for all", async () => {
  const half = (name: string) => `
  - { name: ${name}, type: batchable, dependencies: [analyze], ${callable("csv", `{ worker_template_name: ${name}_rows }`)} }
${worker(`${name}_rows`, name)}`;
  const body = foreign(
    [
      `  - { name: start, ${callable("echo")} }`,
      `  - { name: analyze, type: decision, dependencies: [start], ${callable("route")} }`,
      half("even"),
      half("odd"),
      sum("even_rows", "odd_rows"),
    ].join("\n"),
  );
  const both: Agent = ({ agentName }) =>
    agentName === "route"
      ? { result: { decision_point_outcome: { type: "create_steps", step_names: ["even", "odd"] } } }
      : { result: 1 };
  const end = await run(body, batches({ cursor_configs: cursors(1), worker_count: 1 }, both));
  const [state, ...steps] = end.split(" ");
  const names = ["start", "analyze", "even", "odd", "even_rows_001", "odd_rows_001", "sum"];
  expect([state, steps.sort()]).toEqual(["complete", names.map((name) => `${name}=complete`).sort()]);
});

test("another system's words for retries take effect, and ours take precedence", () => {
  const body = foreign(
    `
  - { name: a, ${callable("x")}, retry: { limit: 5, initial_delay: 2, max_delay: 0.5 } }
  - { name: b, ${callable("x")}, retry: { limit: 5, max_attempts: 2, initial_delay: 2, backoff_base_ms: 7 } }
  - { name: c, ${callable("x")}, retry: { limit: 0 } }
  - { name: d, ${callable("x")}, retry: { max_attempts: 4 } }
`,
    "environments: { production: { steps: [{ name: ALL, retry: { limit: 1, max_delay: 3 } }] } }\nloaded_from: /srv/a.yaml",
  );
  const said = (environment: string) =>
    planOf(body, environment).steps.map(({ spec: { maxAttempts, retry } }) => [
      maxAttempts,
      retry.base,
      retry.max,
    ]);
  expect(said("development")).toEqual([
    [5, 2_000, 500],
    [2, 7, 30_000],
    [1, 1_000, 30_000],
    [4, 1_000, 30_000],
  ]);
  expect(said("production").map(([attempts, , most]) => [attempts, most])).toEqual(Array(4).fill([1, 3_000]));
  expect(Object.entries(body)).toContainEqual(["loaded_from", "/srv/a.yaml"]);
});
