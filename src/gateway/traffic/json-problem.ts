import {
  type DescEnum,
  type DescField,
  type DescMessage,
  fromJson,
  type JsonValue,
} from "@bufbuild/protobuf";
import { isFieldError } from "@bufbuild/protobuf/reflect";
import { Fault } from "#domain/fault";
import { isJsonObject, type Json } from "#domain/json/json";
import { nearest } from "#domain/nearest";

/**
 * Says what is wrong with a message in JSON that the decoder has refused. Only called then, so that it may parse the
 * text again: the decoder itself names a field without the fields around it, and suggests nothing.
 *
 * @param text undefined if the bytes are no UTF-8
 * @param cause what the decoder has thrown
 */
export function jsonProblem(schema: DescMessage, text: string | undefined, cause: Error): Fault {
  const refuse = (message: string) => malformed(schema, message, cause);
  if (text === undefined) return refuse("it is not UTF-8");
  if (text.trim() === "") return refuse("it is empty; send an object, {} if there is nothing to say");
  let json: Json;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return refuse(`it is not JSON: ${(error as Error).message}`);
  }
  const found = problemIn(schema, json, "");
  if (found === undefined) return refuse(ofDecoder(cause));
  const { field, says, reason } = found;
  if (field === "") return refuse(says);
  return new Fault("invalid", `${field} ${says}`, { field, reason, cause });
}

function malformed({ typeName }: DescMessage, says: string, cause: Error): Fault {
  const message = `the message cannot be read as ${typeName}: ${says}.`;
  return new Fault("invalid", message, { reason: "MESSAGE_MALFORMED", cause });
}

/** Of the decoder's message, what it says after the name of what it was decoding. */
function ofDecoder({ message }: Error): string {
  return message.replace(/^cannot decode [^:]* from JSON: /, "");
}

interface Problem {
  /** The path of the field as the protocol spells it, for example `tasks[3].priority`; empty for the message itself. */
  readonly field: string;
  /** Continues the sentence that begins with the field. */
  readonly says: string;
  readonly reason: "MESSAGE_MALFORMED" | "UNKNOWN_FIELD" | "UNKNOWN_ENUM_VALUE";
}

/** The first problem in the order of the text. The recursion is as deep as messages of the protocol are nested. */
function problemIn(desc: DescMessage, json: Json, path: string): Problem | undefined {
  if (!isJsonObject(json)) return wrong(path, `is ${shown(json)}; send an object`);
  for (const [key, value] of Object.entries(json)) {
    const field = desc.fields.find(({ name, jsonName }) => name === key || jsonName === key);
    if (!field) return unknownField(desc, key, path);
    const problem = fieldProblem(desc, field, key, value, path === "" ? field.name : `${path}.${field.name}`);
    if (problem) return problem;
  }
  return undefined;
}

function fieldProblem(
  desc: DescMessage,
  field: DescField,
  key: string,
  value: Json,
  path: string,
): Problem | undefined {
  if (value === null) return undefined;
  const { message, enum: names } = field;
  const each = partsOf(field, value, path);
  for (const [at, part] of each ?? []) {
    if (message) {
      const problem = problemIn(message, part, at);
      if (problem) return problem;
    }
    if (names && typeof part === "string" && !names.values.some(({ name }) => name === part)) {
      return unknownValue(names, part, at);
    }
  }
  try {
    // A field on its own: what the decoder throws is then about this one.
    fromJson(desc, { [key]: value as JsonValue });
    return undefined;
  } catch (error) {
    const { cause } = error as Error;
    return wrong(path, `is wrong: ${isFieldError(cause) ? cause.message : ofDecoder(error as Error)}`);
  }
}

/** The values of a field with their paths: one, or those of a list or map; none if it is no such list or map. */
function partsOf({ fieldKind }: DescField, value: Json, path: string): (readonly [string, Json])[] {
  switch (fieldKind) {
    case "list":
      return Array.isArray(value) ? (value as readonly Json[]).map((part, i) => [`${path}[${i}]`, part]) : [];
    case "map":
      return isJsonObject(value)
        ? Object.entries(value).map(([name, part]) => [`${path}.${name}`, part])
        : [];
    default:
      return [[path, value]];
  }
}

function wrong(field: string, says: string): Problem {
  return { field, says, reason: "MESSAGE_MALFORMED" };
}

function unknownField(desc: DescMessage, key: string, path: string): Problem {
  const names = desc.fields.map(({ jsonName }) => jsonName);
  const owner = path === "" ? desc.name : path;
  const word = key.replaceAll("_", "").toLowerCase();
  // What is left out at the end, as in `input` for `inputJson`, is a likely slip too.
  const near =
    nearest(word, names) ?? names.find((name) => word.length > 2 && name.toLowerCase().startsWith(word));
  const field = path === "" ? key : `${path}.${key}`;
  return {
    field: field.slice(0, FIELD_CHARS),
    says: `is no field of ${owner}${suggestion(near, names)}`,
    reason: "UNKNOWN_FIELD",
  };
}

function unknownValue(
  { name: type, values, sharedPrefix = "" }: DescEnum,
  word: string,
  field: string,
): Problem {
  const names = values.map(({ name }) => name);
  // The names of an enum begin alike, as in TASK_STATUS_RUNNING: what was sent may lack that.

  const near = nearest(word, names) ?? nearest(sharedPrefix.toUpperCase() + word, names);
  return {
    field,
    says: `is ${shown(word)}, which is no ${type}${suggestion(near, names)}`,
    reason: "UNKNOWN_ENUM_VALUE",
  };
}

function suggestion(near: string | undefined, names: readonly string[]): string {
  if (near !== undefined) return `; did you mean ${near}?`;
  return names.length === 0 ? "; leave it out." : `; there are ${names.join(", ")}.`;
}

/** A name in a path is cut to this length: it is the peer's own. */
const FIELD_CHARS = 256;

function shown(value: Json): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 64));
  if (Array.isArray(value)) return "a list";
  return isJsonObject(value) ? "an object" : String(value);
}
