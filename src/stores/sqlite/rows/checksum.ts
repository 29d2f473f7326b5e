import { crc32 } from "node:zlib";
import { bytesOf, type SqlCell, type SqlCells, type SqlRow, textIn } from "../driver.js";

/**
 * Checksums of rows. Each is a CRC-32 over table, key and content, stored in the row's column `sum`. It detects every
 * single flipped bit, two rows that have been swapped, and a row of another table.
 */

/** Part of a row is not what was written. The store must not be used any further. */
export class DamagedRow extends Error {
  override readonly name = "DamagedRow";
  readonly table: string;
  /** Identifies the row; may be damaged itself. */
  readonly key: string;

  constructor(table: string, key: string, what = "is not what was written") {
    super(`row ${key} of table ${table} ${what}`);
    this.table = table;
    this.key = key;
  }
}

/** The initial value for the checksums of one table, or of one part of its rows. */
export function seedOf(name: string): number {
  return crc32(name);
}

export function checksum(text: string | Uint8Array, seed: number): number {
  // For an empty buffer zlib gets a null pointer, for which it returns the initial value instead.
  return text.length === 0 ? seed : crc32(text, seed);
}

/** A table whose rows are read column by column, with one checksum over all columns. */
export interface SealedTable {
  readonly name: string;
  /** The columns, without that of the checksum; first those that name a row. */
  readonly names: readonly string[];
  readonly keys: readonly string[];
  /** What to select, so that `open` can check it. */
  columns(prefix?: string): string;
  /** For an INSERT: the columns, and the places for what `seal` makes. */
  readonly insert: string;
  /** The values with their checksum at the end. */
  seal(values: SqlRow): SqlRow;
  /**
   * The values of what `columns` selected, as texts, without their checksum.
   *
   * @throws {DamagedRow} if it is not theirs
   */
  open(selected: SqlCells): readonly string[];
  /** The checksum that belongs to what `columns` selected. */
  sumOf(selected: SqlCells): number;
}

/** @param keys how many of the columns name a row; they come first */
export function sealedTable(name: string, keys: number, names: readonly string[]): SealedTable {
  const seed = seedOf(name);
  const all = [...names, "sum"];
  const sumOf = (selected: SqlCells) => {
    let sum = seed;
    for (let i = 0; i < names.length; i++) {
      if (i > 0) sum = checksum("\n", sum);
      sum = checksum(bytesIn(selected[i]), sum);
    }
    return sum;
  };
  return {
    name,
    names,
    keys: names.slice(0, keys),
    columns: (prefix = "") => [...names.map((name) => bytesOf(prefix + name)), `${prefix}sum`].join(", "),
    insert: `${name} (${all.join(", ")}) VALUES (${all.map(() => "?").join(", ")})`,
    seal(values) {
      let text = `${values[0]}`;
      for (let i = 1; i < values.length; i++) text += `\n${values[i]}`;
      return [...values, checksum(text, seed)];
    },
    open(selected) {
      const values = names.map((_, i) => textIn(selected[i]));
      if (sumOf(selected) === selected[names.length]) return values;
      throw new DamagedRow(name, nameOf(values.slice(0, keys)));
    },
    sumOf,
  };
}

function bytesIn(cell: SqlCell | undefined): string | Uint8Array {
  return cell instanceof Uint8Array ? cell : String(cell);
}

/** The name of a row in errors: its key, shortened, since it may be damaged too. */
export function nameOf(key: readonly unknown[]): string {
  return key.join("/").slice(0, 300) || "without a key";
}
