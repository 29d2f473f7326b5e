import { getTemplate } from "#api/templates/get-template";
import { listTemplates } from "#api/templates/list-templates";
import { run } from "#api/use-case";
import type { TemplateRow } from "#domain/template/template";
import { limits } from "#limits/index";
import { templateToWire } from "#wire/convert-template";
import { TemplateSchema, TemplateService } from "#wire/gen/taskrun/v1/template_service_pb";
import { Parameters } from "../../rest/parameters.js";
import { templateListShape, templateShape } from "../shapes/template-shape.js";
import * as documents from "./documents/templates.js";
import { JsonText, ourParts, type Parts, textOrNull } from "./json.js";
import type { TaskerRoute } from "./route.js";

/** Templates. */
export const templateRoutes: readonly TaskerRoute[] = [
  {
    method: "GET",
    path: "/v1/templates",
    as: TemplateService.method.list,
    documentation: documents.list,
    answer: async ({ query }, call) => {
      const parameters = new Parameters(query, ["namespace", "name", "page_size", "page_token"]);
      const most = limits.pageSizeMax;
      const { templates, nextPageToken } = await run(
        listTemplates,
        {
          namespace: parameters.text("namespace"),
          name: parameters.text("name"),
          pageSize: parameters.whole("page_size", 1, most, most),
          pageToken: parameters.text("page_token"),
        },
        call,
      );
      const { namespaces } = templateListShape(templates);
      return {
        body: {
          namespaces: namespaces.map(({ name, templateCount }) => ({
            ...{ name, description: null },
            template_count: templateCount,
          })),
          templates: templates.map(summaryParts),
          total_count: templates.length,
          next_page_token: nextPageToken,
        },
      };
    },
  },
  {
    method: "GET",
    path: "/v1/templates/{namespace}/{name}/{version}",
    as: TemplateService.method.get,
    documentation: documents.get,
    answer: async ({ params, query }, call) => {
      new Parameters(query, []);
      const { namespace = "", name = "", version = "" } = params;
      return {
        body: templateParts(await run(getTemplate, { template: { namespace, name, version } }, call)),
      };
    },
  },
];

function summaryParts(row: TemplateRow): Parts {
  return { ...ourParts(TemplateSchema, templateToWire(row)), description: row.body.description ?? null };
}

function templateParts(row: TemplateRow): Parts {
  const { configuration, steps } = templateShape(row);
  return {
    ...summaryParts(row),
    source: row.source,
    // Its numbers keep their digits.
    configuration: new JsonText(configuration),
    steps: steps.map((step) => ({
      name: step.name,
      description: textOrNull(step.description),
      default_retryable: step.defaultRetryable,
      default_max_attempts: step.defaultMaxAttempts,
      handler: step.handler,
    })),
  };
}
