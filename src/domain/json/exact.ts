import { isJsonObject, type Json } from "./json.js";

/*
 * JSON values that keep the digits of their numbers. JavaScript's numbers do not: 12345678901234567890 is another one,
 * 1e400 none at all, and 1.10 is written as 1.1. Such a number is kept as a string of NUL and its digits; a string or
 * name that itself begins with NUL has one more. So it survives every copy and every store like any other value, and
 * `exactJsonText` writes it as it was.
 */

const NUL = "\u0000";
/** NUL as JSON writes it at the beginning of a string. */
const QUOTED_NUL = '"\\u0000';
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** A string of JSON. */
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/g;
/** A number of up to this many digits is exact as a double. */
const EXACT_DIGITS = 15;

/** True if the text is a number as JSON writes it. */
export function isJsonNumber(text: string): boolean {
  return NUMBER.test(text);
}

/** The value of a number that JSON writes as `digits`. */
export function exactNumber(digits: string): Json {
  const value = Number(digits);
  return JSON.stringify(value) === digits ? value : NUL + digits;
}

/** The value of a text, and the name of a member. */
export function exactString(text: string): string {
  return text.startsWith(NUL) ? NUL + text : text;
}

/** A string or a number of JSON text. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*/g;

/**
 * Reads JSON text into a value that {@link exactJsonText} writes with the same digits.
 *
 * @throws {SyntaxError} if it is not JSON
 */
export function exactValue(text: string): Json {
  return JSON.parse(text.replace(TOKEN, asExact)) as Json;
}

function asExact(token: string): string {
  if (token.startsWith(QUOTED_NUL)) return `"\\u0000${token.slice(1)}`;
  if (token.startsWith('"') || !NUMBER.test(token)) return token;
  return JSON.stringify(exactNumber(token));
}

/** Writes a value whose numbers were made by {@link exactNumber} and whose strings by {@link exactString}. */
export function exactJsonText(value: Json): string {
  const text = JSON.stringify(value);
  return text.includes(QUOTED_NUL) ? text.replace(STRING, written) : text;
}

function written(token: string): string {
  if (!token.startsWith(QUOTED_NUL)) return token;
  const rest = token.slice(QUOTED_NUL.length, -1);
  if (NUMBER.test(rest)) return rest;
  return rest.startsWith("\\u0000") ? `"${rest}"` : token;
}

/**
 * The same value with ordinary numbers where a double is exact: 1.10 and 1.1 become the same. For comparisons that go by
 * what a number is, not by how it is written.
 */
export function withPlainNumbers(value: Json): Json {
  if (typeof value === "string") return plain(value);
  if (Array.isArray(value)) return value.map(withPlainNumbers);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, withPlainNumbers(part)]));
}

function plain(text: string): Json {
  const digits = text.slice(1);
  if (!text.startsWith(NUL) || !NUMBER.test(digits)) return text;
  const count = digits.replace(/[eE].*/, "").replace(/\D/g, "").length;
  return count <= EXACT_DIGITS && Number.isFinite(Number(digits)) ? Number(digits) : text;
}
