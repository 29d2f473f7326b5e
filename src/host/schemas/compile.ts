import { type ErrorObject, type ValidateFunction, Ajv2020 as Validator } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import type { Json, JsonObject } from "#domain/json/json";
import { FITS, type SchemaProblem, type Verdict } from "#domain/template/verdict";
import { clip } from "#domain/text/text";
import { limits } from "#limits/index";
import type { PatternEngine } from "./engine.js";
import { saysProto, withName, withStandIn } from "./proto-name.js";

type Validate = (value: unknown) => readonly ErrorObject[];

/**
 * A schema compiled by ajv: draft 2020-12 with its formats. Unknown keywords and formats are ignored, nothing is fetched,
 * no defaults are applied. Compiles and checks synchronously, without a limit of time.
 */
export class CompiledSchema {
  readonly #schema: JsonObject;
  readonly #engine: PatternEngine;
  /** True if names are replaced, in the schema and in values, since ajv would not check them. */
  readonly #saysProto: boolean;
  /** Stops at the first problem. */
  readonly #first: Validate;
  /** Finds every problem. Compiled when a value first does not fit. */
  #all: Validate | undefined;

  /** @throws {Error} if it is no schema; convert it with {@link notASchema} */
  constructor(schema: JsonObject, engine: PatternEngine) {
    this.#saysProto = saysProto(schema);
    this.#schema = this.#saysProto ? withStandIn(schema) : schema;
    this.#engine = engine;
    this.#first = validator(this.#schema, false, engine);
  }

  /** Returns the verdict with the first problem only. */
  first(value: Json): Verdict {
    return this.#judge(this.#first, value);
  }

  /** True if {@link all} need not compile. */
  get isWhole(): boolean {
    return this.#all !== undefined;
  }

  /** Returns the verdict with every problem. Each takes memory, and a long list may have several per item. */
  all(value: Json): Verdict {
    this.#all ??= validator(this.#schema, true, this.#engine);
    return this.#judge(this.#all, value);
  }

  #judge(validate: Validate, value: Json): Verdict {
    if (!this.#saysProto) return verdictOf(validate(value));
    const verdict = verdictOf(validate(withStandIn(value)));
    return verdict.type === "fits" ? verdict : { ...verdict, text: withName(verdict.text) };
  }
}

/** Compiles with a validator of its own for each schema, so that one's `$id`s are not visible to another. */
function validator(schema: JsonObject, allErrors: boolean, engine: PatternEngine): Validate {
  const ajv = new Validator({
    allErrors,
    strict: false,
    logger: false,
    meta: false,
    validateSchema: false,
    // Inherited properties are not part of the value.
    ownProperties: true,
    code: { regExp: engine },
  });
  formats.default(ajv);
  const validate: ValidateFunction = ajv.compile(schema);
  if ("$async" in validate) throw new Error("$async is not JSON Schema");
  return (value) => (validate(value) ? [] : (validate.errors ?? []));
}

let meta: Validator | undefined;

/** Checks a schema by the meta-schema. The first call takes a tenth of a second. */
export function schemaProblem(schema: JsonObject): SchemaProblem | undefined {
  meta ??= new Validator({ strict: false, logger: false });
  return meta.validateSchema(schema) ? undefined : notASchema(textOf(meta.errors ?? []));
}

/** Makes the verdict about something that is no schema. @param why a text, or what was thrown */
export function notASchema(why: unknown): SchemaProblem {
  const text = why instanceof Error ? why.message : String(why);
  const clipped = clip(text, 4 * limits.schemaProblemBytes);
  return { type: "invalid", text: `this is no JSON Schema of draft 2020-12: ${clipped}` };
}

let keywords: { readonly [keyword: string]: unknown } | undefined;

/** True of every keyword that the validator implements. */
export function isKeyword(word: string): boolean {
  if (keywords === undefined) {
    const ajv = new Validator({ strict: false, logger: false, meta: false });
    formats.default(ajv);
    keywords = { ...ajv.RULES.keywords, $async: true };
  }
  return Object.hasOwn(keywords, word);
}

/** Parses a value as agents do; an empty text is null. */
export function parseValue(json: string): Json {
  return JSON.parse(json || "null");
}

function verdictOf(errors: readonly ErrorObject[]): Verdict {
  return errors.length === 0 ? FITS : { type: "misfit", text: textOf(errors) };
}

/** Lists the distinct problems with their paths, up to a limit, and counts the rest. */
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

/** The value that ajv's message leaves out. */
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
