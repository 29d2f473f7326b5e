import type { StandardSchema } from "./types.js";

/** True if the value has the properties of a Standard Schema. Types of arktype are functions. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return false;
  const props = (value as Partial<StandardSchema>)["~standard"] as unknown;
  if (typeof props !== "object" || props === null) return false;
  return typeof (props as Partial<StandardSchema["~standard"]>).validate === "function";
}

/** Why a value cannot be used as a schema, as the end of a sentence, with the way out; undefined if it can. */
export function schemaProblem(value: unknown): string | undefined {
  if (isZod3(value)) {
    return 'is a schema of zod 3, which gives no JSON Schema: install zod 4 (zod 3.25 has it as "zod/v4")';
  }
  if (isStandardSchema(value)) return undefined;
  const way = "use one of zod 4, valibot or arktype, or of any other library that implements Standard Schema";
  return `is ${kindOf(value)}, not a schema: ${way}`;
}

/** Schemas of zod 3 name their type in `_def`; since 3.24 they are Standard Schemas too, without a JSON Schema. */
export function isZod3(value: unknown): boolean {
  if (typeof value !== "object" || value === null || "_zod" in value) return false;
  const { _def: def } = value as { readonly _def?: unknown };
  if (typeof def !== "object" || def === null) return false;
  const { typeName } = def as { readonly typeName?: unknown };
  return typeof typeName === "string" && typeName.startsWith("Zod");
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  return `${typeof value === "object" ? "an" : "a"} ${typeof value}`;
}
