import { expect, test } from "vitest";
import { rowsOfDraft } from "#actors/task/make";
import { planOf } from "#domain/graph/plan";
import { planDefaults } from "#domain/graph/plan-defaults";
import { DEFAULT_RETRY } from "#domain/task/retry";
import type { StepRow } from "#domain/task/step";
import type { TaskSpec } from "#domain/task/task";
import type { TemplateStep } from "#domain/template/template";
import { instant, millis } from "#domain/time/time";
import { type Announcement, NOTHING_ANNOUNCED } from "#domain/worker/agent";
import { limits } from "#limits/index";
import { planDraft, template } from "./kit/plans.js";
import { draft } from "./kit/rows.js";
import { viewOf } from "./kit/views.js";

const announced = (part: Partial<Announcement>): Announcement => ({ ...NOTHING_ANNOUNCED, ...part });
const ofAgent = announced({
  retry: { attempts: 7, backoff: "fibonacci", base: millis(300), max: millis(9_000), only: [] },
  timeoutMs: millis(5_000),
});

/** The Steps of a Task of these steps of a template, whose agent `triage` announces this. */
function steps(
  said: readonly (Partial<TemplateStep> & { readonly name: string })[],
  asked: Partial<TaskSpec> = {},
  agents: Readonly<Record<string, Announcement>> = { triage: ofAgent },
): Record<string, StepRow> {
  const body = template(said.map((step) => ({ retry: {}, ...step })));
  const made = rowsOfDraft(
    planDraft(planOf(body, "development"), asked),
    viewOf({ announced: agents }),
    instant(1),
  );
  return Object.fromEntries(made.steps.map((step) => [step.name, step]));
}

test("what a template leaves open of a step is as its agent announces", () => {
  const { a } = steps([{ name: "a" }]);
  expect(a).toMatchObject({
    maxAttempts: 7,
    spec: {
      maxAttempts: 7,
      timeoutMs: 5_000,
      retry: { backoff: "fibonacci", base: 300, max: 9_000, jitter: planDefaults.jitter },
    },
  });
});

test("a template wins over the agent, each of its words by itself, and the request over both", () => {
  const said = { max_attempts: 2, backoff: "none", backoff_base_ms: 40_000 } as const;
  const { a, b } = steps([
    { name: "a", retry: said, timeout_seconds: 9 },
    { name: "b", retry: { max_backoff_ms: 50 } },
  ]);
  expect(a).toMatchObject({
    maxAttempts: 2,
    // The agent's longest delay does not cut the first one that the template says.
    spec: { timeoutMs: 9_000, retry: { backoff: "none", base: 40_000, max: 40_000 } },
  });
  expect(b?.spec.retry).toMatchObject({ backoff: "fibonacci", base: 300, max: 50 });
  expect(steps([{ name: "a", retry: said }, { name: "b" }], { maxAttempts: 4 })).toMatchObject({
    a: { maxAttempts: 4 },
    b: { maxAttempts: 4 },
  });
});

test("another system's words count as the template's", () => {
  const { a } = steps([{ name: "a", retry: { limit: 2, initial_delay: 1, max_delay: 2 } }]);
  expect(a).toMatchObject({ maxAttempts: 2, spec: { retry: { base: 1_000, max: 2_000 } } });
});

test("a step that is not to be retried is not, whatever its agent announces", () => {
  const { a } = steps([{ name: "a", retry: { retryable: false } }]);
  expect(a).toMatchObject({ maxAttempts: 1, spec: { maxAttempts: 1, retryable: false, timeoutMs: 5_000 } });
});

test("an agent that announces only a schema changes nothing, and its steps share the plan's object", () => {
  const body = template([{ name: "a", retry: {} }]);
  const plan = planOf(body, "development");
  const view = viewOf({ announced: { triage: announced({ digest: "d", inputSchema: "{}" }) } });
  const { steps: made } = rowsOfDraft(planDraft(plan), view, instant(1));
  expect(made[0]?.spec).toBe(plan.steps[0]?.spec);
});

test("the step that compensates another one is tried as its own agent announces", () => {
  const refund = { name: "give_back", handler: { callable: "refund" } };
  const agents = { refund: announced({ retry: { attempts: 9, only: [] } }) };
  const { a } = steps([{ name: "a", compensate: "give_back" }, refund], {}, agents);
  expect(a?.spec).toMatchObject({ maxAttempts: planDefaults.maxAttempts, compensation: { maxAttempts: 9 } });
});

test("a step that is a Task of an agent is retried as that announces, and its timeout bounds the Run only", () => {
  const { a } = steps([{ name: "a", type: "child_task", child: { agent: "triage" } }]);
  expect(a).toMatchObject({ maxAttempts: 7, spec: { timeoutMs: 0 } });
});

test("a Task that names an agent has its delays and timeout; how often it is tried, the request has said by then", () => {
  const view = viewOf({ announced: { triage: ofAgent } });
  const made = rowsOfDraft(draft("t1", { agentName: "triage", maxAttempts: 3 }), view, instant(1));
  expect(made.steps[0]).toMatchObject({
    maxAttempts: 3,
    spec: { timeoutMs: 5_000, retry: { backoff: "fibonacci", base: 300, max: 9_000, jitter: 1 } },
  });
  const other = rowsOfDraft(draft("t1", { agentName: "other" }), view, instant(1));
  expect(other.steps[0]?.spec).toMatchObject({ timeoutMs: 0, retry: DEFAULT_RETRY });
});

test("a longest delay below the usual first one shortens that, and a first one above the usual longest raises this", () => {
  const retryOf = (retry: Partial<Announcement["retry"]>) =>
    rowsOfDraft(
      draft("t1", { agentName: "triage" }),
      viewOf({ announced: { triage: announced({ retry: { only: [], ...retry } }) } }),
      instant(1),
    ).steps[0]?.spec.retry;
  expect(retryOf({ max: millis(10) })).toMatchObject({ base: 10, max: 10 });
  const long = millis(limits.defaultRetryMost * 2);
  expect(retryOf({ base: long })).toMatchObject({ base: long, max: long });
  expect(retryOf({ base: millis(0) })).toMatchObject({ base: 0, max: limits.defaultRetryMost });
});
