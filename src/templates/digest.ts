import { createHash } from "node:crypto";
import { isJsonObject, type Json } from "#domain/json";
import type { TemplateBody } from "#domain/template";

/** SHA-256 of the canonical body, in hexadecimal: the same for every text that says the same. */
export function digestOf(body: TemplateBody): string {
  return createHash("sha256")
    .update(canonicalJson(body as unknown as Json))
    .digest("hex");
}

/** JSON text without spaces, the keys of each object in the order of their characters. */
export function canonicalJson(value: Json): string {
  return JSON.stringify(value, (_key, part: Json) => (isJsonObject(part) ? sorted(part) : part));
}

function sorted(object: { readonly [name: string]: Json }): object {
  const names = Object.keys(object).sort();
  // Whole numbers come first whatever the order they are put in, which is an order too.
  return Object.fromEntries(names.map((name) => [name, object[name]]));
}
