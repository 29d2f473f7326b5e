import { pointerOf } from "#domain/graph/pointer";
import { isJsonObject, type Json, type JsonObject } from "#domain/json/json";
import type { Place } from "../read/place.js";

/**
 * What an agent is given in place of the Task's input, by name: constants, and places in the Task's input and in earlier
 * results, at any depth.
 */
export type Mapping<Input> = unknown extends Input
  ? { readonly [Name in string]: Mapped<unknown> }
  : Input extends object
    ? { readonly [Name in keyof Input]: Mapped<Input[Name]> }
    : never;

/** A place of a value, the value itself, or an object or list with places in it. */
type Mapped<Value> =
  | Place<Value>
  | Value
  | (Value extends readonly (infer Item)[]
      ? readonly Mapped<Item>[]
      : Value extends object
        ? { readonly [Name in keyof Value]: Mapped<Value[Name]> }
        : never);

/** The places that only the members of a map have. */
export interface MemberPlaces<Item> {
  /** The member's item of the list. */
  readonly item: Place<Item>;
  /** The index of the item, from 0. */
  readonly index: Place<number>;
}

/** The mapping as the format of templates has it, and the paths of the places in it. */
export interface WrittenMapping {
  readonly input: JsonObject;
  readonly paths: readonly string[];
}

/** @param owner begins the messages: the step's name @throws {RangeError} if a value has no JSON form */
export function writeMapping(mapping: object, owner: string): WrittenMapping {
  const paths: string[] = [];
  const entries = membersOf(mapping, `step ${owner}: input`).map(
    ([name, value]) => [name, written(value, `step ${owner}: input.${name}`, paths)] as const,
  );
  return { input: Object.fromEntries(entries), paths };
}

/** True for a place of this library: it has a path, and leads further. */
export function isPlace(value: unknown): value is Place<unknown> {
  if (typeof value !== "object" || value === null) return false;
  const { path, at } = value as Partial<Place<unknown>>;
  return typeof path === "string" && typeof at === "function";
}

function written(value: unknown, place: string, paths: string[]): Json {
  if (isPlace(value)) {
    paths.push(value.path);
    return referenceTo(value.path, place);
  }
  if (Array.isArray(value)) return value.map((item, index) => written(item, `${place}[${index}]`, paths));
  if (!isPlain(value)) return constantOf(value, place);

  const before = paths.length;
  const entries = membersOf(value, place).map(
    ([name, part]) => [name, written(part, `${place}.${name}`, paths)] as const,
  );
  const made = Object.fromEntries(entries);
  if (!Object.hasOwn(made, "from") && !Object.hasOwn(made, "const")) return made;
  if (paths.length === before) return { const: constantOf(value, place) };
  throw new RangeError(
    `${place} has a name from or const beside places, which templates cannot write: take another name`,
  );
}

/** Members that are undefined are left out, as in any JSON. */
function membersOf(value: object, place: string): [string, unknown][] {
  if (!isPlain(value)) throw new RangeError(`${place} is no object of names and values`);
  return Object.entries(value).filter(([, part]) => part !== undefined);
}

function isPlain(value: unknown): value is object {
  return (
    isJsonObject(value) &&
    typeof (value as { toJSON?: unknown }).toJSON !== "function" &&
    !(Symbol.iterator in value)
  );
}

function constantOf(value: unknown, place: string): Json {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined)
    throw new RangeError(`${place} is a ${typeof value}, of which JSON can say nothing`);
  return JSON.parse(text) as Json;
}

/** A path as places write it, as the format has references: `results/draft/text` is `{ from: draft, at: /text }`. */
function referenceTo(path: string, place: string): JsonObject {
  const [root = "", ...rest] = path.split("/");
  const isResult = root === "results";
  const [from = "", parts] = isResult ? [rest[0], rest.slice(1)] : [root, rest];
  if (isResult && (from === "input" || from === "item" || from === "index")) {
    throw new RangeError(
      `${place} is read from the result of a step named ${from}, which means something else there: rename the step`,
    );
  }
  return parts.length === 0 ? { from } : { from, at: pointerOf(parts) };
}
