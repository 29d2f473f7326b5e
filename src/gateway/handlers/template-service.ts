import { getTemplate } from "#api/templates/get-template";
import { listTemplates, type TemplatePage } from "#api/templates/list-templates";
import { type Registered, registerTemplate } from "#api/templates/register-template";
import { validateTemplate } from "#api/templates/validate-template";
import type { Finding } from "#templates/read/finding";
import type { TemplateReading } from "#templates/read/read";
import { templateToWire, wholeTemplateToWire } from "#wire/convert-template";
import {
  type ListTemplatesResponse,
  type RegisterTemplateResponse,
  type TemplateFinding,
  TemplateService,
  type ValidateTemplateResponse,
} from "#wire/gen/taskrun/v1/template_service_pb";
import { asIs, unary } from "../rpc.js";

/** The TemplateService: clients register, validate and read templates. */
export const templateService = [
  unary(TemplateService.method.register, registerTemplate, asIs, registered),
  unary(TemplateService.method.get, getTemplate, ({ template }) => ({ template }), wholeTemplateToWire),
  unary(TemplateService.method.list, listTemplates, asIs, page),
  unary(TemplateService.method.validate, validateTemplate, asIs, validated),
];

function registered({ template, created, findings }: Registered): RegisterTemplateResponse {
  return {
    $typeName: "taskrun.v1.RegisterTemplateResponse",
    template: wholeTemplateToWire(template),
    created,
    findings: findings.map(findingToWire),
  };
}

function page({ templates, nextPageToken }: TemplatePage): ListTemplatesResponse {
  return {
    $typeName: "taskrun.v1.ListTemplatesResponse",
    templates: templates.map(templateToWire),
    nextPageToken,
  };
}

function validated({ template, findings, stepCount, hasCycles }: TemplateReading): ValidateTemplateResponse {
  return {
    $typeName: "taskrun.v1.ValidateTemplateResponse",
    valid: template !== undefined,
    findings: findings.map(findingToWire),
    stepCount,
    hasCycles,
  };
}

function findingToWire({ code, severity, message, stepName, line, column }: Finding): TemplateFinding {
  return { $typeName: "taskrun.v1.TemplateFinding", code, severity, message, stepName, line, column };
}
