import type { Json } from "#domain/json/json";
import type { FindingCode } from "../read/finding.js";

/**
 * The type and range of a value in the format. The reader, the JSON Schema and the guide's tables all derive from it.
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
  /** An object whose keys the author chooses. */
  | { readonly kind: "named"; readonly of: Shape };

export interface TextShape {
  readonly kind: "text";
  /** Longest text, in characters. */
  readonly max: number;
  /** The finding for a longer text. Default: OUT_OF_RANGE. */
  readonly maxCode?: FindingCode;
  readonly form?: Form;
}

/** A pattern that a text must match. */
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
  /** If true, unlisted keys are the author's own. Others are kept too, with a warning, unless they are slips. */
  readonly open?: true;
}

export interface Field {
  readonly shape: Shape;
  /** For people: its meaning, with the unit. */
  readonly says: string;
  readonly required?: true;
  /** Another accepted name. */
  readonly alias?: string;
  readonly default?: Json;
  /** True for a value that is stored and shown but has no effect yet. */
  readonly hasNoEffect?: (value: Json) => boolean;
  /** Set for a key of another system: what it is taken as, to end the sentence "it is …". */
  readonly foreign?: string;
}

export type Fields = Readonly<Record<string, Field>>;

export function text(max: number, form?: Form): TextShape {
  return { kind: "text", max, ...(form && { form }) };
}

/** An integer from `min` to `max`, both included. */
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
/** An object of names that the author chooses, each with any value. */
export const namedAny: Shape = { kind: "named", of: anyJson };
export const jsonSchema: Shape = { kind: "schema" };

/** The `hasNoEffect` of a field that never has an effect. */
export const always = (): boolean => true;
