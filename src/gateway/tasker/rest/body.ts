import { z } from "zod";
import { jsonProblem } from "#api/json-text";
import { checked } from "#api/validate";
import { Fault } from "#domain/fault";
import { exactJsonText, exactValue } from "#domain/json/exact";
import { isJsonObject, type Json, type JsonObject } from "#domain/json/json";
import { nearest } from "#domain/nearest";
import { limits } from "#limits/index";
import { checkJsonElements } from "../../traffic/elements.js";

/*
 * Bodies of Tasker's requests. A member that is null counts as left out, because its clients send all they know; one that is
 * not known is refused by its name.
 */

export const text = z.string({ error: "is no text: send a string." }).nullish();
export const wholeNumber = z.number({ error: "is no number: send one." }).nullish();
export const texts = z
  .array(z.string({ error: "is no text: send strings." }), { error: "is no list: send one." })
  .nullish();
export const anObject = z.custom<JsonObject>(isJsonObject, { error: "is no object: send one." }).nullish();
/** Anything; where it matters what it is, something else checks. */
export const anything = z.unknown().optional();

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** The object that was sent. */
export interface SentObject {
  /** Plain JSON, by which its types are checked. */
  readonly members: JsonObject;
  /** The same, whose numbers keep their digits (see `domain/json/exact.ts`): only for what is stored as JSON. */
  readonly exact: JsonObject;
}

/** @throws {Fault} `invalid` */
export function objectIn(bytes: Uint8Array): SentObject {
  checkJsonElements(bytes);
  const source = sourceOf(bytes);
  // Two levels are around what is counted on its own, such as a context.
  const problem = jsonProblem(source, limits.jsonDepth + 2);
  if (problem !== undefined) throw malformed(`the body ${problem}`);
  const members = JSON.parse(source) as Json;
  const exact = exactValue(source);
  if (!isJsonObject(members) || !isJsonObject(exact))
    throw malformed("the body is no object: send one, as {}.");
  return { members, exact };
}

function sourceOf(bytes: Uint8Array): string {
  if (bytes.length === 0) return "{}";
  try {
    return utf8.decode(bytes);
  } catch {
    throw malformed("the body is not UTF-8: send JSON in UTF-8.");
  }
}

function malformed(message: string): Fault {
  return new Fault("invalid", message, { reason: "MESSAGE_MALFORMED" });
}

/**
 * The members of an object, checked.
 *
 * @param where the member that the object is, for names in errors; empty for the body itself
 * @throws {Fault} `invalid`, naming the member
 */
export function membersOf<Shape extends z.ZodRawShape>(
  object: JsonObject,
  shape: z.ZodObject<Shape>,
  where = "",
): z.output<z.ZodObject<Shape>> {
  const names = Object.keys(shape.shape);
  for (const name of Object.keys(object)) if (!names.includes(name)) throw unknown(name, names, where);
  try {
    return checked(shape, object) as z.output<z.ZodObject<Shape>>;
  } catch (error) {
    if (where === "" || !(error instanceof Fault)) throw error;
    const field = `${where}.${error.details.field}`;
    throw new Fault("invalid", `${where}.${error.message}`, { ...error.details, field });
  }
}

function unknown(name: string, names: readonly string[], where: string): Fault {
  const field = (where === "" ? name : `${where}.${name}`).slice(0, NAME_CHARS);
  const near = nearest(name, names);
  const advice = near === undefined ? `there are ${names.join(", ")}.` : `did you mean ${near}?`;
  return new Fault("invalid", `${field} is not known here; ${advice}`, { field, reason: "UNKNOWN_FIELD" });
}

/** A name in what is answered is cut to this length: it is the peer's own. */
const NAME_CHARS = 256;

/** A member as JSON text, with the digits that were sent; empty if it was left out. */
export function jsonOf({ exact }: Pick<SentObject, "exact">, ...path: readonly string[]): string {
  const value = path.reduce<Json | undefined>(
    (part, name) => (isJsonObject(part) ? part[name] : undefined),
    exact,
  );
  return value === undefined || value === null ? "" : exactJsonText(value);
}

/** Refuses an object that would be lost. @throws {Fault} `invalid` unless it is left out, or empty */
export function refuseContent(field: string, value: JsonObject | null | undefined, advice: string): void {
  if (!value || Object.keys(value).length === 0) return;
  throw new Fault("invalid", `${field} is not kept: ${advice}`, { field, reason: "PARAMETER_INVALID" });
}

/** The word of a list that is meant, in snake case or as Tasker's own server writes it: `manually_resolved` or `ManuallyResolved`. */
export function wordIn<Word extends string>(words: readonly Word[], field: string, given: string): Word {
  const plain = (word: string) => word.replaceAll("_", "").toLowerCase();
  const found = words.find((word) => plain(word) === plain(given));
  if (found !== undefined) return found;
  const message = `${field} is ${JSON.stringify(given.slice(0, 64))}; it is one of ${words.join(", ")}.`;
  throw new Fault("invalid", message, { field, reason: "PARAMETER_INVALID" });
}
