import fc from "fast-check";
import { type Plan, planOf } from "#domain/graph/plan";
import type { FailureStrategy, StepType, TemplateBody, TemplateStep } from "#domain/template/template";

/** A Step as it is drawn: its type, and which of the Steps before it it depends on. */
interface Recipe {
  readonly type: StepType;
  /** Each picks one of the Steps before, if there are any. */
  readonly after: readonly number[];
  readonly failure: FailureStrategy;
  readonly width: number;
  /** Where a map looks for its list. */
  readonly over: string;
}

const graphTypes = ["standard", "standard", "decision", "deferred_convergence", "batchable"] as const;
export const allTypes = [...graphTypes, "map", "timer", "signal"] as const;

/** A template of up to nine Steps, each after some of those before it; a batch brings its worker. */
export function anyTemplate(types: readonly StepType[] = graphTypes): fc.Arbitrary<TemplateBody> {
  const recipe = fc.record<Recipe>({
    type: fc.constantFrom(...types),
    after: fc.array(fc.nat(20), { maxLength: 3 }),
    failure: fc.constantFrom("fail_fast", "continue_on_failure", "isolate"),
    width: fc.integer({ min: 1, max: 2 }),
    over: fc.constantFrom("input/list", "input/list", "input/list", "input/nothing"),
  });
  return fc.array(recipe, { minLength: 1, maxLength: 9 }).map((recipes) => {
    const steps: TemplateStep[] = [];
    for (const [i, each] of recipes.entries()) steps.push(...stepsOf(each, `s${i}`, steps));
    return { name: "any", namespace_name: "default", version: "1.0.0", steps };
  });
}

export function anyPlan(types?: readonly StepType[]): fc.Arbitrary<Plan> {
  return anyTemplate(types).map((body) => planOf(body, "development"));
}

function stepsOf(
  { type, after, failure, width, over }: Recipe,
  name: string,
  before: readonly TemplateStep[],
) {
  const picked = after.flatMap((index) => before[index % Math.max(1, before.length)]?.name ?? []);
  const dependencies = [...new Set(picked)];
  const handler = { callable: "triage" };
  const step: TemplateStep = { name, type, dependencies, handler, retry: { max_attempts: 1 } };
  switch (type) {
    case "deferred_convergence":
      return [dependencies.length > 0 ? step : { ...step, type: "standard" as const }];
    case "batchable": {
      const worker_template = `${name}w`;
      const batch_config = { worker_template, parallelism: width, failure_strategy: failure };
      const worker: TemplateStep = {
        ...step,
        name: worker_template,
        type: "batch_worker",
        dependencies: [name],
      };
      return [{ ...step, batch_config }, worker];
    }
    case "map": {
      const map = { over, concurrency: width, failure_strategy: failure };
      return [{ ...step, map }];
    }
    case "timer":
      return [{ ...withoutAgent(step), timer: { delay_ms: 10 } }];
    case "signal":
      return [{ ...withoutAgent(step), signal: { timeout_ms: 10, default: null } }];
    default:
      return [step];
  }
}

function withoutAgent({ handler: _, ...step }: TemplateStep): TemplateStep {
  return step;
}
