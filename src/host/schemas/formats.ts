import { type FormatName, fullFormats } from "ajv-formats/dist/formats.js";

/**
 * Formats that take time in proportion to the text, whatever it is, and what they take for each character: measured
 * over texts that begin like each of them (`test/host/schema-formats.test.ts`). The others, of which `url` takes the
 * square, are for the thread.
 */
const linear: ReadonlyMap<string, number> = new Map<FormatName, number>([
  ["binary", 1],
  ["date", 1],
  ["date-time", 8],
  ["double", 1],
  ["duration", 2],
  ["email", 16],
  ["float", 1],
  ["hostname", 2],
  ["int32", 1],
  ["int64", 1],
  ["ipv4", 1],
  ["ipv6", 2],
  ["iso-date-time", 8],
  ["iso-time", 2],
  ["json-pointer", 8],
  ["password", 1],
  ["time", 2],
  ["uri", 16],
  ["uuid", 1],
]);

/** What a format takes for each character; undefined if that may be anything. One that nobody knows takes nothing. */
export function costOfFormat(name: string): number | undefined {
  return linear.get(name) ?? (Object.hasOwn(fullFormats, name) ? undefined : 0);
}
