import { isJsonObject, type Json, type JsonObject } from "#domain/json/json";
import { limits } from "#limits/index";
import { isKeyword } from "./compile.js";
import { costOfFormat } from "./formats.js";
import { linearPattern } from "./pattern.js";

/** Instructions of a pattern that compile as fast as one keyword. */
const INSTRUCTIONS_PER_KEYWORD = 4;

/** The cost of a schema that is known to be cheap. */
export interface Cost {
  /**
   * Bound of the steps per character of a value: one for each keyword, more for a format or pattern. Keywords behind a
   * `$ref` count once for each reference.
   */
  readonly weight: number;
  /** True if it has patterns, which need the linear-time engine. */
  readonly hasPatterns: boolean;
}

/**
 * Returns the cost of a cheap schema; undefined for one that is large, expands to something large, is malformed, or has a
 * keyword that is not known to take linear time. Takes time linear in the schema, up to `limits.cheapSchemaBytes`.
 *
 * @param bytes length of the schema's text
 */
export function costOf(schema: JsonObject, bytes: number): Cost | undefined {
  if (bytes > limits.cheapSchemaBytes || hasNames(schema, 0)) return undefined;
  if (new Scale(schema, "keywords").weigh(schema, 0) > limits.cheapSchemaKeywords) return undefined;
  const scale = new Scale(schema, "steps");
  return { weight: scale.weigh(schema, 0), hasPatterns: scale.hasPatterns };
}

const COSTLY = Number.POSITIVE_INFINITY;
const SCALARS = ["string", "number", "integer", "boolean", "null"];
const TYPES: ReadonlySet<unknown> = new Set([...SCALARS, "object", "array"]);
const DIALECT = /^https:\/\/json-schema\.org\/draft\/2020-12\/schema#?$/;
const PLAIN_ID = /^[A-Za-z0-9:/._-]+$/;

/** Sums a schema's keywords, or its steps per character. The target of several `$ref`s is weighed once, counted for each. */
class Scale {
  hasPatterns = false;
  readonly #root: JsonObject;
  readonly #unit: "keywords" | "steps";
  readonly #weights = new Map<JsonObject, number>();

  constructor(root: JsonObject, unit: "keywords" | "steps") {
    this.#root = root;
    this.#unit = unit;
  }

  weigh(schema: Json | undefined, depth: number): number {
    if (typeof schema === "boolean") return 1;
    if (!isJsonObject(schema) || depth > limits.cheapSchemaDepth) return COSTLY;
    const known = this.#weights.get(schema);
    if (known !== undefined) return known;
    this.#weights.set(schema, COSTLY); // found again while it is weighed: the schema is recursive
    let weight = 1;
    for (const [keyword, value] of Object.entries(schema)) {
      if (value !== undefined) weight += this.#keyword(keyword, value, schema, depth + 1);
    }
    this.#weights.set(schema, weight);
    return weight;
  }

  #keyword(keyword: string, value: Json, schema: JsonObject, depth: number): number {
    switch (keyword) {
      case "type":
        return isType(value) ? 1 : COSTLY;
      case "enum":
        return Array.isArray(value) && value.length > 0 ? sizeOf(value) : COSTLY;
      case "const":
        return sizeOf(value);
      case "maximum":
      case "minimum":
      case "exclusiveMaximum":
      case "exclusiveMinimum":
        return typeof value === "number" ? 1 : COSTLY;
      case "multipleOf":
        return typeof value === "number" && value > 0 ? 1 : COSTLY;
      case "maxLength":
      case "minLength":
      case "maxItems":
      case "minItems":
      case "maxProperties":
      case "minProperties":
      case "minContains":
      case "maxContains":
        return Number.isSafeInteger(value) && (value as number) >= 0 ? 1 : COSTLY;
      case "uniqueItems":
        // Linear only for scalars, which are hashed; other values are compared pairwise.
        return value === false || (value === true && hasScalarItems(schema)) ? 2 : COSTLY;
      case "pattern":
        return this.#pattern(value);
      case "format":
        return this.#format(value);
      case "required":
        return isNames(value) ? value.length : COSTLY;
      case "dependentRequired":
        return this.#each(value, (names) => (isNames(names) ? 1 + names.length : COSTLY));
      case "patternProperties":
        return this.#each(value, (part, pattern) => this.#pattern(pattern) + this.weigh(part, depth));
      case "properties":
      case "dependentSchemas":
        return this.#each(value, (part) => 1 + this.weigh(part, depth));
      case "additionalProperties":
      case "propertyNames":
      case "items":
      case "contains":
      case "not":
      case "if":
      case "then":
      case "else":
        return this.weigh(value, depth);
      case "prefixItems":
      case "allOf":
      case "anyOf":
      case "oneOf":
        return isFull(value) ? value.reduce<number>((all, part) => all + this.weigh(part, depth), 0) : COSTLY;
      case "$ref":
        return this.weigh(this.#target(value), depth);
      case "$defs":
      case "definitions":
        // Definitions count where they are referred to, but must be schemas.
        return this.#each(value, (part) => (this.weigh(part, depth) < COSTLY ? 0 : COSTLY));
      default:
        return costOfWord(keyword, value);
    }
  }

