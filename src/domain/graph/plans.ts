import { limits } from "#limits/index";
import { type TemplateRef, type TemplateRow, templateKey } from "../template/template.js";
import { type Plan, planOf } from "./plan.js";

/**
 * A bounded LRU cache of plans. It never becomes stale, because templates are immutable. It does not store which
 * version of a name is the newest, since that changes.
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

  /** The plan of a loaded template; creates and caches it if needed. */
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

/** The cache's key. Unambiguous, since neither environments nor template names contain a newline. */
function keyOf(ref: TemplateRef, environment: string): string {
  return `${environment}\n${templateKey(ref)}`;
}
