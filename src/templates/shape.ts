import type { Json } from "#domain/json";
import type { FindingCode } from "./finding.js";

/**
 * What a value of the format may be. The reader checks by it, the JSON Schema is made of it, and the guide's tables
 * are held equal to it: a range is written once.
 */
export type Shape =
  | TextShape
  | NumberShape
  | { readonly kind: "flag" }
  | ChoiceShape
  | { readonly kind: "any" }
  /** Any JSON object. */
  | { readonly kind: "object" }
  /** A JSON Schema. */
  | { readonly kind: "schema" }
  | { readonly kind: "list"; readonly of: Shape }
  | RecordShape
  /** An object whose keys are names of the author's. */
  | { readonly kind: "named"; readonly of: Shape };

export interface TextShape {
  readonly kind: "text";
  /** The longest it may be, in characters. */
  readonly max: number;
  /** What it is if it is longer; out of range if left out. */
  readonly maxCode?: FindingCode;
  readonly form?: Form;
}

/** A text that not every text is. */
export interface Form {
  readonly pattern: string;
  /** Completes "… is not". */
  readonly says: string;
  readonly code: FindingCode;
}

export interface NumberShape {
  readonly kind: "number";
  readonly whole: boolean;
  readonly min: number;
  readonly max: number;
}

export interface ChoiceShape {
  readonly kind: "choice";
  readonly of: readonly string[];
  readonly code: FindingCode;
}

export interface RecordShape {
  readonly kind: "record";
  readonly fields: Fields;
  /** Keys that are not listed are kept. */
  readonly open?: true;
}

export interface Field {
  readonly shape: Shape;
  /** For people: what it is, with its unit. */
  readonly says: string;
  readonly required?: true;
  /** Another word for the same. */
  readonly alias?: string;
  readonly default?: Json;
  /** True for a value that is kept and shown, and changes nothing yet. */
  readonly hasNoEffect?: (value: Json) => boolean;
}

export type Fields = Readonly<Record<string, Field>>;

export function text(max: number, form?: Form): TextShape {
  return { kind: "text", max, ...(form && { form }) };
}

/** A whole number, both ends included. */
export function whole(min: number, max: number): NumberShape {
  return { kind: "number", whole: true, min, max };
}

export function fraction(min: number, max: number): NumberShape {
  return { kind: "number", whole: false, min, max };
}

export function choice(of: readonly string[], code: FindingCode = "UNKNOWN_VALUE"): ChoiceShape {
  return { kind: "choice", of, code };
}

export function listOf(of: Shape): Shape {
  return { kind: "list", of };
}

export function record(fields: Fields): RecordShape {
  return { kind: "record", fields };
}

export const flag: Shape = { kind: "flag" };
export const anyJson: Shape = { kind: "any" };
export const anyObject: Shape = { kind: "object" };
export const jsonSchema: Shape = { kind: "schema" };

/** Of a field that is kept and shown whatever it says. */
export const always = (): boolean => true;