  #pattern(value: Json): number {
    if (typeof value !== "string" || !isPattern(value)) return COSTLY;
    this.hasPatterns = true;
    const size = linearPattern(value)?.size ?? COSTLY;
    return this.#unit === "steps" ? size : Math.ceil(size / INSTRUCTIONS_PER_KEYWORD);
  }

  #format(value: Json): number {
    const steps = typeof value === "string" ? costOfFormat(value) : undefined;
    if (steps === undefined) return COSTLY;
    return this.#unit === "steps" ? steps : 1;
  }

  #each(value: Json, weigh: (part: Json, name: string) => number): number {
    if (!isJsonObject(value)) return COSTLY;
    let weight = 0;
    for (const [name, part] of Object.entries(value)) weight += part === undefined ? 0 : weigh(part, name);
    return weight;
  }

  /** Resolves a reference by plain names from the root; undefined for any other. */
  #target(ref: Json): Json | undefined {
    if (typeof ref !== "string" || !/^#(\/[A-Za-z0-9_$. -]+)*$/.test(ref)) return undefined;
    let target: Json | undefined = this.#root;
    for (const name of ref.split("/").slice(1)) {
      const part: Json | undefined =
        isJsonObject(target) && Object.hasOwn(target, name) ? target[name] : undefined;
      target = part;
    }
    return target;
  }
}

/** Annotations and unknown keywords cost nothing; other keywords of the validator are costly. */
function costOfWord(keyword: string, value: Json): number {
  switch (keyword) {
    case "title":
    case "description":
    case "$comment":
    case "contentEncoding":
    case "contentMediaType":
      return typeof value === "string" ? 0 : COSTLY;
    case "deprecated":
    case "readOnly":
    case "writeOnly":
      return typeof value === "boolean" ? 0 : COSTLY;
    case "examples":
      return Array.isArray(value) ? 0 : COSTLY;
    case "default":
      return 0;
    case "$schema":
      return typeof value === "string" && DIALECT.test(value) ? 0 : COSTLY;
    case "$id":
      return typeof value === "string" && PLAIN_ID.test(value) ? 0 : COSTLY;
    default:
      return isKeyword(keyword) ? COSTLY : 0;
  }
}

/** True if a subschema has a name of its own, so that a reference could lead anywhere. */
function hasNames(value: Json | undefined, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (depth > 2 * limits.cheapSchemaDepth) return true;
  return Object.entries(value).some(
    ([key, part]) =>
      (NAMES.has(key) && typeof part === "string" && !(key === "$id" && depth === 0)) ||
      hasNames(part, depth + 1),
  );
}

const NAMES: ReadonlySet<string> = new Set(["$id", "$anchor", "$dynamicAnchor"]);

function isType(value: Json): boolean {
  if (!Array.isArray(value)) return TYPES.has(value);
  return value.length > 0 && new Set(value).size === value.length && value.every((type) => TYPES.has(type));
}

function hasScalarItems({ items }: JsonObject): boolean {
  const { type } = isJsonObject(items) ? items : {};
  const types = Array.isArray(type) ? type : [type];
  return types.length > 0 && types.every((each) => SCALARS.includes(each as string));
}

function isNames(value: Json): value is readonly string[] {
  const isList = Array.isArray(value) && value.every((name) => typeof name === "string");
  return isList && new Set(value).size === value.length;
}

function isFull(value: Json): value is readonly Json[] {
  return Array.isArray(value) && value.length > 0;
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text, "u");
    return true;
  } catch {
    return false;
  }
}

/** Counts the values within a value, itself included. */
function sizeOf(value: Json | undefined): number {
  if (typeof value !== "object" || value === null) return 1;
  return Object.values(value).reduce<number>((sum, part) => sum + sizeOf(part as Json), 1);
}
