import { checksum, DamagedRow, nameOf, seedOf } from "./checksum.js";
import { bytesOf, type SqlCell, type SqlCells, type SqlRow, type SqlValue, textIn } from "./driver.js";

/** How one field of a row lies in a column of its own. */
interface Codec {
  /** Written with the first revision and never again. */
  readonly fixed: boolean;
  /** True if the column is JSON text by itself. */
  readonly isJson: boolean;
  write(value: unknown): SqlValue;
  /** From the JSON value of what `write` made. */
  read(value: unknown): unknown;
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

/** A field that SQL never looks for: it lies with others of its kind in the column `rest`. */
export const rest = "rest";

/**
 * Between rows of the domain and rows of SQL. Rows go to the store's thread as flat arrays of what is bound, so that
 * it has nothing to do but check and bind them. They come back as JSON text that SQLite has put together: measured at
 * less than half the time of selecting, copying and decoding their columns.
 *
 * What a value costs is not its bytes but that it is one: to be copied to the thread, and to be bound. So all fields
 * without a column of their own go together, as one JSON array.
 *
 * A row has two checksums, each over such a text with the key in it: `fixed_sum` over what is written with the first
 * revision and never again, `sum` over revision and all that changes, so that an update needs nothing but what it
 * writes.
 */
export interface Table<Row> {
  readonly name: string;
  /** What to select for {@link textOf}, with `prefix` before each column. */
  sealed(prefix: string): string;
  /**
   * JSON of a row, for `row` and `rows` to read.
   *
   * @throws {DamagedRow} if a checksum is not that of what it is for
   */
  textOf(selected: SqlCells): string;
  /** The two checksums that belong to what `sealed` selected. */
  sumsOf(selected: SqlCells): SqlRow;
  /** The same of the part that changes, for `changing` to read. */
  sealedChanging(prefix: string): string;
  changingTextOf(selected: SqlCells): string;
  row(text: string): Row;
  /** Of a JSON array of such. */
  rows(text: string): Row[];
  /** The key and the fields that change. */
  changing(text: string): Partial<Row>[];
  /** Changes no row if there is one of the same key. */
  readonly insert: string;
  insertValues(row: Row): SqlRow;
  /** What `insert` binds: the values and their two checksums. */
  sealInserted(values: SqlRow): SqlRow;
  /** Changes no row unless the stored revision is the one before. */
  readonly update: string;
  updateValues(row: Row): SqlRow;
  /** What `update` binds: the values and the checksum of what changes. */
  sealUpdated(values: SqlRow): SqlRow;
  /** What an error calls the row of such values: table and key. */
  nameInserted(values: SqlRow): string;
  nameUpdated(values: SqlRow): string;
}

interface Column {
  readonly column: string;
  readonly isJson: boolean;
}

/** A column of one field. */
interface OwnColumn extends Column {
  readonly field: string;
  readonly codec: Codec;
}

/** Which field lies where. */
interface Layout<Row> {
  readonly name: string;
  readonly keys: readonly Column[];
  /** With columns of their own: those that never change, those that do. */
  readonly fixed: readonly OwnColumn[];
  readonly changing: readonly OwnColumn[];
  /** What lies in `rest`, in its order. */
  readonly together: readonly string[];
  readonly copies: readonly (Column & { readonly of: (row: Row) => SqlValue })[];
  /** The two parts of a row, without the key in the second one. */
  readonly fixedPart: readonly Column[];
  readonly changed: readonly Column[];
}

type Fields = Record<string, unknown>;

/**
 * @param keys the fields that name a row; the first ones, and fixed
 * @param codecs one for every field, or `rest`: the order of those is their order in the file, and new ones go last
 * @param copies columns that repeat what lies inside another, so that SQL can search for it
 */
export function table<Row extends { readonly revision: number }>(
  name: string,
  keys: readonly (keyof Row & string)[],
  codecs: Readonly<Record<keyof Row & string, Codec | typeof rest>>,
  copies: Readonly<Record<string, (row: Row) => SqlValue>> = {},
): Table<Row> {
  const layout = layoutOf(name, keys, codecs, copies);
  return { name, ...reading(layout), ...writing<Row>(layout, keys) };
}

function layoutOf<Row>(
  name: string,
  keys: readonly string[],
  codecs: Readonly<Record<string, Codec | typeof rest>>,
  copies: Readonly<Record<string, (row: Row) => SqlValue>>,
): Layout<Row> {
  const own = Object.entries(codecs).flatMap(([field, codec]) =>
    codec === rest ? [] : [{ field, codec, column: columnOf(field), isJson: codec.isJson }],
  );
  const fixed = own.filter(({ codec }) => codec.fixed);
  const changing = own.filter(({ codec }) => !codec.fixed);
  const copied = Object.entries(copies).map(([field, of]) => ({
    column: columnOf(field),
    isJson: false,
    of,
  }));
  return {
    name,
    keys: keys.map((key) => ({ column: columnOf(key), isJson: false })),
    fixed,
    changing,
    together: Object.keys(codecs).filter((field) => codecs[field] === rest),
    copies: copied,
    fixedPart: [...fixed, ...copied],
    changed: [...changing, { column: rest, isJson: true }],
  };
}

function reading<Row>(layout: Layout<Row>) {
  const { name, keys, fixed, fixedPart, changing, changed, together } = layout;
  const seed = seedOf(name);
  const fixedSeed = seedOf(`${name}, fixed`);
  const changingPart = [...keys, ...changed];
  const check = (bytes: SqlCell | undefined, from: number, sum: SqlCell | undefined) => {
    const text = textIn(bytes);
    if (checksum(bytes instanceof Uint8Array ? bytes : text, from) === sum) return text;
    throw new DamagedRow(name, keyIn(text, keys.length));
  };
  const readChanging = (row: Fields, values: readonly unknown[], from: number) => {
    for (const [i, { field, codec }] of changing.entries()) row[field] = codec.read(values[from + i]);
    const others = values[from + changing.length] as readonly unknown[];
    // A row of an earlier release lacks what was added since, which is null then.
    for (const [i, field] of together.entries()) row[field] = others[i] ?? null;
  };
  const decode = (values: readonly unknown[]) => {
    const row: Fields = {};
    for (const [i, { field, codec }] of fixed.entries()) row[field] = codec.read(values[i]);
    readChanging(row, values, fixedPart.length + keys.length);
    return row as Row;
  };
  const decodeChanging = (values: readonly unknown[]) => {
    const row: Fields = {};
    for (const i of keys.keys()) row[fixed[i]?.field ?? ""] = values[i];
    readChanging(row, values, keys.length);
    return row as Partial<Row>;
  };

  return {
    sealed: (prefix: string) =>
      `${textSql(fixedPart, prefix)}, ${prefix}fixed_sum, ${textSql(changingPart, prefix)}, ${prefix}sum`,
    textOf: ([fixedText, fixedSum, changingText, sum]: SqlCells) =>
      `[${check(fixedText, fixedSeed, fixedSum)},${check(changingText, seed, sum)}]`,
    sumsOf: ([fixedText, , changingText]: SqlCells) => [
      checksum(fixedText as Uint8Array, fixedSeed),
      checksum(changingText as Uint8Array, seed),
    ],
    sealedChanging: (prefix: string) => `${textSql(changingPart, prefix)}, ${prefix}sum`,
    changingTextOf: ([text, sum]: SqlCells) => `[${check(text, seed, sum)}]`,
    row: (text: string) => decode(JSON.parse(text)),
    rows: (text: string): Row[] => JSON.parse(text).map(decode),
    changing: (text: string): Partial<Row>[] => JSON.parse(text).map(decodeChanging),
  };
}

function writing<Row extends { readonly revision: number }>(
  layout: Layout<Row>,
  keyFields: readonly (keyof Row & string)[],
) {
  const { name, keys, fixed, fixedPart, changing, changed, together, copies } = layout;
  const seed = seedOf(name);
  const fixedSeed = seedOf(`${name}, fixed`);
  const inserted = [...fixedPart, ...changed].map(({ column }) => column);
  const updated = changed.map(({ column }, i) => `${column} = ?${i + 1}`);
  const wanted = [...keys.map(({ column }) => column), "revision"].map(
    (column, i) => `${column} = ?${changed.length + i + 1}`,
  );
  const restOf = (row: Row) => JSON.stringify(together.map((field) => row[field as keyof Row]));
  const written = (row: Row, { field, codec }: OwnColumn) => codec.write(row[field as keyof Row]);

  return {
    insert: `INSERT INTO ${name} (${[...inserted, "fixed_sum", "sum"].join(", ")})
      VALUES (${inserted.map(() => "?").join(", ")}, ?, ?) ON CONFLICT DO NOTHING`,
    insertValues: (row: Row): SqlRow => [
      ...fixed.map((own) => written(row, own)),
      ...copies.map(({ of }) => of(row)),
      ...changing.map((own) => written(row, own)),
      restOf(row),
    ],
    sealInserted(values: SqlRow): SqlRow {
      const changingText = `${textOf(keys, values, 0)},${textOf(changed, values, fixedPart.length)}`;
      const fixedText = textOf(fixedPart, values, 0);
      return [...values, checksum(fixedText, fixedSeed), checksum(changingText, seed)];
    },
    update: `UPDATE ${name} SET ${updated.join(", ")}, sum = ?${changed.length + wanted.length + 1}
      WHERE ${wanted.join(" AND ")}`,
    updateValues: (row: Row): SqlRow => [
      ...changing.map((own) => written(row, own)),
      restOf(row),
      ...keyFields.map((key) => row[key] as SqlValue),
      row.revision - 1,
    ],
    sealUpdated(values: SqlRow): SqlRow {
      const text = `${textOf(keys, values, changed.length)},${textOf(changed, values, 0)}`;
      return [...values, checksum(text, seed)];
    },
    nameInserted: (values: SqlRow) => `${name} ${values.slice(0, keys.length).join("/")}`,
    nameUpdated: (values: SqlRow) => `${name} ${values.slice(changed.length, -1).join("/")}`,
  };
}

/** SQL that puts columns together as elements of a JSON array; {@link textOf} makes the same text of their values. */
function textSql(columns: readonly Column[], prefix: string): string {
  const parts = columns.map(({ column, isJson }) =>
    isJson ? prefix + column : `json_quote(${prefix}${column})`,
  );
  return bytesOf(`concat(${parts.join(", ',', ")})`);
}

/** Of as many values as there are columns, from a place on. */
function textOf(columns: readonly Column[], values: SqlRow, from: number): string {
  let text = "";
  for (let i = 0; i < columns.length; i++) {
    const value = values[from + i];
    if (i > 0) text += ",";
    text += typeof value === "string" && !columns[i]?.isJson ? quoted(value) : value;
  }
  return text;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: those have to be escaped
const ESCAPED = /["\\\u0000-\u001f\ud800-\udfff]/;

/** As JSON; most texts here are names and need nothing but the marks around them. */
function quoted(text: string): string {
  return ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** The key at the beginning of a text that may be damaged. */
function keyIn(text: string, length: number): string {
  try {
    return nameOf(JSON.parse(`[${text}]`).slice(0, length));
  } catch {
    return nameOf([text.slice(0, 80)]);
  }
}

/** `heldBy` → `held_by` */
function columnOf(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
