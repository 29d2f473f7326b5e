import type { SqlRow, SqlValue } from "./driver.js";

/** How one field of a row lies in a column of its own. */
interface Codec {
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

/** A field that SQL never looks for: it lies with others of its kind in the column `rest`. */
export const rest = "rest";

/**
 * Between rows of the domain and rows of SQL. Rows go to the store's thread as flat arrays of what is bound, so that
 * it has nothing to do but bind them. They come back as one JSON text that SQLite has made: measured at less than
 * half the time of selecting, copying and decoding their columns.
 *
 * What a value costs is not its bytes but that it is one: to be copied to the thread, and to be bound. So all fields
 * without a column of their own go together, as one JSON array.
 */
export interface Table<Row> {
  /** SQL that makes JSON of a row, with `prefix` before each column, for `row` and `rows` to read. */
  json(prefix: string): string;
  row(text: string): Row;
  /** Of a JSON array of such. */
  rows(text: string): Row[];
  /** SQL that makes JSON of one field. */
  field(name: keyof Row & string): string;
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
 * @param codecs one for every field, or `rest`: the order of those is their order in the file, and new ones go last
 * @param copies columns that repeat what lies inside another, so that SQL can search for it
 */
export function table<Row extends { readonly revision: number }>(
  name: string,
  keys: readonly (keyof Row & string)[],
  codecs: Readonly<Record<keyof Row & string, Codec | typeof rest>>,
  copies: Readonly<Record<string, (row: Row) => SqlValue>> = {},
): Table<Row> {
  type Field = keyof Row & string;
  const all = Object.keys(codecs) as Field[];
  const together = all.filter((field) => codecs[field] === rest);
  const columns = all.flatMap((field) => {
    const codec: Codec | typeof rest = codecs[field];
    return codec === rest ? [] : [{ field, codec, column: columnOf(field) }];
  });
  const changing = columns.filter(({ codec }) => !codec.fixed);
  const copied = Object.values(copies);
  const inserted = [...columns.map(({ column }) => column), ...Object.keys(copies).map(columnOf), rest];
  const updated = [...changing.map(({ column }) => column), rest];
  const wanted = [...keys.map(columnOf), "revision"].map((name) => `${name} = ?`);

  const decode = (values: readonly unknown[]) => {
    const row: Partial<Record<Field, unknown>> = {};
    for (const [i, { field }] of columns.entries()) row[field] = values[i];
    const others = values[columns.length] as readonly unknown[];
    // A row of an earlier release lacks what was added since, which is null then.
    for (const [i, field] of together.entries()) row[field] = others[i] ?? null;
    return row as Row;
  };
  const restOf = (row: Row) => JSON.stringify(together.map((field) => row[field]));

  return {
    json(prefix) {
      const values = columns.map(({ codec, column }) => codec.read(prefix + column));
      return `json_array(${values.join(", ")}, json(${prefix}rest))`;
    },
    row: (text) => decode(JSON.parse(text)),
    rows: (text) => JSON.parse(text).map(decode),
    field(name) {
      const own = columns.find(({ field }) => field === name);
      return own ? own.codec.read(own.column) : `rest -> ${together.indexOf(name)}`;
    },
    insert: `INSERT INTO ${name} (${inserted.join(", ")}) VALUES (${inserted.map(() => "?").join(", ")})
      ON CONFLICT DO NOTHING`,
    insertValues: (row) => [
      ...columns.map(({ field, codec }) => codec.write(row[field])),
      ...copied.map((copyOf) => copyOf(row)),
      restOf(row),
    ],
    update: `UPDATE ${name} SET ${updated.map((column) => `${column} = ?`).join(", ")}
      WHERE ${wanted.join(" AND ")}`,
    updateValues: (row) => [
      ...changing.map(({ field, codec }) => codec.write(row[field])),
      restOf(row),
      ...keys.map((key) => row[key] as SqlValue),
      row.revision - 1,
    ],
    nameInserted: (values) =>
      `${name} ${keys.map((key) => values[columns.findIndex(({ field }) => field === key)]).join("/")}`,
    nameUpdated: (values) => `${name} ${values.slice(updated.length, -1).join("/")}`,
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
