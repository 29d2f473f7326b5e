import type { DescField, DescMessage } from "@bufbuild/protobuf";
import type { Documentation, JsonSchema } from "../rest/documentation.js";
import type { Binding } from "../rest/http-rule.js";
import { pathTemplate } from "../rest/path-template.js";
import type { MessageSchemas } from "./schemas.js";

/** A parameter object of OpenAPI. */
export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
  readonly style?: "deepObject";
  readonly explode?: boolean;
  readonly example?: unknown;
}

/** The parameters of a rule's path and query. */
export function boundParameters(
  { rpc, template, body, rule }: Binding,
  schemas: MessageSchemas,
): Parameter[] {
  const { input } = rpc;
  const inPath = template.variables.map((name): Parameter => {
    const { field, owner } = fieldAt(input, name);
    return {
      ...{ name, in: "path", required: true },
      ...schemas.comment(`${owner.typeName}.${field.name}`),
      schema: schemas.field(field),
    };
  });
  if (body === "whole") return inPath;
  const taken = new Set([...template.variables, rule.body]);
  return [...inPath, ...inQuery(input, schemas, "", taken, 0)];
}

/** Messages within messages are as deep in a query. */
const DEPTH = 3;

function inQuery(
  owner: DescMessage,
  schemas: MessageSchemas,
  prefix: string,
  taken: ReadonlySet<string>,
  depth: number,
): Parameter[] {
  return owner.fields.flatMap((field): Parameter[] => {
    const name = `${prefix}${field.name}`;
    if (taken.has(name) || depth > DEPTH) return [];
    if (field.fieldKind === "message") return inQuery(field.message, schemas, `${name}.`, taken, depth + 1);
    if (field.fieldKind === "list" && field.listKind === "message") return [];
    const schema = schemas.field(field);
    const said = schemas.comment(`${owner.typeName}.${field.name}`);
    const entries = field.fieldKind === "map" ? ({ style: "deepObject", explode: true } as const) : {};
    return [{ name, in: "query", ...said, schema, ...entries }];
  });
}

function fieldAt(
  input: DescMessage,
  path: string,
): { readonly field: DescField; readonly owner: DescMessage } {
  const parts = path.split(".");
  let owner = input;
  for (const part of parts.slice(0, -1)) owner = found(owner, part).message as DescMessage;
  return { owner, field: found(owner, parts.at(-1) as string) };
}

function found({ fields, typeName }: DescMessage, part: string): DescField {
  const field = fields.find(({ name }) => name === part);
  if (!field) throw new Error(`${typeName} has no ${part}`);
  return field;
}

/** The parameters of what is written by hand. */
export function writtenParameters(
  path: string,
  { path: said = {}, parameters = [] }: Documentation,
): Parameter[] {
  const inPath = pathTemplate(path).variables.map((name): Parameter => {
    const description = said[name];
    return {
      ...{ name, in: "path", required: true, schema: { type: "string" } },
      ...(description !== undefined && { description }),
    };
  });
  return [...inPath, ...parameters.map((each) => ({ ...each, schema: each.schema ?? { type: "string" } }))];
}

/** The path without what the templates of its variables say. */
export function plainPath(path: string): string {
  return path.replace(/=[^}]*\}/g, "}");
}
