import { createRequire } from "node:module";
import { join } from "node:path";
import { z } from "zod";
import { isJsonObject, type JsonObject } from "#domain/json/json";
import type { StandardSchema } from "./types.js";
import { widenInput } from "./wider-input.js";

/** Whether the values that a schema takes are described, or those that it gives. */
export type Side = "input" | "output";

/** What to do about a part that JSON Schema cannot express: leave it open, or refuse the schema. */
export type Inexpressible = "open" | "refuse";

const TARGET = "draft-2020-12";

/**
 * The JSON Schema 2020-12 of a schema, from what its library offers.
 *
 * @throws {Error} whose message completes "the schema …": that there is none, and the way out
 */
export function jsonSchemaOf(schema: StandardSchema, side: Side, inexpressible: Inexpressible): JsonObject {
  const { $schema: _, ...rest } = plainObject(converted(schema, side, inexpressible));
  return rest;
}

/** As {@link jsonSchemaOf}; undefined if the schema gives none. */
export function jsonSchemaIfAny(schema: StandardSchema, side: Side): JsonObject | undefined {
  try {
    return jsonSchemaOf(schema, side, "open");
  } catch {
    return undefined;
  }
}

function converted(schema: StandardSchema, side: Side, inexpressible: Inexpressible): unknown {
  const { vendor } = schema["~standard"];
  try {
    if ("_zod" in schema) return ofZod(schema, side, inexpressible);
    const standard = ofStandard(schema, side);
    if (standard) return standard;
    if (vendor === "arktype") return ofArktype(schema);
    if (vendor === "valibot") return ofValibot(schema, side, inexpressible);
  } catch (error) {
    if (error instanceof NoConverter) throw error;
    const why = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    throw new Error(`has no JSON Schema: ${why}. Use types that JSON has, or give a JSON Schema`);
  }
  throw new NoConverter(
    `gives no JSON Schema: ${vendor} does not implement Standard JSON Schema. Give a JSON Schema, or use a library that does`,
  );
}

class NoConverter extends Error {}

/** A method of a schema that converts it. */
type Convert = (this: unknown, options: Readonly<Record<string, unknown>>) => unknown;

/**
 * Schemas of zod 4 convert themselves where they can, since their version knows them best; those of 4.0 and 4.1, and of
 * zod/mini, are read by our zod, which looks at nothing but their definitions.
 */
function ofZod(schema: StandardSchema, side: Side, inexpressible: Inexpressible): unknown {
  const options = {
    target: TARGET,
    io: side,
    unrepresentable: inexpressible === "open" ? "any" : "throw",
    ...(inexpressible === "open" && side === "input" && { override: widenInput }),
  } as const;
  const own = (schema as { readonly toJSONSchema?: unknown }).toJSONSchema;
  if (typeof own === "function") return (own as Convert).call(schema, options);
  return z.toJSONSchema(schema as unknown as z.core.$ZodType, { ...options, metadata: OWN_METADATA });
}

/** Titles and descriptions lie in a registry of the schema's own zod, to which its schemas alone lead. */
const OWN_METADATA = {
  get(schema: { readonly meta?: unknown }): unknown {
    return typeof schema.meta === "function" ? (schema.meta as () => unknown)() : undefined;
  },
} as unknown as z.core.$ZodRegistry<Record<string, unknown>>;

/** By Standard JSON Schema. */
function ofStandard(schema: StandardSchema, side: Side): unknown {
  const { jsonSchema } = schema["~standard"] as { readonly jsonSchema?: Readonly<Record<Side, unknown>> };
  const convert = jsonSchema?.[side];
  return typeof convert === "function"
    ? (convert as Convert).call(jsonSchema, { target: TARGET })
    : undefined;
}

/** Of versions without Standard JSON Schema. */
function ofArktype(schema: StandardSchema): unknown {
  const convert = (schema as { readonly toJsonSchema?: unknown }).toJsonSchema;
  if (typeof convert === "function") return (convert as Convert).call(schema, {});
  throw new NoConverter("gives no JSON Schema: it needs arktype 2");
}

const VALIBOT_CONVERTER = "@valibot/to-json-schema";

function ofValibot(schema: StandardSchema, side: Side, inexpressible: Inexpressible): unknown {
  const { toJsonSchema } = valibotConverter();
  const errorMode = inexpressible === "open" ? "ignore" : "throw";
  return toJsonSchema(schema, { target: TARGET, typeMode: side, errorMode });
}

type ValibotConverter = {
  toJsonSchema(schema: unknown, options: Readonly<Record<string, unknown>>): unknown;
};

/** Looked for from this package, and from the program: package managers do not put all packages in one place. */
function valibotConverter(): ValibotConverter {
  for (const from of [import.meta.url, join(process.cwd(), "package.json"), process.argv[1]]) {
    try {
      if (from) return createRequire(from)(VALIBOT_CONVERTER) as ValibotConverter;
    } catch {
      // It is not there, or it is none that can be loaded: the next place, or the error below.
    }
  }
  throw new NoConverter(
    `gives no JSON Schema without ${VALIBOT_CONVERTER}: install it, or pass what its toStandardJsonSchema() makes of the schema`,
  );
}

/** A plain copy: what libraries add beside JSON, such as functions and symbols, is left out. */
function plainObject(made: unknown): JsonObject {
  const plain: unknown = JSON.parse(JSON.stringify(made) ?? "null");
  if (isJsonObject(plain)) return plain;
  throw new Error("gives a JSON Schema that is no object: give one that is");
}
