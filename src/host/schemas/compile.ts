import { type ErrorObject, type ValidateFunction, Ajv2020 as Validator } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import type { Json, JsonObject } from "#domain/json";
import { limits } from "#domain/limits";
import { clip } from "#domain/text";
import { FITS, type SchemaProblem, type Verdict } from "#domain/verdict";
import type { PatternEngine } from "./engine.js";

type Validate = (value: unknown) => readonly ErrorObject[];

/**
 * A schema as ajv reads it: draft 2020-12 with its formats, unknown keywords and formats left alone, nothing fetched,
 * nothing filled in. Compiles and checks on the calling thread, for as long as that takes.
 */
export class CompiledSchema {
  readonly #schema: JsonObject;
  readonly #engine: PatternEngine;
  /** Stops at the first problem. */
  readonly #first: Validate;
  /** Looks for every problem. Made when a value does not fit: most schemas never see one. */
  #all: Validate | undefined;

  /** @throws {Error} if it is no schema; {@link notASchema} says so */
  constructor(schema: JsonObject, engine: PatternEngine) {
    this.#schema = schema;
    this.#engine = engine;
    this.#first = validator(schema, false, engine);
  }

  /** The first problem of the value, if it has one. */
  first(value: unknown): Verdict {
    return verdictOf(this.#first(value));
  }

  /** Whether {@link all} can be asked without compiling. */
  get isWhole(): boolean {
    return this.#all !== undefined;
  }

  /** Every problem of the value. Takes room for each, of which a list may have many for each of its items. */
  all(value: unknown): Verdict {
    this.#all ??= validator(this.#schema, true, this.#engine);
    return verdictOf(this.#all(value));
  }
}

/** Each schema has a validator of its own: names that one gives with `$id` are not seen by another. */
function validator(schema: JsonObject, allErrors: boolean, engine: PatternEngine): Validate {
  const ajv = new Validator({
    allErrors,
    strict: false,
    logger: false,
    meta: false,
    validateSchema: false,
    // What every object inherits is no property of the value.
    ownProperties: true,
    code: { regExp: engine },
  });
  formats.default(ajv);
  const validate: ValidateFunction = ajv.compile(schema);
  if ("$async" in validate) throw new Error("$async is not JSON Schema");
  return (value) => (validate(value) ? [] : (validate.errors ?? []));
}

let meta: Validator | undefined;

/** What the schema of schemas has to say against it. Takes a tenth of a second when first called. */
export function schemaProblem(schema: JsonObject): SchemaProblem | undefined {
  meta ??= new Validator({ strict: false, logger: false });
  return meta.validateSchema(schema) ? undefined : notASchema(textOf(meta.errors ?? []));
}

/** @param why a text, or what was thrown on the way */
export function notASchema(why: unknown): SchemaProblem {
  const text = why instanceof Error ? why.message : String(why);
  const clipped = clip(text, 4 * limits.schemaProblemBytes);
  return { type: "invalid", text: `this is no JSON Schema of draft 2020-12: ${clipped}` };
}

let keywords: { readonly [keyword: string]: unknown } | undefined;

/** True of every word that the validator does something for. */
export function isKeyword(word: string): boolean {
  if (keywords === undefined) {
    const ajv = new Validator({ strict: false, logger: false, meta: false });
    formats.default(ajv);
    keywords = { ...ajv.RULES.keywords, $async: true };
  }
  return Object.hasOwn(keywords, word);
}

/** The value as every agent will see it. */
export function parseValue(json: string): Json {
  return JSON.parse(json || "null");
}

function verdictOf(errors: readonly ErrorObject[]): Verdict {
  return errors.length === 0 ? FITS : { type: "misfit", text: textOf(errors) };
}

/** Every problem once, with its place; as many as a person reads. */
function textOf(errors: readonly ErrorObject[]): string {
  const problems = [...new Set(errors.slice(0, 10 * limits.schemaProblems).map(problem))];
  const more = errors.length - Math.min(problems.length, limits.schemaProblems);
  const named = problems.slice(0, limits.schemaProblems).join("; ");
  return problems.length > limits.schemaProblems || errors.length > 10 * limits.schemaProblems
    ? `${named}; and ${more} more`
    : named;
}

function problem({ instancePath, message = "is not valid", keyword, params }: ErrorObject): string {
  const place = instancePath === "" ? "the value" : instancePath;
  return clip(`${place} ${message}${detail(keyword, params)}`, limits.schemaProblemBytes);
}

/** What ajv's own words leave out. */
function detail(keyword: string, params: Record<string, unknown>): string {
  switch (keyword) {
    case "additionalProperties":
      return `: ${JSON.stringify(params.additionalProperty)}`;
    case "unevaluatedProperties":
      return `: ${JSON.stringify(params.unevaluatedProperty)}`;
    case "enum":
      return `: ${JSON.stringify(params.allowedValues)}`;
    case "const":
      return `: ${JSON.stringify(params.allowedValue)}`;
    default:
      return "";
  }
}
