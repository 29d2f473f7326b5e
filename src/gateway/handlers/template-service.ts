import type { z } from "zod";
import { mayUse } from "#domain/caller";
import { Fault } from "#domain/fault";
import { limits } from "#domain/limits";
import type { TemplateRow } from "#domain/template";
import { templateToWire, wholeTemplateToWire } from "#wire/convert-template";
import {
  type ListTemplatesResponse,
  type RegisterTemplateResponse,
  type Template,
  type TemplateFinding,
  TemplateService,
  type ValidateTemplateResponse,
} from "#wire/gen/taskrun/v1/template_service_pb";
import { ownNamespace } from "../draft.js";
import { toTemplateToken } from "../page-token.js";
import { findTemplate, templateNotFound } from "../plans.js";
import { type Call, reading, unary } from "../rpc.js";
import * as schemas from "../template-schemas.js";
import { type ReadFinding, readWhole } from "../template-source.js";

/** What clients do with templates. */
export const templateService = [
  unary(TemplateService.method.register, schemas.registerTemplate, register),
  reading(TemplateService.method.get, schemas.getTemplate, limits.messageBytes, get),
  reading(TemplateService.method.list, schemas.listTemplates, limits.pageBytes, list),
  unary(TemplateService.method.validate, schemas.validateTemplate, validate),
];

async function register(
  { source, namespace: wanted }: z.output<typeof schemas.registerTemplate>,
  { plane, caller, schemas: checker }: Call,
): Promise<RegisterTemplateResponse> {
  const { template, findings } = await readWhole(source, checker);
  if (!template) throw notATemplate(findings);
  const { name, namespace_name: namespace, version } = template.body;
  if (wanted !== "" && wanted !== namespace) {
    const message = `namespace is "${wanted}", but the text names "${namespace}": let them be the same, or leave it out.`;
    throw new Fault("invalid", message, { field: "namespace" });
  }

  const before = mayUse(caller, namespace) && (await plane.reads.template({ namespace, name, version }));
  const row = await plane.register(caller, { namespace, name, version, ...template });
  return {
    $typeName: "taskrun.v1.RegisterTemplateResponse",
    template: wholeTemplateToWire(row),
    created: !before,
    findings: findings.map(findingToWire),
  };
}

function notATemplate(findings: readonly ReadFinding[]): Fault {
  const errors = findings.filter(({ severity }) => severity === "error");
  const { line = 0, column = 0, code = "INVALID", message = "" } = errors[0] ?? {};
  const place = line > 0 ? ` at line ${line}, column ${column}` : "";
  const more = errors.length > 1 ? ` There are ${errors.length - 1} more; Validate lists all.` : "";
  const text = `source has an error${place}: ${message} (${code}).${more}`;
  return new Fault("invalid", text, { field: "source", reason: code });
}

async function get(
  { template }: z.output<typeof schemas.getTemplate>,
  { plane, caller }: Call,
): Promise<Template> {
  const ref = { ...template, namespace: template.namespace || ownNamespace(caller) };
  if (!mayUse(caller, ref.namespace)) throw templateNotFound(ref);
  return wholeTemplateToWire(await findTemplate(plane.reads, ref));
}

async function list(
  { namespace, name, pageSize, pageToken }: z.output<typeof schemas.listTemplates>,
  { plane, caller }: Call,
): Promise<ListTemplatesResponse> {
  const answer: ListTemplatesResponse = {
    $typeName: "taskrun.v1.ListTemplatesResponse",
    templates: [],
    nextPageToken: "",
  };
  if (namespace !== "" && !mayUse(caller, namespace)) return answer;

  const namespaces = namespace === "" ? caller.namespaces : [namespace];
  const filter = { namespaces, ...(name !== "" && { name }) };
  const { templates, next } = await plane.reads.templates(filter, pageToken, pageSize);
  let room: number = limits.pageBytes;
  for (const [i, row] of templates.entries()) {
    room -= sizeOf(row);
    const last = templates[i - 1];
    if (room < 0 && last) return { ...answer, nextPageToken: toTemplateToken(last) };
    answer.templates.push(templateToWire(row));
  }
  return next === undefined ? answer : { ...answer, nextPageToken: toTemplateToken(next) };
}

/** About how many bytes it takes in a list: a description may be long. */
function sizeOf({ namespace, name, body }: TemplateRow): number {
  return 256 + Buffer.byteLength(namespace + name + (body.description ?? ""));
}

async function validate(
  { source }: z.output<typeof schemas.validateTemplate>,
  { schemas: checker }: Call,
): Promise<ValidateTemplateResponse> {
  const { template, findings, stepCount, hasCycles } = await readWhole(source, checker);
  return {
    $typeName: "taskrun.v1.ValidateTemplateResponse",
    valid: template !== undefined,
    findings: findings.map(findingToWire),
    stepCount,
    hasCycles,
  };
}

function findingToWire({ code, severity, message, stepName, line, column }: ReadFinding): TemplateFinding {
  return { $typeName: "taskrun.v1.TemplateFinding", code, severity, message, stepName, line, column };
}
