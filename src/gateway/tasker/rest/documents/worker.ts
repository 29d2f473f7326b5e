/** What workers of Tasker let be read, as the OpenAPI document of that address tells of it. */
import type { Documentation } from "../../../rest/documentation.js";
import { listOf, objectOf } from "./schemas.js";

const tag = "Worker";
const path = { namespace: "Its namespace.", name: "Its name.", version: "The version." };
const text = { type: "string" };
const flag = { type: "boolean" };
const any = { type: "object" };

export const list: Documentation = {
  summary: "how many templates there are, and in which namespaces",
  tag,
  parameters: [
    { name: "namespace", in: "query", description: "Only of this namespace." },
    {
      name: "include_cache_stats",
      in: "query",
      description: "Is taken, and changes nothing: there is no cache.",
      schema: flag,
    },
  ],
  answers: {
    200: {
      description: "The templates.",
      schema: objectOf({
        supported_namespaces: listOf(text),
        template_count: { type: "integer", minimum: 0 },
        worker_capabilities: listOf(text),
      }),
    },
  },
};

export const get: Documentation = {
  summary: "one version of a template",
  tag,
  path,
  answers: {
    200: {
      description: "The template.",
      schema: objectOf({ template: any, handler_metadata: any, cached: flag }),
    },
  },
  failures: [404],
};

export const validate: Documentation = {
  summary: "whether a registered template is valid, and has an agent for each Step",
  tag,
  path,
  request: { schema: { type: "object", maxProperties: 0 }, example: {} },
  answers: {
    200: {
      description: "What was found.",
      schema: objectOf({
        valid: flag,
        errors: listOf(text),
        warnings: listOf(text),
        step_handlers: listOf(objectOf({ step: text, handler: text, is_announced: flag })),
      }),
    },
  },
  failures: [404],
};

export const config: Documentation = {
  summary: "the settings of this server that may be shown",
  tag,
  answers: {
    200: {
      description: "The settings.",
      schema: objectOf({ metadata: any, worker_id: text, worker_type: text, auth: any, messaging: any }),
    },
  },
};
