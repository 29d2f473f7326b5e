import { type Plan, planOf } from "#domain/graph/plan";
import type { TaskDraft, TaskSpec } from "#domain/task/task";
import type { TemplateBody, TemplateRow, TemplateStep } from "#domain/template/template";
import type { Dice } from "./dice.js";

const handler = { callable: "echo" };
const patient = {
  retry: { max_attempts: 4, backoff: "fibonacci", backoff_base_ms: 500, jitter: 0.5 },
} as const;
const hasty = { retry: { max_attempts: 3, backoff: "none" } } as const;
/** Fails with its worker, and with its agent the second time. */
const frail = { retry: { max_attempts: 2, max_losses: 0, backoff: "none" } } as const;
const stubborn = {
  retry: { max_attempts: 50, backoff: "linear", backoff_base_ms: 100, max_backoff_ms: 5_000 },
} as const;

function body(name: string, steps: readonly TemplateStep[]): TemplateBody {
  const withAgents = steps.map((step) => {
    const alone = step.type === "timer" || step.type === "signal" || step.type === "child_task";
    return alone ? step : { handler, ...step };
  });
  return { name, namespace_name: "default", version: "1.0.0", steps: withAgents };
}

/** Everything fits it; whether that is known at once, later or never is the weather's. */
const checked = { result_schema: { title: "checked" } } as const;

const inner: TemplateBody = {
  ...body("inner", [
    { name: "x", ...stubborn, ...checked, compensate: "undo_x" },
    { name: "y", dependencies: ["x"], ...hasty },
    { name: "undo_x", ...patient },
  ]),
  input_schema: checked.result_schema,
};

/** A little of everything, so that each can be in the way of each. */
const flows: readonly TemplateBody[] = [
  inner,
  body("route", [
    { name: "start", ...stubborn, compensate: "undo_start" },
    { name: "route", type: "decision", dependencies: ["start"], ...stubborn },
    { name: "fast", dependencies: ["route"], ...patient, ...checked, compensate: "undo_fast" },
    { name: "slow", dependencies: ["route"], ...patient, timeout_seconds: 60 },
    {
      name: "gate",
      type: "signal",
      dependencies: ["start"],
      signal: { timeout_ms: 40_000, default: null },
      ...checked,
    },
    { name: "end", type: "deferred_convergence", dependencies: ["fast", "slow", "gate"], ...hasty },
    { name: "undo_start", ...frail },
    { name: "undo_fast", ...frail },
  ]),
  body("many", [
    {
      name: "each",
      type: "map",
      map: { over: "input/list", concurrency: 2, failure_strategy: "isolate" },
      ...hasty,
      ...checked,
    },
    { name: "nap", type: "timer", timer: { delay_ms: 5_000 } },
    {
      name: "split",
      type: "batchable",
      batch_config: { worker_template: "rows", parallelism: 2, failure_strategy: "continue_on_failure" },
      dependencies: ["nap"],
      ...stubborn,
    },
    { name: "rows", type: "batch_worker", ...patient },
    { name: "sum", type: "deferred_convergence", dependencies: ["rows", "each"], ...stubborn },
  ]),
  body("within", [
    { name: "first", ...patient, compensate: "undo_first" },
    {
      name: "sub",
      type: "child_task",
      child: { template: { name: "inner" } },
      dependencies: ["first"],
      ...hasty,
      ...checked,
    },
    { name: "side", type: "child_task", child: { agent: "echo" }, ...stubborn },
    { name: "last", dependencies: ["sub", "side"], ...hasty },
    { name: "undo_first", ...stubborn },
  ]),
];

/** Attempts that end while what must happen once is under way. */
const durable = body("durable", [
  { name: "a", ...patient, timeout_seconds: 9 },
  { name: "b", dependencies: ["a"], ...stubborn, timeout_seconds: 16 },
]);

/** What there is where agents journal what they do, and where none does. */
const allFlows = [...flows, durable];

const ENVIRONMENT = "simulated";

export interface SimFlow {
  readonly plan: Plan;
  /** What the Task is made with. */
  readonly spec: Partial<TaskSpec>;
  readonly rest: Pick<TaskDraft, "plan" | "input">;
}

/**
 * One of the templates, and a Task of it.
 *
 * @param journals false in a world where no agent journals what it does
 */
export function someFlow(dice: Dice, journals: boolean): SimFlow {
  const plan = planOf(dice.pick(journals ? allFlows : flows), ENVIRONMENT);
  const { template, isCompensable } = plan;
  const input = JSON.stringify({ list: Array.from({ length: dice.between(0, 4) }, (_, i) => i) });
  const spec = { agentName: "", maxAttempts: 0, template, environment: ENVIRONMENT, isCompensable };
  return { plan, spec, rest: { plan, input } };
}

/** All of them, as they are registered. */
export function templatesOf(journals: boolean): readonly Omit<TemplateRow, "registeredAt">[] {
  return (journals ? allFlows : flows).map((flow) => {
    const { namespace_name: namespace, name, version } = flow;
    return { namespace, name, version, body: flow, source: name, digest: name };
  });
}

/** What a Step's agent answers that has to answer something in particular; otherwise undefined. */
export function answerOf(stepName: string, dice: Dice): string | undefined {
  if (stepName === "route") {
    const names = ["fast", "slow"].filter(() => dice.chance(0.6));
    const chosen = { type: names.length === 0 ? "no_branches" : "create_steps", step_names: names };
    return JSON.stringify({ decision_point_outcome: chosen });
  }
  if (stepName !== "split") return undefined;
  const cursor_configs = Array.from({ length: dice.between(0, 4) }, (_, i) => ({ batch_id: `${i}` }));
  const some = { type: "create_batches", worker_count: cursor_configs.length, cursor_configs };
  const batches = cursor_configs.length === 0 ? { type: "no_batches" } : some;
  return JSON.stringify({ batch_processing_outcome: batches });
}
