import { isJsonObject, type Json, type JsonObject } from "#domain/json/json";

/** The name of a property that ajv leaves out of every schema, and its stand-in, which is as long and is no name of anybody's. */
const NAME = "__proto__";
const STAND_IN = "\uE000_proto_\uE001";

/** True if the schema says anything of a property called `__proto__`. */
export function saysProto(schema: JsonObject): boolean {
  return JSON.stringify(schema).includes(NAME);
}

/** The value with a stand-in for the name, in properties and in texts: alike in a schema, its references, and a value. */
export function withStandIn<Value extends Json>(value: Value): Value {
  return renamed(value) as Value;
}

/** A message about such a value, in the words of its author. */
export function withName(message: string): string {
  return message.replaceAll(STAND_IN, NAME);
}

function renamed(value: Json): Json {
  if (typeof value === "string") return value.replaceAll(NAME, STAND_IN);
  if (Array.isArray(value)) return value.map(renamed);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [name.replaceAll(NAME, STAND_IN), renamed(part ?? null)]),
  );
}
