import { listTemplates } from "#api/templates/list-templates";
import { type Request, run } from "#api/use-case";
import { Fault } from "#domain/fault";
import type { TemplateRow } from "#domain/template/template";
import { millis } from "#domain/time/time";
import { limits } from "#limits/index";
import { type TemplateListShape, templateListShape } from "./shapes/template-shape.js";

/**
 * Every version of every template that the caller may see. Tasker's list has no pages, so that there is a bound.
 *
 * @param namespace empty for all
 * @throws {Fault} `overloaded`, not to be sent again, if there are more
 */
export async function taskerTemplates(namespace: string, request: Request): Promise<TemplateListShape> {
  const rows: TemplateRow[] = [];
  for (let pageToken = ""; ; ) {
    const page = await run(
      listTemplates,
      { namespace, name: "", pageSize: limits.pageSizeMax, pageToken },
      request,
    );
    rows.push(...page.templates);
    if (rows.length > limits.taskerTemplates) throw tooMany();
    pageToken = page.nextPageToken;
    if (pageToken === "") return templateListShape(rows);
  }
}

function tooMany(): Fault {
  const message = `there are more than ${limits.taskerTemplates} templates, which is the limit of a list without pages: name a namespace, or use taskrun.v1.TemplateService/List.`;
  return new Fault("overloaded", message, { reason: "ANSWER_TOO_LARGE", retryAfter: millis(0) });
}
