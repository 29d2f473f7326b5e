import type { Json, JsonObject } from "#domain/json/json";
import { format } from "./format.js";
import type { Field, Fields, RecordShape, Shape } from "./shape.js";
import { partsOfTypes } from "./step-parts.js";

/**
 * The template format as JSON Schema 2020-12, for completion and checks in editors. It does not state how steps must fit
 * together, which only {@link readTemplate} checks. `docs/template.schema.json` is its text.
 *
 * @example
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { templateSchema } from "taskrun/templates";
 *
 * await writeFile("template.schema.json", JSON.stringify(templateSchema, null, 2));
 * ```
 */
export const templateSchema: JsonObject = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  title: "TaskRun template",
  description: "A named, versioned graph of steps that Tasks are made from.",
  ...ofRecord(format),
};

function ofRecord({ fields }: RecordShape): JsonObject {
  const required = Object.keys(fields).filter((name) => fields[name]?.required);
  const isStep = "map" in fields && "child" in fields;
  return {
    type: "object",
    properties: propertiesOf(fields),
    ...(required.length > 0 && { required }),
    ...(isStep && { allOf: partsByType() }),
  };
}

/** Optional keys may also have the value null, which counts as left out. */
function propertiesOf(fields: Fields): JsonObject {
  const properties: [string, Json][] = [];
  for (const [name, field] of Object.entries(fields)) {
    properties.push([name, ofField(field, field.says)]);
    if (field.alias !== undefined)
      properties.push([field.alias, ofField(field, `Another word for ${name}.`)]);
  }
  return Object.fromEntries(properties);
}

function ofField({ shape, default: otherwise, required }: Field, description: string): JsonObject {
  const schema = orNothing(ofShape(shape), required === true || shape.kind === "any");
  return { description, ...schema, ...(otherwise !== undefined && { default: otherwise }) };
}

function orNothing(schema: JsonObject, never: boolean): JsonObject {
  if (never) return schema;
  const { type, enum: values, ...rest } = schema;
  if (Array.isArray(values)) return { enum: [...(values as readonly Json[]), null], ...rest };
  return type === undefined ? schema : { type: [type, "null"], ...rest };
}

function ofShape(shape: Shape): JsonObject {
  switch (shape.kind) {
    case "text":
      return { type: "string", maxLength: shape.max, ...(shape.form && { pattern: shape.form.pattern }) };
    case "number":
      return { type: shape.whole ? "integer" : "number", minimum: shape.min, maximum: shape.max };
    case "flag":
      return { type: "boolean" };
    case "choice":
      return { enum: shape.of };
    case "any":
      return {};
    case "object":
    case "schema":
      return { type: "object" };
    case "list":
      return { type: "array", items: ofShape(shape.of) };
    case "named":
      return { type: "object", additionalProperties: ofShape(shape.of) };
    case "record":
      return ofRecord(shape);
  }
}

/** Rules that require a type's keys in steps of that type, and forbid them in others. */
function partsByType(): JsonObject[] {
  const isOf = (types: readonly string[]): JsonObject => ({
    anyOf: ["type", "step_type"].map((word) => ({
      properties: { [word]: types.length === 1 ? { const: types[0] ?? "" } : { enum: types } },
      required: [word],
    })),
  });
  return Object.entries(partsOfTypes).map(([part, { types, required }]) => ({
    if: isOf(types),
    // biome-ignore lint/suspicious/noThenProperty: JSON Schema calls it so.
    ...(required && { then: { required: [part] } }),
    else: { properties: { [part]: false } },
  }));
}
