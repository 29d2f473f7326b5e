import type { JsonObject } from "#domain/json/json";

/** A schema for a model, and whether it is one to which the server can hold the model strictly. */
export interface ModelSchema {
  readonly schema: JsonObject;
  readonly strict: boolean;
}

/**
 * Closes the objects of a schema that do not say whether they are open. Servers can hold a model to a schema strictly if every
 * object is closed and every property of it required.
 */
export function modelSchema(schema: JsonObject): ModelSchema {
  let strict = true;
  const close = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(close);
    if (typeof value !== "object" || value === null) return value;
    const closed: Record<string, unknown> = {};
    for (const [key, part] of Object.entries(value)) {
      // What a property is called, or a constant is, says nothing of a schema.
      const isNames = key === "properties" || key === "$defs";
      closed[key] = isNames
        ? closeEach(part)
        : ["const", "enum", "default", "examples"].includes(key)
          ? part
          : close(part);
    }
    if (typeof closed.properties === "object" && closed.properties !== null) {
      closed.additionalProperties ??= false;
      const required = new Set(Array.isArray(closed.required) ? closed.required : []);
      if (closed.additionalProperties !== false) strict = false;
      if (Object.keys(closed.properties).some((name) => !required.has(name))) strict = false;
    } else if (closed.type === "object") strict = false;
    return closed;
  };
  const closeEach = (parts: unknown): unknown => {
    if (typeof parts !== "object" || parts === null) return parts;
    return Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, close(part)]));
  };
  const closed = close(schema) as JsonObject;
  return { schema: closed, strict };
}
