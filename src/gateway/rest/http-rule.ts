import type { DescField, DescMethodUnary } from "@bufbuild/protobuf";
import { type PathTemplate, pathTemplate } from "./path-template.js";

export const httpMethods = ["GET", "PUT", "POST", "DELETE", "PATCH"] as const;
export type HttpMethod = (typeof httpMethods)[number];

/** How an rpc is called over HTTP, with the meaning that `google.api.HttpRule` gives to it. */
export interface HttpRule {
  /** The rpc, as `taskrun.v1.TaskService.GetTask`. */
  readonly selector: string;
  readonly method: HttpMethod;
  readonly path: string;
  /** The field that the body is; `*` for all that the path does not set; empty for no body. The rest is the query. */
  readonly body: string;
  /** The field of the answer that is sent; empty for the whole answer. */
  readonly responseBody: string;
}

/** A rule that has been compared with its rpc. */
export interface Binding {
  readonly rule: HttpRule;
  readonly rpc: DescMethodUnary;
  readonly template: PathTemplate;
  /** The field that the body is; `whole` for the message itself; undefined if there is no body. */
  readonly body: DescField | "whole" | undefined;
}

/** @throws {Error} if the rule does not fit the rpc: both are part of the program */
export function bindingOf(rule: HttpRule, rpc: DescMethodUnary): Binding {
  const template = pathTemplate(rule.path);
  for (const name of template.variables) checkVariable(rule, rpc, name);
  return { rule, rpc, template, body: bodyOf(rule, rpc) };
}

function checkVariable({ selector }: HttpRule, { input }: DescMethodUnary, variable: string): void {
  let fields = input.fields;
  const parts = variable.split(".");
  for (const [i, part] of parts.entries()) {
    const field = fields.find(({ name }) => name === part);
    const isLast = i === parts.length - 1;
    if (!field || (isLast ? !isSingle(field) : field.fieldKind !== "message"))
      throw new Error(`${selector}: {${variable}} is no single value of ${input.typeName}`);
    fields = field.message?.fields ?? [];
  }
}

function isSingle({ fieldKind }: DescField): boolean {
  return fieldKind === "scalar" || fieldKind === "enum";
}

function bodyOf({ selector, body, method }: HttpRule, { input }: DescMethodUnary): Binding["body"] {
  if (body === "") return undefined;
  if (method === "GET" || method === "DELETE") throw new Error(`${selector}: ${method} has no body`);
  if (body === "*") return "whole";
  const field = input.fields.find(({ name }) => name === body);
  if (field?.fieldKind !== "message")
    throw new Error(`${selector}: ${body} is no message of ${input.typeName}`);
  return field;
}
