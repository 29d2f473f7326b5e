import { create } from "@bufbuild/protobuf";
import { getTemplate } from "#api/templates/get-template";
import type { TemplateRow } from "#domain/template/template";
import { limits } from "#limits/index";
import {
  type GetTemplateResponse,
  GetTemplateResponseSchema,
  type ListTemplatesResponse,
  ListTemplatesResponseSchema,
  TemplateService,
} from "#wire/gen/tasker/v1/templates_pb";
import { composed, unary } from "../../rpc.js";
import { configurationOf, stepDefinitions, type TemplateList, taskerTemplates } from "../templates.js";

/** The TemplateService of Tasker. */
export const templateService = [
  composed(TemplateService.method.listTemplates, limits.messageBytes, async ({ namespace = "" }, call) =>
    listToWire(await taskerTemplates(namespace, call)),
  ),
  unary(TemplateService.method.getTemplate, getTemplate, (template) => ({ template }), templateToWire),
];

function listToWire({ templates, namespaces }: TemplateList): ListTemplatesResponse {
  return create(ListTemplatesResponseSchema, {
    namespaces: namespaces.map(({ name, templateCount }) => ({ name, templateCount: BigInt(templateCount) })),
    templates: templates.map(({ stepCount, ...template }) => ({ ...template, stepCount: BigInt(stepCount) })),
    totalCount: BigInt(templates.length),
  });
}

function templateToWire(row: TemplateRow): GetTemplateResponse {
  const { name, namespace, version, body } = row;
  const steps = stepDefinitions(row).map(({ retryable, maxAttempts, ...step }) => {
    return { ...step, defaultRetryable: retryable, defaultMaxAttempts: maxAttempts };
  });
  const configuration = configurationOf(row);
  return create(GetTemplateResponseSchema, {
    template: { name, namespace, version, description: body.description, configuration, steps },
  });
}
