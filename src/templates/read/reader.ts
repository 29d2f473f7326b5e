import { exactString } from "#domain/json/exact";
import type { Json, JsonObject } from "#domain/json/json";
import type {
  ChoiceShape,
  Field,
  Fields,
  NumberShape,
  RecordShape,
  Shape,
  TextShape,
} from "../format/shape.js";
import { nearMiss, slipOf } from "../rules/near.js";
import { type FindingCode, type Findings, shown } from "./finding.js";
import { type Entry, jsonOf, type Part, plainJsonOf } from "./source.js";

/** How messages name a value, and the step that contains it. */
interface Where {
  readonly label: string;
  readonly stepName: string;
}

/**
 * Converts the parsed text to a body by the format. Deviations become findings; values of the wrong type are left out,
 * values that are only out of range are kept, so that the rules can check the rest.
 */
export class Reader {
  readonly #findings: Findings;
  /** The part of the text that each object of the body was read from. */
  readonly #origins = new WeakMap<object, Part>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  readBody(part: Part, format: RecordShape): JsonObject | undefined {
    const read = this.#read(part, format, { label: "", stepName: "" });
    return read as JsonObject | undefined;
  }

  /** Returns the offset of an object, of the value of its key, or of a text in that value's list. */
  offsetOf(object: object, key?: string, item?: string): number {
    const origin = this.#origins.get(object);
    if (key === undefined || origin?.kind !== "object") return origin?.offset ?? 0;
    const entry = origin.entries.get(key) ?? origin.entries.get(otherWords[key] ?? "");
    if (!entry) return origin.offset;
    const items = entry.part.kind === "list" ? entry.part.items : [];
    const found = items.findLast((part) => part.kind === "scalar" && part.value === item);
    return (found ?? entry.part).offset;
  }

  /** Returns the offset of a key itself. */
  offsetOfKey(object: object, key: string): number {
    const origin = this.#origins.get(object);
    if (origin?.kind !== "object") return 0;
    return (origin.entries.get(key) ?? origin).offset;
  }

  /** True if the text has the key, even if its value could not be read. */
  has(object: object, key: string): boolean {
    const origin = this.#origins.get(object);
    return origin?.kind === "object" && origin.entries.has(key);
  }

  #read(part: Part, shape: Shape, where: Where): Json | undefined {
    switch (shape.kind) {
      case "text":
        return this.#text(part, shape, where);
      case "number":
        return this.#number(part, shape, where);
      case "flag":
        return this.#flag(part, where);
      case "choice":
        return this.#choice(part, shape, where);
      case "any":
        return jsonOf(part);
      case "object":
        return part.kind === "object" ? jsonOf(part) : this.#wrongType(part, "an object", where);
      case "schema":
        return this.#schema(part, where);
      case "list":
        return this.#list(part, shape.of, where);
      case "record":
        return this.#record(part, shape, where);
      case "named":
        return this.#named(part, shape.of, where);
    }
  }

  #text(part: Part, { max, maxCode = "OUT_OF_RANGE", form }: TextShape, where: Where): string | undefined {
    if (part.kind !== "scalar" || typeof part.value !== "string") {
      const scalar = part.kind === "scalar" && part.value !== null;
      return this.#wrongType(part, scalar ? "text: put it in quotes" : "text", where);
    }
    const { value } = part;
    if (value.length > max) {
      this.#add(maxCode, part, where, `has ${value.length} characters; at most ${max} are taken`);
      return undefined;
    }
    if (/\p{Cs}/u.test(value)) {
      this.#add("BAD_TEXT", part, where, `is ${shown(value)}, which has half a character in it`);
      return undefined;
    }
    if (form && !new RegExp(form.pattern).test(value)) {
      this.#add(form.code, part, where, `is ${shown(value)}, which is not ${form.says}`);
    }
    return value;
  }

  #number(part: Part, { whole, min, max }: NumberShape, where: Where): number | undefined {
    const kind = whole ? "a whole number" : "a number";
    if (part.kind !== "scalar" || typeof part.value !== "number") {
      return this.#wrongType(part, `${kind} from ${min} to ${max}`, where);
    }
    const { value } = part;
    if (value < min || value > max || (whole && !Number.isInteger(value))) {
      this.#add("OUT_OF_RANGE", part, where, `is ${value}; ${kind} from ${min} to ${max} is taken`);
    }
    return value;
  }

  #flag(part: Part, where: Where): boolean | undefined {
    if (part.kind === "scalar" && typeof part.value === "boolean") return part.value;
    return this.#wrongType(part, "true or false", where);
  }

  #choice(part: Part, { of, code }: ChoiceShape, where: Where): string | undefined {
    if (part.kind !== "scalar" || typeof part.value !== "string") {
      return this.#wrongType(part, `one of ${of.join(", ")}`, where);
    }
    const { value } = part;
    if (of.includes(value)) return value;
    this.#add(
      code,
      part,
      where,
      `is ${shown(value)}${nearMiss(value, of) || `; it is one of ${of.join(", ")}`}`,
    );
    return undefined;
  }

  #schema(part: Part, where: Where): Json | undefined {
    if (part.kind === "object") {
      const plain = plainJsonOf(part);
      if (plain === undefined)
        this.#add("OUT_OF_RANGE", part, where, "has a number that is too large for a schema");
      return plain;
    }
    this.#add("SCHEMA_NOT_OBJECT", part, where, `is ${kindOf(part)}; a JSON Schema, an object, is taken`);
    return undefined;
  }

  #list(part: Part, of: Shape, where: Where): readonly Json[] | undefined {
    if (part.kind !== "list") return this.#wrongType(part, "a list", where);
    return part.items.flatMap((item, index) => this.#read(item, of, itemWhere(item, index, where)) ?? []);
  }

  #named(part: Part, of: Shape, { label, stepName }: Where): JsonObject | undefined {
    if (part.kind !== "object") return this.#wrongType(part, "an object", { label, stepName });
    const read: [string, Json][] = [];
    for (const [name, entry] of part.entries) {
      const value = this.#read(entry.part, of, { label: `${label}.${name}`, stepName });
      if (value !== undefined) read.push([exactString(name), value]);
    }
    const object = Object.fromEntries(read);
    this.#origins.set(object, part);
    return object;
  }

  #record(part: Part, shape: RecordShape, where: Where): JsonObject | undefined {
    if (part.kind !== "object") return this.#wrongType(part, "an object", where);
    const read: [string, Json][] = [];
    const seen = new Set<string>();
    for (const [word, entry] of part.entries) {
      const found = this.#field(word, entry, shape, seen, where);
      if (found) read.push(found);
    }
    for (const [name, { required, alias = name }] of Object.entries(shape.fields)) {
      if (!required || isGiven(part.entries.get(name)) || isGiven(part.entries.get(alias))) continue;
      this.#add("MISSING_KEY", part, where, `lacks ${name}`);
    }
    const object = Object.fromEntries(read);
    this.#origins.set(object, part);
    return object;
  }

  #field(
    word: string,
    entry: Entry,
    { fields, open }: RecordShape,
    seen: Set<string>,
    where: Where,
  ): [string, Json] | undefined {
    const name = Object.hasOwn(fields, word) ? word : aliasOf(word, fields);
    const field = name === undefined ? undefined : fields[name];
    if (name === undefined || field === undefined) {
      if (!open) this.#unknown(word, fields, entry, where);
      return [exactString(word), jsonOf(entry.part)];
    }
    if (seen.has(name)) {
      this.#addAt("DUPLICATE_KEY", entry.offset, where, `has ${name} twice, once as ${shown(field.alias)}`);
    }
    seen.add(name);
    return this.#value(name, field, entry, where);
  }

  /** A slip of a key is an error, since what it says would be lost; any other key is kept for whom it is for. */
  #unknown(word: string, fields: Fields, { offset }: Entry, where: Where): void {
    const words = Object.entries(fields).flatMap(([key, { alias }]) => (alias ? [key, alias] : [key]));
    const meant = slipOf(word, words);
    if (meant === undefined) {
      const message = `has the key ${shown(word)}, which is kept and shown, and has no effect: the format does not know it`;
      this.#addAt("FOREIGN_KEY", offset, where, message);
      return;
    }
    const message = `has the key ${shown(word)}, which the format does not know; did you mean ${shown(meant)}?`;
    this.#addAt("UNKNOWN_KEY", offset, where, message);
  }

  #value(name: string, field: Field, entry: Entry, { label, stepName }: Where): [string, Json] | undefined {
    // A key without a value counts as left out, except where null is a valid value.
    if (field.shape.kind !== "any" && !isGiven(entry)) return undefined;
    const where = { label: label === "" ? name : `${label}.${name}`, stepName };
    const value = this.#read(entry.part, field.shape, where);
    if (value === undefined) return undefined;
    if (field.hasNoEffect?.(value)) {
      this.#addAt("NO_EFFECT", entry.offset, where, "is kept and shown, and has no effect yet");
    }
    if (field.foreign !== undefined) {
      this.#addAt("FOREIGN_KEY", entry.offset, where, `is a key of another system: it is ${field.foreign}`);
    }
    return [name, value];
  }

  #wrongType(part: Part, wanted: string, where: Where): undefined {
    this.#add("WRONG_TYPE", part, where, `is ${kindOf(part)}; it should be ${wanted}`);
  }

  #add(code: FindingCode, { offset }: Part, where: Where, message: string): void {
    this.#addAt(code, offset, where, message);
  }

  #addAt(code: FindingCode, offset: number, { label, stepName }: Where, message: string): void {
    this.#findings.add(code, `${label === "" ? "the template" : label} ${message}`, offset, stepName);
  }
}

/** Aliases of keys, for finding their positions. */
const otherWords: Readonly<Record<string, string>> = { type: "step_type", dependencies: "depends_on" };

function aliasOf(word: string, fields: RecordShape["fields"]): string | undefined {
  return Object.keys(fields).find((name) => fields[name]?.alias === word);
}

function isGiven(entry: Entry | undefined): boolean {
  return entry !== undefined && !(entry.part.kind === "scalar" && entry.part.value === null);
}

/** Names a list's item in messages by its `name`, or else its index. */
function itemWhere(item: Part, index: number, { label, stepName }: Where): Where {
  const name = item.kind === "object" ? item.entries.get("name")?.part : undefined;
  const text = name?.kind === "scalar" && typeof name.value === "string" ? name.value.slice(0, 128) : "";
  return {
    label: `${label}.${text === "" ? index : text}`,
    stepName: label === "steps" ? text : stepName,
  };
}

function kindOf(part: Part): string {
  if (part.kind === "list") return "a list";
  if (part.kind === "object") return "an object";
  return part.value === null ? "empty" : shown(part.value);
}
