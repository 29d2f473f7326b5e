import { indented } from "#domain/json/layout";
import { limits } from "#limits/index";
import { document, line } from "../terminal/json.js";
import { jsonTextOrNull } from "../terminal/json-text.js";
import { sanitize } from "../terminal/sanitizer.js";

/** A whole result as one JSON document, digit by digit; `null` if there is none. */
export function resultDocument(json: string): string {
  return document(jsonTextOrNull(json));
}

/** The same on one line. */
export function resultLine(json: string): string {
  return line(jsonTextOrNull(json));
}

/** Formats a result for people, whole and digit by digit. */
export function shownResult(json: string): string {
  return sanitize(indented(json));
}

/**
 * Formats a result for people; of a long one the beginning.
 *
 * @param whole the command that prints all of it
 */
export function abridgedResult(json: string, whole: string): string {
  // Formatted text is longer than its JSON, and a line has a character at least.
  const beginning = indented(json.slice(0, limits.shownResultChars));
  const isWhole = json.length <= limits.shownResultChars;
  const lines = beginning.slice(0, limits.shownResultChars).split("\n");
  const shown = lines.slice(0, limits.shownResultLines).join("\n");
  if (isWhole && shown === beginning) return sanitize(beginning);
  return `${sanitize(shown)}…\n${json.length} characters; all of it: ${whole}`;
}
