import { expect, test } from "vitest";
import { planOf } from "#domain/graph/plan";
import type { TemplateBody } from "#domain/template/template";
import { begin, register, stepOf, template, work, workflowBed } from "../kit/workflow-bench.js";

const never = { retryable: false } as const;
const often = { max_attempts: 9, backoff: "none" } as const;

/** How often a step that always fails is tried, and how often it says that it may be. */
async function attempts(
  body: TemplateBody,
  maxAttempts: number,
  environment = "development",
): Promise<string> {
  const { bench, worker } = await workflowBed();
  await register(bench, body);
  const plan = planOf(body, environment);
  const { task } = await bench.create(
    { agentName: "", maxAttempts, template: plan.template, environment },
    { plan, input: "{}" },
  );
  const tries = await work(bench, worker, () => ({ error: "no" }));
  const step = await stepOf(bench, task.id, "charge");
  return `${tries} of ${step.maxAttempts}, ${step.state}`;
}

const charge = (retry: object, environments: TemplateBody["environments"] = {}) =>
  template([{ name: "charge", retry }], { environments });

test.each([
  ["the template alone", charge({ ...never, ...often }), 0, "1 of 1, error"],
  ["a request", charge(never), 5, "1 of 1, error"],
  ["a request for one", charge(never), 1, "1 of 1, error"],
  [
    "an environment",
    charge(never, { development: { steps: [{ name: "charge", retry: often }] } }),
    0,
    "1 of 1, error",
  ],
  ["both", charge(never, { development: { steps: [{ name: "ALL", retry: often }] } }), 5, "1 of 1, error"],
])("what may not be retried is tried once, whoever asks for more: %s", async (_, body, asked, expected) => {
  expect(await attempts(body, asked)).toBe(expected);
});

test("an environment may forbid retries, and may allow them again", async () => {
  const forbids = charge(often, { development: { steps: [{ name: "ALL", retry: never }] } });
  expect(await attempts(forbids, 5)).toBe("1 of 1, error");
  const allows = charge(
    { ...never, ...often },
    { development: { steps: [{ name: "ALL", retry: { retryable: true } }] } },
  );
  expect(await attempts(allows, 0)).toBe("9 of 9, error");
  expect(await attempts(charge(often), 5)).toBe("5 of 5, error");
});

test("no attempts at all are one attempt, and a request may ask for more", async () => {
  expect(await attempts(charge({ max_attempts: 0 }), 0)).toBe("1 of 1, error");
  expect(await attempts(charge({ max_attempts: 0, backoff: "none" }), 3)).toBe("3 of 3, error");
});

test("the members of a map and of a batch are not retried either", async () => {
  const body = template([
    { name: "each", type: "map", map: { over: "input/list" }, retry: never },
    { name: "split", type: "batchable", batch_config: { worker_template: "part" } },
    { name: "part", type: "batch_worker", dependencies: ["split"], retry: never },
  ]);
  const { bench, worker } = await workflowBed();
  const { task } = await begin(bench, body, { input: { list: [1, 2] }, maxAttempts: 4 });
  await work(bench, worker, () => ({
    result: { batch_processing_outcome: { type: "create_batches", cursor_configs: [{ batch_id: "a" }] } },
  }));
  const steps = await Promise.all(
    ["each_000", "part_a", "split"].map((name) => stepOf(bench, task.id, name)),
  );
  expect(steps.map(({ maxAttempts }) => maxAttempts)).toEqual([1, 1, 4]);
});
