import type { SqlValue } from "../driver.js";

/** How one field of a row is stored in a column of its own. */
export interface Codec {
  /** Written with the first revision and never again. */
  readonly fixed: boolean;
  /** True if the column contains JSON text. */
  readonly isJson: boolean;
  /** The column, for a field that has been renamed since; by default the name of the field, in snake case. */
  readonly column?: string;
  /**
   * For JSON objects: members that have been renamed in the code, by their former names. They are written under the
   * new names, and what was written under the former ones is read under the new ones.
   */
  readonly formerly?: Readonly<Record<string, string>>;
  write(value: unknown): SqlValue;
  /** From the JSON value of what `write` made. */
  read(value: unknown): unknown;
}

/** A field that no SQL statement uses: it is stored with others like it in the column `rest`. */
export interface Packed {
  readonly isPacked: true;
  /** Its name in the file, for a field that has been renamed since; by default the name in the code. */
  readonly name?: string;
  /** The value for rows that were written before the field existed. */
  readonly missing: unknown;
  /** True of a field that few rows have: those without it are written and read without it. */
  readonly isOptional?: true;
}

const asItIs = {
  isJson: false,
  write: (value: unknown) => value as SqlValue,
  read: (value: unknown) => value,
};
const asJson = { ...asItIs, isJson: true, write: (value: unknown) => JSON.stringify(value) };
const asFlag = {
  isJson: false,
  write: (value: unknown) => (value === true ? 1 : 0),
  read: (value: unknown) => value === 1,
};

/** The codecs: plain text or number, JSON text, true or false; each for what changes and for what is fixed. */
export const plain: Codec = { ...asItIs, fixed: false };
export const json: Codec = { ...asJson, fixed: false };
export const flag: Codec = { ...asFlag, fixed: false };
export const fixed: Codec = { ...asItIs, fixed: true };
export const fixedJson: Codec = { ...asJson, fixed: true };
export const packed: Packed = { isPacked: true, missing: null };
/** Fields of this kind come last in their table, so that a row without any of them is no longer for them. */
export const optional: Packed = { isPacked: true, missing: undefined, isOptional: true };

/** `formerly` applied to a value that was read. */
export function underNewNames(value: unknown, formerly: NonNullable<Codec["formerly"]>): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (!Object.keys(formerly).some((name) => Object.hasOwn(value, name))) return value;
  const nowOf = (name: string) => (Object.hasOwn(formerly, name) ? formerly[name] : undefined) ?? name;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [nowOf(name), member]));
}

/** `heldBy` → `held_by` */
export function columnOf(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
