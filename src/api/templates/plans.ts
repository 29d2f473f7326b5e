import type { Fault } from "#domain/fault";
import type { Plan } from "#domain/graph/plan";
import { Plans } from "#domain/graph/plans";
import { templateNotFound } from "#domain/refusals";
import type { TemplateRef, TemplateRow } from "#domain/template/template";
import { limits } from "#limits/index";
import type { CallerReads } from "../caller-reads.js";

type TemplateReads = Pick<CallerReads, "template" | "templates">;

/** Plans of the templates that clients name, cached by version. The newest version is looked up each time. */
export class ClientPlans {
  readonly #plans = new Plans();

  /**
   * Call it only once the caller is authorized for the template: its plan may be known already.
   *
   * @throws {Fault} `not_found`, naming the template and its existing versions
   */
  async find(ref: TemplateRef, environment: string, reads: TemplateReads): Promise<Plan> {
    const known = ref.version === "" ? undefined : this.#plans.get(ref, environment);
    return known ?? this.#plans.make(await findTemplate(reads, ref), environment);
  }
}

/**
 * One version of a template, the newest if none is named.
 *
 * @throws {Fault} `not_found`, naming the template and its existing versions
 */
export async function findTemplate(reads: TemplateReads, ref: TemplateRef): Promise<TemplateRow> {
  const row = await reads.template(ref);
  if (!row) throw await missing(ref, reads);
  return row;
}

async function missing(ref: TemplateRef, reads: TemplateReads): Promise<Fault> {
  const filter = { namespaces: [ref.namespace], name: ref.name };
  const { templates, next } = await reads.templates(filter, undefined, limits.versionsNamed);
  const versions = templates.map(({ version }) => version).join(", ");
  return templateNotFound(ref, next ? `${versions} and older ones` : versions);
}
