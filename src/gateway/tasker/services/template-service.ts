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
import { type TemplateListShape, templateShape } from "../shapes/template-shape.js";
import { taskerTemplates } from "../templates.js";
import { StructRoom } from "./struct-room.js";
import { given } from "./structs.js";

/** The TemplateService of Tasker. */
export const templateService = [
  composed(TemplateService.method.listTemplates, limits.messageBytes, async ({ namespace = "" }, call) =>
    listToWire(await taskerTemplates(namespace, call)),
  ),
  unary(TemplateService.method.getTemplate, getTemplate, (template) => ({ template }), templateToWire),
];

function listToWire({ templates, namespaces }: TemplateListShape): ListTemplatesResponse {
  return create(ListTemplatesResponseSchema, {
    namespaces: namespaces.map(({ name, templateCount }) => ({ name, templateCount: BigInt(templateCount) })),
    templates: templates.map(({ description, stepCount, ...names }) => {
      return { ...names, description: given(description), stepCount: BigInt(stepCount) };
    }),
    totalCount: BigInt(templates.length),
  });
}

function templateToWire(row: TemplateRow): GetTemplateResponse {
  const { name, namespace, version, description, configuration, steps } = templateShape(row);
  return create(GetTemplateResponseSchema, {
    template: {
      ...{ name, namespace, version },
      description: given(description),
      configuration: new StructRoom().struct(configuration),
      steps: steps.map(({ handler: _, ...step }) => ({ ...step, description: given(step.description) })),
    },
  });
}
