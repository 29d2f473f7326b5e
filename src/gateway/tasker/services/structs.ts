import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Instant, NEVER } from "#domain/time/time";
import { invalid } from "./fields.js";

/**
 * JSON text as the Struct that Tasker's messages have: an object as it is, and anything else as its member `value`. Numbers become doubles,
 * which is all that a Struct has: digits beyond that are lost, and are kept by the messages of `taskrun.v1`.
 *
 * @param text whole, valid JSON; empty for none
 */
export function structOf(text: string): JsonObject | undefined {
  if (text === "") return undefined;
  const value = parsedJson(text);
  const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
  return isObject ? value : { value };
}

/** The value of a JSON text; null of none. */
export function parsedJson(text: string): JsonValue {
  return text === "" ? null : (JSON.parse(text, finite) as JsonValue);
}

/** A number that no double has, such as 1e400, as text: a Struct refuses infinity. */
function finite(_: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
}

/**
 * The JSON text of a Struct; that of an empty one if it is absent.
 *
 * @throws {Fault} `invalid`, naming the field, if a number in it is none that JSON has: it would become null
 */
export function textOfStruct(field: string, struct: JsonObject | undefined): string {
  return JSON.stringify(struct ?? {}, (_, value: unknown) => {
    if (typeof value !== "number" || Number.isFinite(value)) return value;
    throw invalid(field, `has the number ${value}, which JSON does not have: send another one, or a string.`);
  });
}

/** Absent for {@link NEVER}. */
export function timestampOf(at: Instant): Timestamp | undefined {
  return at === NEVER ? undefined : timestampFromMs(at);
}

/** Absent if it is empty. */
export function given(text: string): string | undefined {
  return text === "" ? undefined : text;
}
