import type { JsonObject } from "@bufbuild/protobuf";
import { listTemplates } from "#api/templates/list-templates";
import { type Request, run } from "#api/use-case";
import { Fault } from "#domain/fault";
import { triesOf } from "#domain/graph/tries";
import { exactJsonText } from "#domain/json/exact";
import type { Json } from "#domain/json/json";
import type { TemplateRow, TemplateStep } from "#domain/template/template";
import { millis } from "#domain/time/time";
import { limits } from "#limits/index";

/** A template as lists of Tasker have it. */
export interface TemplateSummary {
  readonly name: string;
  readonly namespace: string;
  readonly version: string;
  readonly description: string | undefined;
  readonly stepCount: number;
}

export interface TemplateList {
  readonly templates: readonly TemplateSummary[];
  /** Those of the list, in the order of their names. */
  readonly namespaces: readonly { readonly name: string; readonly templateCount: number }[];
}

/** The attempts of a Step, as its template gives them. */
export interface StepDefinition {
  readonly name: string;
  readonly description: string | undefined;
  readonly retryable: boolean;
  readonly maxAttempts: number;
}

/**
 * Every version of every template that the caller may see. Tasker's list has no pages, so that there is a bound.
 *
 * @param namespace empty for all
 * @throws {Fault} `overloaded`, not to be sent again, if there are more
 */
export async function taskerTemplates(namespace: string, request: Request): Promise<TemplateList> {
  const templates: TemplateSummary[] = [];
  for (let pageToken = ""; ; ) {
    const page = await run(
      listTemplates,
      { namespace, name: "", pageSize: limits.pageSizeMax, pageToken },
      request,
    );
    templates.push(...page.templates.map(summaryOf));
    if (templates.length > limits.taskerTemplates) throw tooMany();
    pageToken = page.nextPageToken;
    if (pageToken === "") return { templates, namespaces: namespacesOf(templates) };
  }
}

function tooMany(): Fault {
  const message = `there are more than ${limits.taskerTemplates} templates, which is the limit of a list without pages: name a namespace, or use taskrun.v1.TemplateService/List.`;
  return new Fault("overloaded", message, { reason: "ANSWER_TOO_LARGE", retryAfter: millis(0) });
}

/** A template as a list has it. */
export function summaryOf({ name, namespace, version, body }: TemplateRow): TemplateSummary {
  return { name, namespace, version, description: body.description, stepCount: body.steps.length };
}

/** The namespaces of templates, in the order of their names. */
export function namespacesOf(templates: readonly TemplateSummary[]): TemplateList["namespaces"] {
  const counts = new Map<string, number>();
  for (const { namespace } of templates) counts.set(namespace, (counts.get(namespace) ?? 0) + 1);
  return [...counts]
    .map(([name, templateCount]) => ({ name, templateCount }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The Steps that a template declares. */
export function stepDefinitions({ body }: Pick<TemplateRow, "body">): StepDefinition[] {
  return body.steps.map((step: TemplateStep) => {
    const { maxAttempts, retryable = true } = triesOf(step);
    return { name: step.name, description: step.description, retryable, maxAttempts };
  });
}

/** The whole template, as JSON. Numbers that a double does not have are rounded: Tasker's messages have doubles. */
export function configurationOf({ body }: Pick<TemplateRow, "body">): JsonObject {
  return JSON.parse(exactJsonText(body as unknown as Json)) as JsonObject;
}
