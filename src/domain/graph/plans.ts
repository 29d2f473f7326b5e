import { limits } from "#limits/index";
import { type TemplateRef, type TemplateRow, templateKey } from "../template/template.js";
import { type Plan, planOf } from "./plan.js";

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

/** Environments are words of the configuration, and template names have no newline. */
function keyOf(ref: TemplateRef, environment: string): string {
  return `${environment}\n${templateKey(ref)}`;
}
