import { createHash } from "node:crypto";
import type { Json } from "#domain/json/json";
import { jsonOf } from "../agent/json-of.js";

/**
 * The digest of what a durable step works on: SHA-256, in hexadecimal, of its canonical JSON; empty for undefined. Two values that JSON
 * writes with the same members, in whatever order, have the same.
 *
 * @param what names the value in error messages
 * @throws {AgentError} if it has no JSON form, is too large or too deep
 */
export function inputDigest(value: unknown, what: string): string {
  const json = jsonOf(value, what);
  if (json === "") return "";
  return createHash("sha256")
    .update(canonicalJson(JSON.parse(json)))
    .digest("hex");
}

/**
 * Writes a value by the JSON Canonicalization Scheme of RFC 8785, so that a worker in any language has the same digest: no white space,
 * the members of each object by the UTF-16 units of their names, numbers and texts as ECMAScript writes them.
 */
export function canonicalJson(value: Json): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item: Json) => canonicalJson(item)).join(",")}]`;
  const object = value as { readonly [name: string]: Json };
  const members = Object.keys(object).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonicalJson(object[name] ?? null)}`).join(",")}}`;
}
