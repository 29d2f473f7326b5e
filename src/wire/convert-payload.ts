import { isJsonObject } from "#domain/json/json";

/**
 * Bytes of another protocol as the JSON text that agents and clients of this one read: JSON as it is, and anything else in
 * base64, as the only member of an object.
 *
 * @param member its name, e.g. `payload_base64`
 */
export function jsonOfBytes(bytes: Uint8Array, member: string): string {
  const text = textOf(bytes);
  if (text !== undefined && parse(text) !== undefined) return text;
  return JSON.stringify({ [member]: Buffer.from(bytes).toString("base64") });
}

/** The inverse of {@link jsonOfBytes}: the bytes that such an object was made of, or the text itself. */
export function bytesOfJson(json: string, member: string): Uint8Array {
  // Most texts are long and begin otherwise: parsing them only to see that would cost as much as their agent's reading.
  const value = json.startsWith(`{"${member}"`) ? parse(json) : undefined;
  const base64 = isJsonObject(value) && Object.keys(value).length === 1 ? value[member] : undefined;
  const bytes = typeof base64 === "string" ? Buffer.from(base64, "base64") : undefined;
  const isOurs = bytes?.toString("base64") === base64;
  return bytes && isOurs ? bytes : Buffer.from(json);
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** A JSON value; undefined if the text is none. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
