/** The templates of Tasker's REST API, as the OpenAPI document tells of them. */
import { limits } from "#limits/index";
import type { Documentation } from "../../../rest/documentation.js";
import { listOf, objectOf, schemaOf, taskerSchemas } from "./schemas.js";

const { TaskerTemplate, TaskerTemplateSummary } = taskerSchemas;
const tag = "Templates";

export const list: Documentation = {
  summary: "all versions of all templates, and their namespaces",
  tag,
  parameters: [
    { name: "namespace", in: "query", description: "Only of this namespace." },
    { name: "name", in: "query", description: "Only those of this name." },
    {
      name: "page_size",
      in: "query",
      description: "How many.",
      schema: { type: "integer", minimum: 1, maximum: limits.pageSizeMax, default: limits.pageSizeMax },
    },
    { name: "page_token", in: "query", description: "`next_page_token` of the page before." },
  ],
  answers: {
    200: {
      description: "The templates; counts are of this page.",
      schema: objectOf({
        namespaces: listOf(
          objectOf({
            name: { type: "string" },
            description: { type: "null" },
            template_count: { type: "integer", minimum: 0 },
          }),
        ),
        templates: listOf(schemaOf("TaskerTemplateSummary")),
        total_count: { type: "integer", minimum: 0 },
        next_page_token: { type: "string", description: "Empty on the last page." },
      }),
    },
  },
  schemas: { TaskerTemplateSummary },
};

export const get: Documentation = {
  summary: "one version of a template",
  tag,
  path: { namespace: "Its namespace.", name: "Its name.", version: "The version." },
  answers: { 200: { description: "The template.", schema: schemaOf("TaskerTemplate") } },
  failures: [404],
  schemas: { TaskerTemplate },
};
