import type { SqlRow, SqlValue } from "./driver.js";

/** How one field of a row lies in its column. */
interface Codec {
  /** The column's name, where it is not the field's in snake case. */
  readonly column?: string;
  /** Written with the first revision and never again. */
  readonly fixed: boolean;
  write(value: unknown): SqlValue;
  /** SQL that makes JSON of the column again. */
  read(column: string): string;
}

const asItIs = { write: (value: unknown) => value as SqlValue, read: (column: string) => column };
const asJson = {
  write: (value: unknown) => JSON.stringify(value),
  read: (column: string) => `json(${column})`,
};
const asFlag = {
  write: (value: unknown) => (value === true ? 1 : 0),
  read: (column: string) => `json(iif(${column}, 'true', 'false'))`,
};

/** The codecs: plain text or number, JSON text, true or false; each for what changes and for what is fixed. */
export const plain: Codec = { ...asItIs, fixed: false };
export const json: Codec = { ...asJson, fixed: false };
export const flag: Codec = { ...asFlag, fixed: false };
export const fixed: Codec = { ...asItIs, fixed: true };
export const fixedJson: Codec = { ...asJson, fixed: true };

/** The same in a column of another name. */
export function named(column: string, codec: Codec): Codec {
  return { ...codec, column };
}

/**
 * Between rows of the domain and rows of SQL. Rows go to the store's thread as flat arrays of what is bound, so that
 * it has nothing to do but bind them. They come back as one JSON text that SQLite has made: measured at less than
 * half the time of selecting, copying and decoding their columns.
 */
export interface Table<Row> {
  /** The row as JSON, with `prefix` before each column. */
  json(prefix: string): string;
  /** Changes no row if there is one of the same key. */
  readonly insert: string;
  insertValues(row: Row): SqlRow;
  /** Changes no row unless the stored revision is the one before. */
  readonly update: string;
  updateValues(row: Row): SqlRow;
  /** What an error calls the row of such values: table and key. */
  nameInserted(values: SqlRow): string;
  nameUpdated(values: SqlRow): string;
}

/**
 * @param keys the fields that name a row
 * @param codecs one for every field
 * @param copies columns that repeat what lies inside another, so that SQL can search for it
 */
export function table<Row extends { readonly revision: number }>(
  name: string,
  keys: readonly (keyof Row & string)[],
  codecs: Readonly<Record<keyof Row & string, Codec>>,
  copies: Readonly<Record<string, (row: Row) => SqlValue>> = {},
): Table<Row> {
  const fields = Object.keys(codecs) as (keyof Row & string)[];
  const changing = fields.filter((field) => !codecs[field].fixed);
  const copied = Object.values(copies);
  const column = (field: keyof Row & string) => codecs[field].column ?? columnOf(field);
  const inserted = [...fields.map(column), ...Object.keys(copies).map(columnOf)];
  const wanted = [...keys.map(column), "revision"].map((name) => `${name} = ?`);
  const write = (row: Row, field: keyof Row & string) => codecs[field].write(row[field]);

  return {
    json(prefix) {
      const pairs = fields.map((field) => `'${field}', ${codecs[field].read(prefix + column(field))}`);
      return `json_object(${pairs.join(", ")})`;
    },
    insert: `INSERT INTO ${name} (${inserted.join(", ")}) VALUES (${inserted.map(() => "?").join(", ")})
      ON CONFLICT DO NOTHING`,
    insertValues: (row) => [
      ...fields.map((field) => write(row, field)),
      ...copied.map((copyOf) => copyOf(row)),
    ],
    update: `UPDATE ${name} SET ${changing.map((field) => `${column(field)} = ?`).join(", ")}
      WHERE ${wanted.join(" AND ")}`,
    updateValues: (row) => [
      ...changing.map((field) => write(row, field)),
      ...keys.map((field) => write(row, field)),
      row.revision - 1,
    ],
    nameInserted: (values) => `${name} ${keys.map((key) => values[fields.indexOf(key)]).join("/")}`,
    nameUpdated: (values) => `${name} ${values.slice(changing.length, -1).join("/")}`,
  };
}

/** A JSON object of columns that are plain, for the few rows that have no table of their own. */
export function plainJson(...fields: readonly string[]): string {
  return `json_object(${fields.map((field) => `'${field}', ${columnOf(field)}`).join(", ")})`;
}

/** `heldBy` → `held_by` */
function columnOf(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
