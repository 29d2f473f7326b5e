import { limits } from "#domain/limits";
import { type Plan, planOf, type StepPlan } from "#domain/plan";
import { type TemplateRef, type TemplateRow, templateKey } from "#domain/template";
import type { Workspace } from "./workspace.js";

/**
 * Plans of templates, made once. Templates never change, so nothing here is ever out of date; what was used
 * longest ago goes first. The newest version of a name is not remembered: tomorrow it is another one.
 */
export class Plans {
  readonly #plans = new Map<string, Plan>();

  get(ref: TemplateRef, environment: string): Plan | undefined {
    const key = keyOf(ref, environment);
    const plan = this.#plans.get(key);
    if (plan) {
      this.#plans.delete(key);
      this.#plans.set(key, plan);
    }
    return plan;
  }

  /** The plan of a template that was loaded. */
  make(template: TemplateRow, environment: string): Plan {
    return this.get(template, environment) ?? this.keep(planOf(template.body, environment));
  }

  keep(plan: Plan): Plan {
    this.#plans.set(keyOf(plan.template, plan.environment), plan);
    for (const key of this.#plans.keys()) {
      if (this.#plans.size <= limits.templatesInMemory) break;
      this.#plans.delete(key);
    }
    return plan;
  }
}

/** The plan of a template that is remembered, or that the turn has loaded. */
export function planFor(
  ref: TemplateRef | null,
  environment: string,
  work: Workspace,
  plans: Plans,
): Plan | undefined {
  if (!ref) return undefined;
  const known = ref.version === "" ? undefined : plans.get(ref, environment);
  const template = known ? undefined : work.template(ref);
  if (known || !template) return known;
  // One that is not committed may yet come to nothing: it must not be remembered.
  return work.isNewTemplate(template)
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

/** Environments are words of the configuration, and template names have no newline. */
function keyOf(ref: TemplateRef, environment: string): string {
  return `${environment}\n${templateKey(ref)}`;
}
