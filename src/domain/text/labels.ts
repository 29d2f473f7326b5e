import { limits } from "#limits/index";
import { utf8Bytes } from "./text.js";

/** Texts by name. */
export type Labels = Readonly<Record<string, string>>;

/**
 * What is wrong with labels or metadata, to continue the sentence that begins with the field's name; else undefined.
 */
export function labelsProblem(labels: Labels): string | undefined {
  const names = Object.keys(labels);
  if (names.length > limits.labels) {
    return `has ${names.length} entries; the limit is ${limits.labels}: send fewer.`;
  }
  const long = names.find((name) => isLong(name) || isLong(labels[name] ?? ""));
  if (long === undefined) return undefined;
  const shown = JSON.stringify(long.slice(0, 64));
  return `has an entry ${shown} whose name or value is over ${limits.labelBytes} bytes: send a shorter one.`;
}

function isLong(text: string): boolean {
  return text.length > limits.labelBytes || utf8Bytes(text) > limits.labelBytes;
}

/** UTF-8 bytes of all names and values. */
export function labelsBytes(labels: Labels): number {
  let bytes = 0;
  for (const name of Object.keys(labels)) bytes += utf8Bytes(name) + utf8Bytes(labels[name] ?? "");
  return bytes;
}
