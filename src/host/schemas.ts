import { type ErrorObject, type ValidateFunction, Ajv2020 as Validator } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { Fault } from "#domain/fault";
import type { JsonObject } from "#domain/json";
import { clip } from "#domain/text";
import type { Schemas } from "#ports/schemas";

/** So many problems are named; the rest are counted. */
const NAMED = 10;
/** One problem is one line: a path can be as long as a name in the value. */
const PROBLEM_BYTES = 256;
/** In a larger value only the first problem is looked for: each item of a long list may have one. */
const SEARCHED_WHOLE = 64 * 1024;

type Validate = (value: unknown) => readonly ErrorObject[];

/** The two ways to look at a value: only whether it fits, or for all that does not. */
interface Compiled {
  readonly first: Validate;
  /** Made when a value does not fit: most never see one. */
  readonly all: () => Validate;
}

/**
 * Schemas as ajv reads them: draft 2020-12 with its formats, unknown keywords and formats left alone, nothing
 * fetched, nothing filled in. Each schema is compiled once, and forgotten with the object it came in.
 */
export function jsonSchemas(): Schemas {
  const known = new WeakMap<JsonObject, Compiled | Fault>();
  const meta = new Validator({ strict: false, logger: false });

  const compiled = (schema: JsonObject): Compiled => {
    let found = known.get(schema);
    if (found === undefined) {
      found = compile(schema, meta);
      known.set(schema, found);
    }
    if (found instanceof Fault) throw found;
    return found;
  };

  return {
    problemOf(schema, value) {
      const { first, all } = compiled(schema);
      const problems = first(value);
      if (problems.length === 0) return undefined;
      const small = (JSON.stringify(value) ?? "").length <= SEARCHED_WHOLE;
      return textOf(small ? all()(value) : problems);
    },
  };
}

function compile(schema: JsonObject, meta: Validator): Compiled | Fault {
  try {
    if (!meta.validateSchema(schema)) return notASchema(textOf(meta.errors ?? []));
    const first = validator(schema, false);
    let all: Validate | undefined;
    return {
      first,
      all: () => {
        all ??= validator(schema, true);
        return all;
      },
    };
  } catch (error) {
    return notASchema(clip(error instanceof Error ? error.message : String(error), 4 * PROBLEM_BYTES));
  }
}

/** Each schema has a validator of its own: names that one gives with `$id` are not seen by another. */
function validator(schema: JsonObject, allErrors: boolean): Validate {
  const ajv = new Validator({
    allErrors,
    strict: false,
    logger: false,
    meta: false,
    validateSchema: false,
    // What every object inherits is no property of the value.
    ownProperties: true,
  });
  formats.default(ajv);
  const validate: ValidateFunction = ajv.compile(schema);
  if ("$async" in validate) throw new Error("$async is not JSON Schema");
  return (value) => {
    try {
      return validate(value) ? [] : (validate.errors ?? []);
    } catch (error) {
      if (error instanceof RangeError) throw notASchema("it refers to itself without end");
      throw error;
    }
  };
}

function notASchema(why: string): Fault {
  return new Fault("invalid", `this is no JSON Schema of draft 2020-12: ${why}`, {
    reason: "SCHEMA_INVALID",
  });
}

/** Every problem once, with its place; as many as a person reads. */
function textOf(errors: readonly ErrorObject[]): string {
  const problems = [...new Set(errors.slice(0, 10 * NAMED).map(problem))];
  const more = errors.length - Math.min(problems.length, NAMED);
  const named = problems.slice(0, NAMED).join("; ");
  return problems.length > NAMED || errors.length > 10 * NAMED ? `${named}; and ${more} more` : named;
}

function problem({ instancePath, message = "is not valid", keyword, params }: ErrorObject): string {
  const place = instancePath === "" ? "the value" : instancePath;
  return clip(`${place} ${message}${detail(keyword, params)}`, PROBLEM_BYTES);
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
