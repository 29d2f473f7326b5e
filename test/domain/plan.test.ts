import fc from "fast-check";
import { expect, test } from "vitest";
import { inOrder } from "#domain/graph/order";
import { planOf } from "#domain/graph/plan";
import { planDefaults } from "#domain/graph/plan-defaults";
import type { TemplateBody, TemplateStep } from "#domain/template/template";

const step = (name: string, rest: Partial<TemplateStep> = {}): TemplateStep => ({
  name,
  handler: { callable: `${name}-agent` },
  ...rest,
});

const body = (steps: readonly TemplateStep[], rest: Partial<TemplateBody> = {}): TemplateBody => ({
  name: "order",
  namespace_name: "shop",
  version: "1.0.0",
  steps,
  ...rest,
});

test("what a template leaves out has its default", () => {
  const plan = planOf(body([step("only")]), "production");

  expect(plan).toMatchObject({
    template: { namespace: "shop", name: "order", version: "1.0.0" },
    environment: "production",
    timeoutMs: 0,
    identity: "always_unique",
    identityWindowMs: 0,
    holdOnFailure: false,
    isCompensable: false,
  });
  expect(plan.steps).toMatchObject([
    {
      name: "only",
      agentName: "only-agent",
      dependsOn: [],
      spec: {
        type: "standard",
        maxAttempts: planDefaults.maxAttempts,
        timeoutMs: 0,
        config: null,
        retry: { backoff: "exponential", base: 1_000, max: 30_000, jitter: 0.1 },
      },
    },
  ]);
});

test("seconds and minutes become milliseconds", () => {
  const steps = [step("only", { timeout_seconds: 90 })];
  const plan = planOf(
    body(steps, { lifecycle: { max_duration_minutes: 2 }, identity_window_seconds: 60 }),
    "development",
  );

  expect(plan.steps[0]?.spec.timeoutMs).toBe(90_000);
  expect(plan.timeoutMs).toBe(120_000);
  expect(plan.identityWindowMs).toBe(60_000);
});

test("a step that cannot be retried has one try, whatever max_attempts says", () => {
  const plan = planOf(body([step("once", { retry: { retryable: false, max_attempts: 9 } })]), "development");

  expect(plan.steps[0]?.spec.maxAttempts).toBe(1);
});

test("a first delay longer than the usual longest one is not cut short by it", () => {
  const longest = (retry: NonNullable<ReturnType<typeof step>["retry"]>) =>
    planOf(body([step("a", { retry })]), "development").steps[0]?.spec.retry.max;

  expect(longest({ initial_delay: 60 })).toBe(60_000);
  expect(longest({ backoff_base_ms: 31_000 })).toBe(31_000);
  expect(longest({ backoff_base_ms: 60_000, max_backoff_ms: 5_000 })).toBe(5_000);
  expect(longest({ backoff_base_ms: 1 })).toBe(30_000);
});

test("a step may lose three runs, or as many as it says, and none if it cannot be retried", () => {
  const most = (retry: NonNullable<ReturnType<typeof step>["retry"]>) =>
    planOf(body([step("a", { retry })]), "development").steps[0]?.spec.maxLosses;

  expect(most({})).toBe(3);
  expect(most({ max_attempts: 1 })).toBe(3);
  expect(most({ max_losses: 7 })).toBe(7);
  expect(most({ retryable: false })).toBe(0);
  expect(most({ retryable: false, max_losses: 1 })).toBe(1);
});

test("an environment changes every step by ALL, and what it says of one by name wins", () => {
  const steps = [
    step("a", { handler: { callable: "x", initialization: { url: "dev", size: 1 } } }),
    step("b", { retry: { max_attempts: 2, backoff: "linear" } }),
  ];
  const environments = {
    production: {
      steps: [
        { name: "b", timeout_seconds: 9, retry: { max_attempts: 7 } },
        { name: "ALL", timeout_seconds: 5, handler: { initialization: { url: "prod" } } },
      ],
    },
  };
  const plan = planOf(body(steps, { environments }), "production");

  expect(plan.steps.map(({ spec }) => [spec.config, spec.timeoutMs, spec.maxAttempts])).toEqual([
    [{ url: "prod", size: 1 }, 5_000, 3],
    [{ url: "prod" }, 9_000, 7],
  ]);
  expect(plan.steps[1]?.spec.retry.backoff).toBe("linear");
  expect(planOf(body(steps, { environments }), "staging").steps[0]?.spec.config).toEqual({
    url: "dev",
    size: 1,
  });
});

test("steps that undo others are no part of the order, and are known to those they undo", () => {
  const steps = [step("refund", { timeout_seconds: 3 }), step("charge", { compensate: "refund" })];
  const plan = planOf(body(steps), "development");

  expect(plan.isCompensable).toBe(true);
  expect(plan.steps.map(({ name }) => name)).toEqual(["charge"]);
  expect(plan.steps[0]?.spec.compensation).toMatchObject({
    name: "refund",
    agentName: "refund-agent",
    timeoutMs: 3_000,
  });
});

test("a batch's workers come after it, though they need not say so", () => {
  const steps = [
    step("total", { type: "deferred_convergence", dependencies: ["worker"] }),
    step("worker", { type: "batch_worker" }),
    step("cut", { type: "batchable", batch_config: { worker_template: "worker", parallelism: 4 } }),
  ];
  const plan = planOf(body(steps), "development");

  expect(plan.steps.map(({ name }) => name)).toEqual(["cut", "worker", "total"]);
  expect(plan.steps[0]?.spec.batch).toEqual({
    workerTemplate: "worker",
    batchSize: 1_000,
    parallelism: 4,
    cursorField: "id",
    failure: "fail_fast",
  });
});

/** Graphs whose edges all lead from an earlier step to a later one, in some other order of writing. */
const acyclic = fc
  .array(fc.array(fc.nat({ max: 999 }), { maxLength: 4 }), { minLength: 1, maxLength: 40 })
  .chain((rows) => {
    const steps = rows.map((picks, i) => {
      const before = i === 0 ? [] : [...new Set(picks.map((pick) => `s${pick % i}`))];
      return step(`s${i}`, { dependencies: before });
    });
    return fc.shuffledSubarray(steps, { minLength: steps.length });
  });

test("every step of a plan comes after all it depends on, and none is lost", () => {
  fc.assert(
    fc.property(acyclic, (steps) => {
      const seen = new Set<string>();
      for (const { name, dependsOn } of planOf(body(steps), "development").steps) {
        expect(dependsOn.filter((before) => !seen.has(before))).toEqual([]);
        seen.add(name);
      }
      expect(seen.size).toBe(steps.length);
    }),
  );
});

test("of a circle no step is put in order", () => {
  const steps = [step("a", { dependencies: ["b"] }), step("b", { dependencies: ["a"] }), step("c")];

  expect(inOrder(steps).map(({ name }) => name)).toEqual(["c"]);
});
