import type { DescField, DescMessage } from "@bufbuild/protobuf";
import { ScalarType } from "@bufbuild/protobuf";
import { Fault } from "#domain/fault";
import { nearest } from "#domain/nearest";
import { limits } from "#limits/index";

/** The fields of a message by the texts that a query or a path gives for them, as the JSON form of protobuf writes the message. */
export type JsonFields = { [name: string]: JsonField };
type JsonField = string | boolean | JsonFields | (string | boolean)[];

/**
 * Reads query parameters, or the variables of a path, as fields of a message. `a.b` is the field `b` of the message `a`,
 * `labels[key]` an entry of a map, and a parameter that is repeated an element of a list. Names are those of the protocol, as it
 * spells them or in camel case. Enums are known by their names, with or without what all names of the enum begin with.
 *
 * @param pairs name and text
 * @returns what the decoder of messages reads; it checks the values
 * @throws {Fault} `invalid` for a name that is no field, with a near one; for a field that cannot be given so; for too many
 */
export function fieldsOf(
  desc: DescMessage,
  pairs: Iterable<readonly [name: string, text: string]>,
): JsonFields {
  const fields = noFields();
  let count = 0;
  for (const [name, text] of pairs) {
    count += 1;
    if (count > limits.queryParameters) throw tooMany();
    put(fields, desc, name, text);
  }
  return fields;
}

/** `labels[key]`: a map, and the key of an entry. */
const ENTRY = /^(?<map>[^[\]]+)\[(?<key>.*)\]$/s;

function put(fields: JsonFields, desc: DescMessage, name: string, text: string): void {
  const { map, key } = ENTRY.exec(name)?.groups ?? {};
  const path = (map ?? name).split(".");
  const last = path.pop() as string;
  let place = fields;
  let owner = desc;
  for (const part of path) {
    const field = fieldNamed(owner, part, name);
    if (field.fieldKind !== "message") throw notInside(name, field);
    place = inner(place, field);
    owner = field.message;
  }
  const field = fieldNamed(owner, last, name);
  if (field.fieldKind === "map" && key !== undefined) {
    inner(place, field)[key] = text;
    return;
  }
  if (key !== undefined) throw unfit(name, `${field.name} is no map`);
  place[field.name] = textValue(field, text, place[field.name], name);
}

/** The value of the field after one more text for it. */
function textValue(field: DescField, text: string, before: JsonField | undefined, name: string): JsonField {
  switch (field.fieldKind) {
    case "list": {
      if (field.listKind === "message")
        throw unfit(name, "its elements are objects, which only a body can have");
      const element = field.listKind === "enum" ? enumName(field, text) : scalar(field.scalar, text);
      return [...(Array.isArray(before) ? before : []), element];
    }
    case "map":
      throw unfit(name, `write ${name}[KEY]=VALUE for each of its entries`);
    case "message":
      throw unfit(name, `write ${name}.FIELD=VALUE for each of its fields`);
    default:
      if (before !== undefined) throw unfit(name, "it is there twice, and takes one value");
      return field.fieldKind === "enum" ? enumName(field, text) : scalar(field.scalar, text);
  }
}

/** As JSON has it: all but booleans may be written as text. */
function scalar(type: ScalarType, text: string): string | boolean {
  if (type !== ScalarType.BOOL) return text;
  return text === "true" || (text === "false" ? false : text);
}

/** The whole name of an enum's value; what is none stays as it is, and is refused by the decoder. */
function enumName(
  { enum: desc }: DescField & { readonly enum: NonNullable<DescField["enum"]> },
  text: string,
): string {
  const whole = `${(desc.sharedPrefix ?? "").toUpperCase()}${text.toUpperCase()}`;
  return desc.values.some(({ name }) => name === whole) ? whole : text;
}

/** Keys of maps are the peer's own words, such as `__proto__`. */
function noFields(): JsonFields {
  return Object.create(null) as JsonFields;
}

function inner(fields: JsonFields, { name }: DescField): JsonFields {
  const made = fields[name] ?? noFields();
  fields[name] = made;
  return made as JsonFields;
}

/** @throws {Fault} `invalid` if the message has no such field */
function fieldNamed({ fields }: DescMessage, part: string, whole: string): DescField {
  const found = fields.find(({ name, jsonName }) => name === part || jsonName === part);
  if (found) return found;
  const names = fields.map(({ name }) => name);
  const near = nearest(part, names);
  const advice = near === undefined ? `there are ${names.join(", ")}` : `did you mean ${near}?`;
  const says = names.length === 0 ? "this path takes none." : near === undefined ? `${advice}.` : advice;
  const field = whole.slice(0, NAME_CHARS);
  throw new Fault("invalid", `${field} is no parameter of this path; ${says}`, {
    field,
    reason: "UNKNOWN_FIELD",
  });
}

/** A name is cut to this length in what is answered: it is the peer's own. */
const NAME_CHARS = 256;

function notInside(name: string, field: DescField): Fault {
  return unfit(name, `${field.name} has no fields`);
}

function unfit(name: string, why: string): Fault {
  const field = name.slice(0, NAME_CHARS);
  return new Fault("invalid", `${field} cannot be given so: ${why}.`, { field, reason: "PARAMETER_INVALID" });
}

function tooMany(): Fault {
  const message = `the query has more than ${limits.queryParameters} parameters: send fewer.`;
  return new Fault("invalid", message, { reason: "PARAMETERS_TOO_MANY" });
}
