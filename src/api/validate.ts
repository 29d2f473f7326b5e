import { z } from "zod";
import { Fault } from "#domain/fault";
import type { Labels } from "#domain/task/task";
import { labelsProblem } from "#domain/text/labels";
import { instant, millis } from "#domain/time/time";
import { limits } from "#limits/index";
import { jsonProblem } from "./json-text.js";

/**
 * Validates an input by its schema. The messages of a schema continue the sentence that begins with the field's name:
 * what is wrong, the limit, and how to correct it.
 *
 * @throws {Fault} `invalid`, naming the first wrong field as the protocol spells it, e.g. `input_json`
 */
export function checked<T>(schema: z.ZodType<T>, input: unknown): T {
  const result = schema.safeParse(input);
  if (result.success) return result.data;

  const [issue] = result.error.issues;
  const field = fieldPath(issue?.path ?? []);
  throw new Fault("invalid", `${field} ${issue?.message ?? "is not valid"}`, { field });
}

/** `["tasks", 3, "inputJson"]` becomes `tasks[3].input_json`. */
export function fieldPath(path: readonly PropertyKey[]): string {
  const parts = path.map((key) =>
    typeof key === "number" ? `[${key}]` : `.${String(key).replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)}`,
  );
  return parts.join("").replace(/^\./, "") || "request";
}

/** True if the text is longer than `max` bytes of UTF-8. */
export function exceeds(text: string, max: number): boolean {
  return text.length > max || (text.length * 3 > max && Buffer.byteLength(text) > max);
}

/** A schema with a check that returns what is wrong, or undefined. */
function ruled<T extends z.ZodType>(type: T, problem: (value: z.output<T>) => string | undefined): T {
  return type.superRefine((value, context) => {
    const message = problem(value as z.output<T>);
    if (message !== undefined) context.addIssue({ code: "custom", message });
  });
}

function tooLong(value: string, max: number): string | undefined {
  if (!exceeds(value, max)) return undefined;
  return `is ${Buffer.byteLength(value)} bytes long; the limit is ${max} bytes: send a shorter one.`;
}

export const freeText = (max: number) => ruled(z.string(), (value) => tooLong(value, max));

/** An id or name that may be empty. Control characters are refused: such names end up in terminals and logs. */
export const optionalName = ruled(z.string(), (value) => {
  if (/\p{Cc}/u.test(value)) return "contains control characters: send printable text only.";
  return tooLong(value, limits.idBytes);
});

/**
 * A name or id that must not be empty.
 *
 * @param what where to find one, e.g. "the id of a Task, as CreateTask answered it"
 */
export const requiredName = (what: string) =>
  ruled(optionalName, (value) => (value === "" ? `is required: send ${what}.` : undefined));

/** Copied entry by entry: zod's own record leaves out one that is called `__proto__`. */
export const labels = ruled(
  z.custom<Labels>(areLabels, { error: "is no object of strings: send names with their values." }),
  labelsProblem,
).transform((given): Labels => Object.fromEntries(Object.entries(given)));

function areLabels(value: unknown): value is Labels {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((text) => typeof text === "string");
}

/**
 * A list of at most `max` elements. The number is checked first, so that elements of too long a list are not checked.
 */
export const atMost = <T extends z.ZodType>(max: number, element: T) =>
  ruled(z.custom<readonly z.input<T>[]>(), (value) =>
    Array.isArray(value) && value.length > max ? tooMany(value.length, max) : undefined,
  ).pipe(z.array(element) as unknown as z.ZodType<z.output<T>[], readonly z.input<T>[]>);

function tooMany(count: number, max: number): string {
  return `has ${count} entries; the limit is ${max}: send fewer.`;
}

/** JSON text of at most 1 MiB; empty text is replaced by `absent`. */
export const jsonText = (absent: string) =>
  ruled(z.string(), (text) => {
    if (text === "") return undefined;
    if (exceeds(text, limits.inputBytes)) {
      const size = Buffer.byteLength(text);
      return `is ${size} bytes long; the limit is ${limits.inputBytes} bytes: store the data elsewhere and send a reference.`;
    }
    return jsonProblem(text, limits.jsonDepth);
  }).transform((text) => text || absent);

/** The text of a template. Only its length is checked here; the template reader checks the content. */
export const sourceText = ruled(z.string(), (text) => {
  if (text.trim() === "") return "is required: send the YAML or JSON text of a template.";
  if (!exceeds(text, limits.templateBytes)) return undefined;
  const size = Buffer.byteLength(text);
  return `is ${size} bytes long; the limit is ${limits.templateBytes} bytes: make two templates of it.`;
});

/** The last millisecond of a JavaScript `Date`. */
export const LATEST_MS = 8_640_000_000_000_000;

/** A whole number, as a protocol with 64-bit integers has it or as JSON has it. */
export const wholeNumber = (max: number, way: string) =>
  ruled(z.custom<bigint | number>(), (value) => {
    if (typeof value !== "bigint" && !Number.isInteger(value)) return "is no whole number: send one.";
    if (value >= 0 && value <= max) return undefined;
    return `is ${value}; send a number from 0 to ${max}: ${way}.`;
  }).transform(Number);

export const duration = wholeNumber(limits.durationMost, "milliseconds, where 0 means no limit").transform(
  millis,
);
export const moment = wholeNumber(LATEST_MS, "Unix milliseconds, where 0 means at once").transform(instant);
/** How long a request waits for a Task. */
export const waitTime = wholeNumber(
  limits.waitMost,
  `milliseconds, where 0 means ${limits.waitDefault}; to wait for longer, send the request again`,
).transform((ms) => (ms === 0 ? limits.waitDefault : millis(ms)));
export const seq = wholeNumber(Number.MAX_SAFE_INTEGER, "the seq of the last event seen, or 0");

export const within = (min: number, max: number, way: string) =>
  ruled(z.number(), (value) =>
    value < min || value > max ? `is ${value}; send a number from ${min} to ${max}: ${way}.` : undefined,
  );

/**
 * A value that a mount cannot map, e.g. an unknown number of an enum. {@link oneOf} refuses the field with the mount's
 * message, in order among the other fields.
 */
export class UnknownWord {
  readonly message: string;

  /** @param message continues the sentence that begins with the field's name */
  constructor(message: string) {
    this.message = message;
  }
}

/** One of a closed set of words. Refuses an {@link UnknownWord} with its message. */
export const oneOf = <Word extends string>(words: readonly Word[]) =>
  z.custom<Word | UnknownWord>().transform((value, context): Word => {
    const known = words.find((word) => word === value);
    if (known !== undefined) return known;
    const message =
      value instanceof UnknownWord ? value.message : `is ${shown(value)}; it is one of ${words.join(", ")}.`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  });

function shown(value: unknown): string {
  return typeof value === "string" ? `"${value.slice(0, 64)}"` : typeof value;
}

/** Makes a part required that a protocol can leave out, with the message of its own schema if it is absent. */
export const required = <T extends z.ZodType>(part: T) =>
  part as unknown as z.ZodType<z.output<T>, z.input<T> | undefined>;
