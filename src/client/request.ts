import {
  create,
  type DescField,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
  ScalarType,
} from "@bufbuild/protobuf";
import { unknownName } from "#domain/option-names";
import { TaskRunError } from "./error.js";

/*
 * Requests are checked before they are sent: what cannot be encoded is the caller's mistake, and must not look like a
 * server that gives no answer. Values that the protocol can carry are left to the server to judge.
 */

/** The error of an argument that cannot be sent. @param field as the protocol spells it, for example `timeout_ms` */
export function wrongArgument(field: string, problem: string, cause?: unknown): TaskRunError {
  const description = `${field} ${problem}`;
  const init = { reason: "INVALID_ARGUMENT", violations: [{ field, description }] };
  return new TaskRunError("INVALID_ARGUMENT", description, {
    ...init,
    ...(cause !== undefined && { cause }),
  });
}

/**
 * Makes a request message.
 *
 * @throws {TaskRunError} `INVALID_ARGUMENT`, naming the first field whose value the protocol cannot carry
 */
export function requestOf<Desc extends DescMessage>(
  schema: Desc,
  init: MessageInitShape<Desc>,
): MessageShape<Desc> {
  checkMessage(schema, init as Fields, "");
  return create(schema, init);
}

/**
 * Returns options as they are, or none for undefined.
 *
 * @param known the names that they may have
 * @throws {TaskRunError} if they are no object, or have a name that there is not: it would have no effect
 */
export function optionsOf<Options extends object>(
  options: Options | undefined,
  field: string,
  known: readonly (keyof Options & string)[],
): Partial<Options> {
  if (options === undefined) return {};
  const unknown = unknownName(objectOf(options, field), known);
  if (unknown !== undefined) throw wrongArgument(field, unknown);
  return options;
}

/** Returns an object as it is. @throws {TaskRunError} if it is none */
export function objectOf<Given extends object>(given: Given, field: string): Partial<Given> {
  if (isRecord(given)) return given;
  throw wrongArgument(field, `is ${shown(given)}; send an object.`);
}

/** Checks what is to abort a call. @throws {TaskRunError} if it cannot */
export function checkedSignal(signal: AbortSignal | undefined): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal;
  throw wrongArgument("signal", `is ${shown(signal)}; send an AbortSignal.`);
}

/** Checks a callback. @throws {TaskRunError} if it is no function */
export function checkedCallback(callback: unknown, field: string): void {
  if (callback === undefined || typeof callback === "function") return;
  throw wrongArgument(field, `is ${shown(callback)}; send a function.`);
}

/** Converts a whole number to the protocol's 64-bit integer. @throws {TaskRunError} if it is none, or negative */
export function wholeNumber(value: number | undefined, field: string): bigint {
  if (value === undefined) return 0n;
  if (Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  throw wrongArgument(field, `is ${shown(value)}; send a whole number of at least 0.`);
}

/** Before this, in 1973, an instant in milliseconds is more likely one in seconds. */
const EARLIEST_MS = 100_000_000_000;

/** Converts an instant in Unix milliseconds; 0 is none. @throws {TaskRunError} if it looks like seconds */
export function instantOf(value: number | undefined, field: string): bigint {
  const ms = wholeNumber(value, field);
  if (ms === 0n || ms >= EARLIEST_MS) return ms;
  const read = new Date(Number(ms)).toISOString();
  throw wrongArgument(field, `is ${ms}, which is ${read}: send Unix milliseconds, not seconds.`);
}

/**
 * Writes a value as JSON text.
 *
 * @throws {TaskRunError} `INVALID_ARGUMENT` if JSON has no form for it: a function, a BigInt, a cycle
 */
export function jsonText(value: unknown, field: string): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    const why = cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause);
    throw wrongArgument(field, `cannot be written as JSON: ${why}. Send a JSON value, or its text.`, cause);
  }
  if (text !== undefined) return text;
  throw wrongArgument(field, `is ${shown(value)}, which JSON cannot express: send a JSON value.`);
}

/** The number of one of a closed set of words. @throws {TaskRunError} if it is none of them */
export function oneOf<Number extends number>(
  numbers: Readonly<Record<string, Number>>,
  word: string,
  field: string,
): Number {
  const found = Object.hasOwn(numbers, word) ? numbers[word] : undefined;
  if (found !== undefined) return found;
  throw wrongArgument(
    field,
    `is ${word === undefined ? "missing" : shown(word)}; it is one of ${Object.keys(numbers).join(", ")}.`,
  );
}

type Fields = Readonly<Record<string, unknown>>;

function checkMessage(schema: DescMessage, init: unknown, path: string): void {
  if (!isRecord(init)) throw wrongArgument(path || "request", `is ${shown(init)}; send an object.`);
  for (const field of schema.fields) {
    // A member of a oneof is not set by its own name; requests of this client have none.
    if (field.oneof) continue;
    const value = init[field.localName];
    if (value === undefined) continue;
    checkField(field, value, path === "" ? field.name : `${path}.${field.name}`);
  }
}

function checkField(field: DescField, value: unknown, path: string): void {
  switch (field.fieldKind) {
    case "list": {
      if (!Array.isArray(value)) throw wrongArgument(path, `is ${shown(value)}; send an array.`);
      for (const [i, item] of value.entries()) {
        if (field.listKind === "message") checkMessage(field.message, item, `${path}[${i}]`);
        else if (field.listKind === "scalar") checkScalar(field.scalar, item, `${path}[${i}]`);
      }
      return;
    }
    case "map":
      if (!isRecord(value)) throw wrongArgument(path, `is ${shown(value)}; send an object of strings.`);
      for (const [name, item] of Object.entries(value)) {
        if (field.mapKind === "scalar")
          checkScalar(field.scalar, item, path, ` at ${JSON.stringify(name.slice(0, 64))}`);
      }
      return;
    case "message":
      checkMessage(field.message, value, path);
      return;
    case "enum":
      if (!Number.isInteger(value))
        throw wrongArgument(path, `is ${shown(value)}, which is none of its names.`);
      return;
    case "scalar":
      checkScalar(field.scalar, value, path);
  }
}

const INT32 = { min: -(2 ** 31), max: 2 ** 31 - 1 };
const UINT32 = { min: 0, max: 2 ** 32 - 1 };
const ranges: Partial<Record<ScalarType, { readonly min: number; readonly max: number }>> = {
  [ScalarType.INT32]: INT32,
  [ScalarType.SINT32]: INT32,
  [ScalarType.UINT32]: UINT32,
};

/** 64-bit integers are checked where numbers are converted to them. */
function checkScalar(type: ScalarType, value: unknown, path: string, at = ""): void {
  const range = ranges[type];
  if (range) {
    if (Number.isInteger(value) && (value as number) >= range.min && (value as number) <= range.max) return;
    throw wrongArgument(
      path,
      `is ${shown(value)}${at}; send a whole number from ${range.min} to ${range.max}.`,
    );
  }
  const wanted = type === ScalarType.STRING ? "string" : type === ScalarType.BOOL ? "boolean" : undefined;
  if (wanted === undefined || typeof value === wanted) return;
  throw wrongArgument(path, `is ${shown(value)}${at}; send a ${wanted}.`);
}

/** True for an object whose own members are what it says: a Map, for example, would look empty. */
function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !(Symbol.iterator in value);
}

function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 64));
  if (typeof value === "number" || typeof value === "boolean" || value === null) return String(value);
  if (typeof value === "bigint") return `the BigInt ${value}`;
  if (Array.isArray(value)) return "an array";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
