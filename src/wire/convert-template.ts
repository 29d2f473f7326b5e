import { exactJsonText } from "#domain/json/exact";
import type { Json } from "#domain/json/json";
import type { TemplateRef, TemplateRow } from "#domain/template/template";
import type * as common from "./gen/taskrun/v1/common_pb.js";
import type { Template } from "./gen/taskrun/v1/template_service_pb.js";

/** A registered template, without its text and body: as lists have it. */
export function templateToWire(row: TemplateRow): Template {
  const { namespace, name, version, body, digest, registeredAt } = row;
  return {
    $typeName: "taskrun.v1.Template",
    namespace,
    name,
    version,
    description: body.description ?? "",
    stepCount: body.steps.length,
    registeredAtMs: BigInt(registeredAt),
    digest,
    source: "",
    bodyJson: "",
  };
}

/** With the text it was registered with, and its body as JSON. */
export function wholeTemplateToWire(row: TemplateRow): Template {
  return { ...templateToWire(row), source: row.source, bodyJson: exactJsonText(row.body as unknown as Json) };
}

export function templateRefToWire({ namespace, name, version }: TemplateRef): common.TemplateRef {
  return { $typeName: "taskrun.v1.TemplateRef", namespace, name, version };
}
