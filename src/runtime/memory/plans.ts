import { type Plan, planOf, type StepPlan } from "#domain/graph/plan";
import type { Plans } from "#domain/graph/plans";
import type { TemplateRef } from "#domain/template/template";
import type { Workspace } from "./workspace.js";

/** The plan of a template that is cached, or that the turn has loaded; undefined if it is neither. */
export function planFor(
  ref: TemplateRef | null,
  environment: string,
  work: Workspace,
  plans: Plans,
): Plan | undefined {
  if (!ref) return undefined;
  const known = ref.version === "" ? undefined : plans.get(ref, environment);
  const template = known ? undefined : work.templates.find(ref);
  if (known || !template) return known;
  // A template of this turn is not cached, because its commit may fail.
  return work.templates.isNew(template)
    ? planOf(template.body, environment)
    : plans.make(template, environment);
}

const stepsByName = new WeakMap<Plan, ReadonlyMap<string, StepPlan>>();

/** A step of a plan by its name in the template. */
export function plannedStep(plan: Plan, name: string): StepPlan | undefined {
  let steps = stepsByName.get(plan);
  if (!steps) {
    steps = new Map(plan.steps.map((step) => [step.name, step]));
    stepsByName.set(plan, steps);
  }
  return steps.get(name);
}
