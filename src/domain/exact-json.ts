import type { Json } from "./json.js";

/** A string of JSON, or a number. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** A number of so many digits comes through a double as it was. */
const EXACT_DIGITS = 15;
/** Stands before a number that is kept as text. No JSON text has it as it is. */
const MARK = "\0";
/** As `JSON.stringify` writes such a text. */
const MARKED = /"\\u0000(-?[\d.eE+-]+)"/g;

/**
 * JSON, with numbers that a double would change kept as marked texts: ids of a hundred digits are to come out of
 * a map, or of an undone Step, as they went in. {@link writeExact} makes numbers of them again.
 */
export function parseExact(text: string): Json {
  return JSON.parse(
    text.replace(TOKEN, (token) => (isInexact(token) ? JSON.stringify(MARK + token) : token)),
  ) as Json;
}

export function writeExact(json: Json): string {
  return JSON.stringify(json).replace(MARKED, "$1");
}

function isInexact(token: string): boolean {
  if (token.startsWith('"')) return false;
  const digits = token.replace(/[eE].*/, "").replace(/\D/g, "").length;
  return digits > EXACT_DIGITS || !Number.isFinite(Number(token));
}
