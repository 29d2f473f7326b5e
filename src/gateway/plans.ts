import { Fault } from "#domain/fault";
import { limits } from "#domain/limits";
import { type Plan, planOf } from "#domain/plan";
import { type TemplateRef, type TemplateRow, templateKey } from "#domain/template";
import type { Reads } from "#ports/store";

/** So many versions are named to who asked for one that is not there. */
const VERSIONS_NAMED = 10;

/**
 * Plans of the templates that clients name, each made once. A registered version never changes, so nothing
 * here is ever out of date, and what was used longest ago goes first. Which version is the newest is asked
 * each time.
 */
export class Plans {
  readonly #reads: Pick<Reads, "template" | "templates">;
  readonly #plans = new Map<string, Plan>();

  constructor(reads: Pick<Reads, "template" | "templates">) {
    this.#reads = reads;
  }

  /** @throws {Fault} `not_found`, naming the template and the versions there are */
  async find(ref: TemplateRef, environment: string): Promise<Plan> {
    const known = ref.version === "" ? undefined : this.#recall(ref, environment);
    if (known) return known;
    const row = await findTemplate(this.#reads, ref);
    return this.#recall(row, environment) ?? this.#keep(planOf(row.body, environment));
  }

  #recall(ref: TemplateRef, environment: string): Plan | undefined {
    const plan = this.#plans.get(keyOf(ref, environment));
    return plan && this.#keep(plan);
  }

  #keep(plan: Plan): Plan {
    const key = keyOf(plan.template, plan.environment);
    this.#plans.delete(key);
    this.#plans.set(key, plan);
    const [oldest] = this.#plans.keys();
    if (this.#plans.size > limits.templatesInMemory && oldest !== undefined) this.#plans.delete(oldest);
    return plan;
  }
}

/**
 * One version of a template, the newest if none is named.
 *
 * @throws {Fault} `not_found`, naming the template and the versions there are
 */
export async function findTemplate(
  reads: Pick<Reads, "template" | "templates">,
  ref: TemplateRef,
): Promise<TemplateRow> {
  const row = await reads.template(ref);
  if (!row) throw await missing(ref, reads);
  return row;
}

async function missing(ref: TemplateRef, reads: Pick<Reads, "templates">): Promise<Fault> {
  const filter = { namespaces: [ref.namespace], name: ref.name };
  const { templates, next } = await reads.templates(filter, undefined, VERSIONS_NAMED);
  const versions = templates.map(({ version }) => version).join(", ");
  return templateNotFound(ref, next ? `${versions} and older ones` : versions);
}

/** @param versions those there are, for people; empty if there is none, or none that the caller may see */
export function templateNotFound(ref: TemplateRef, versions = ""): Fault {
  const wanted = ref.version === "" ? `${ref.namespace}/${ref.name}` : templateKey(ref);
  const way = versions === "" ? "register it first" : `its versions are ${versions}`;
  return new Fault("not_found", `Template not found: ${wanted}; ${way}.`, { reason: "TEMPLATE_NOT_FOUND" });
}

/** Names of templates and environments have no newline. */
function keyOf(ref: TemplateRef, environment: string): string {
  return `${environment}\n${templateKey(ref)}`;
}
