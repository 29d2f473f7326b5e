import { createHash } from "node:crypto";
import { withPlainNumbers } from "#domain/json/exact";
import { isJsonObject, type Json } from "#domain/json/json";
import type { TemplateBody } from "#domain/template/template";

/**
 * Returns the SHA-256 of the canonical body, in hexadecimal: equal for every text with the same content. Numbers that are
 * equal are the same however they are written, unless a double would change them.
 */
export function digestOf(body: TemplateBody): string {
  return createHash("sha256")
    .update(canonicalJson(withPlainNumbers(body as unknown as Json)))
    .digest("hex");
}

/** Writes a value as JSON text without white space, with the keys of each object sorted. */
export function canonicalJson(value: Json): string {
  return JSON.stringify(value, (_key, part: Json) => (isJsonObject(part) ? sorted(part) : part));
}

function sorted(object: { readonly [name: string]: Json }): object {
  const names = Object.keys(object).sort();
  // JavaScript puts integer-like keys first; the order is canonical all the same.
  return Object.fromEntries(names.map((name) => [name, object[name]]));
}
