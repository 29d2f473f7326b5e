import { type FormatName, fullFormats } from "ajv-formats/dist/formats.js";

/**
 * Formats that take linear time for any text, with their steps per character, measured over texts that resemble them
 * (`test/host/schema-formats.test.ts`). Others, such as `url`, which is quadratic, are costly.
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

/** Returns a format's steps per character; undefined if it is costly, 0 for an unknown format, which is ignored. */
export function costOfFormat(name: string): number | undefined {
  return linear.get(name) ?? (Object.hasOwn(fullFormats, name) ? undefined : 0);
}
