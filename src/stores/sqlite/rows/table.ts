import { bytesOf, type SqlCell, type SqlCells, type SqlRow, type SqlValue, textIn } from "../driver.js";
import { checksum, DamagedRow, nameOf, seedOf } from "./checksum.js";
import { type Codec, columnOf, type Packed, underNewNames } from "./codec.js";
import type { Layout, Layouts } from "./layouts.js";
import {
  type PackedColumn,
  type PackedField,
  packedColumn,
  packedReader,
  packedWriter,
} from "./packed-column.js";

/**
 * Converts between rows of the domain and rows of SQL. Rows are passed to the store's thread as flat arrays of bound
 * values, which it only checks and binds. They are read as JSON text built by SQLite, which was measured to take less
 * than half the time of selecting, copying and decoding columns.
 *
 * The cost is per value (copied to the thread, bound), not per byte. So all fields without a column of their own are
 * stored together in one JSON array; its {@link Layout} has their names.
 *
 * A row has two checksums, each over such a JSON text that includes the key: `fixed_sum` over the fields that are
 * written with the first revision only, `sum` over the revision and all fields that change. So an update can be sealed
 * from the values that it writes.
 */
export interface Table<Row> {
  readonly name: string;
  /** The columns that identify a row. */
  readonly keys: readonly string[];
  /** The columns of an index over all rows; the first one is the Task's id, if the rows belong to Tasks. */
  readonly index: readonly string[];
  /** The SQL to select for {@link textOf}, with `prefix` before each column. */
  sealed(prefix: string): string;
  /**
   * Verifies a selected row and returns it as JSON for `row` and `rows`, which throw {@link DamagedRow} if the row's
   * layout is unknown.
   *
   * @throws {DamagedRow} if a checksum does not match
   */
  textOf(selected: SqlCells): string;
  /** Computes both checksums of a row selected by `sealed`. */
  sumsOf(selected: SqlCells): SqlRow;
  /** Like {@link sealed}, but only the key and the fields that change; read it by `changing`. */
  sealedChanging(prefix: string): string;
  changingTextOf(selected: SqlCells): string;
  row(text: string, layouts: Layouts): Row;
  /** Decodes a JSON array of rows. */
  rows(text: string, layouts: Layouts): Row[];
  /** Decodes a JSON array of partial rows: the key and the fields that change. */
  changing(text: string, layouts: Layouts): Partial<Row>[];
  /** The layout for writing; it must be stored in the file before the first row that has it. */
  readonly layout: Layout;
  /** An INSERT statement; changes no row if one with the same key exists. */
  readonly insert: string;
  insertValues(row: Row): SqlRow;
  /** The values that `insert` binds, with both checksums added. */
  sealInserted(values: SqlRow): SqlRow;
  /** An UPDATE statement; changes no row unless the stored revision is the previous one. */
  readonly update: string;
  updateValues(row: Row): SqlRow;
  /** The values that `update` binds, with the checksum of the changing part added. */
  sealUpdated(values: SqlRow): SqlRow;
  /** The key in the values of `insert`, and in those of `update`. */
  keyInserted(values: SqlRow): SqlRow;
  keyUpdated(values: SqlRow): SqlRow;
  /** Selects the stored revision of a row by its key. */
  readonly revision: string;
}

interface Column {
  readonly column: string;
  readonly isJson: boolean;
}

/** A column that stores a single field. */
interface OwnColumn extends Column {
  readonly field: string;
  readonly codec: Codec;
}

/** How the fields of a row are distributed over columns. */
interface Shape<Row> {
  readonly name: string;
  readonly keys: readonly Column[];
  /** The fields with a column of their own: those that never change, and those that do. */
  readonly fixed: readonly OwnColumn[];
  readonly changing: readonly OwnColumn[];
  readonly packed: PackedColumn;
  readonly copies: readonly (Column & { readonly of: (row: Row) => SqlValue })[];
  /** The columns of the two parts of a row; the second one is without the key. */
  readonly fixedPart: readonly Column[];
  readonly changed: readonly Column[];
}

type Fields = Record<string, unknown>;

/**
 * @param keys the fields that identify a row; they must come first in `codecs` and be fixed
 * @param codecs a codec for every field, or `packed`; their order does not affect stored rows
 * @param copies columns that duplicate a part of another column, so that SQL can search for it
 * @param index see {@link Table.index}; by default the key
 */
export function table<Row extends { readonly revision: number }>(
  name: string,
  keys: readonly (keyof Row & string)[],
  codecs: Readonly<Record<keyof Row & string, Codec | Packed>>,
  copies: Readonly<Record<string, (row: Row) => SqlValue>> = {},
  index?: readonly string[],
): Table<Row> {
  const shape = shapeOf(name, keys, codecs, copies);
  const columns = shape.keys.map(({ column }) => column);
  const named = { name, keys: columns, index: index ?? columns, layout: shape.packed.layout };
  return { ...named, ...reading(shape), ...writing<Row>(shape, keys) };
}

function shapeOf<Row>(
  name: string,
  keys: readonly string[],
  codecs: Readonly<Record<string, Codec | Packed>>,
  copies: Readonly<Record<string, (row: Row) => SqlValue>>,
): Shape<Row> {
  const own: OwnColumn[] = [];
  const packed: PackedField[] = [];
  for (const [field, codec] of Object.entries(codecs)) {
    if ("isPacked" in codec) {
      const { missing, name = field, isOptional = false } = codec;
      packed.push({ field, missing, name, isOptional });
    } else own.push({ field, codec, column: codec.column ?? columnOf(field), isJson: codec.isJson });
  }
  const columnOfField = (field: string) => own.find((known) => known.field === field)?.column ?? field;
  const fixed = own.filter(({ codec }) => codec.fixed);
  const changing = own.filter(({ codec }) => !codec.fixed);
  const copied = Object.entries(copies).map(([field, of]) => ({
    column: columnOf(field),
    isJson: false,
    of,
  }));
  return {
    name,
    keys: keys.map((key) => ({ column: columnOfField(key), isJson: false })),
    fixed,
    changing,
    packed: packedColumn(name, packed),
    copies: copied,
    fixedPart: [...fixed, ...copied],
    changed: [...changing, { column: "rest", isJson: true }],
  };
}

function reading<Row>(shape: Shape<Row>) {
  const { name, keys, fixed, fixedPart, changing, changed } = shape;
  const seed = seedOf(name);
  const fixedSeed = seedOf(`${name}, fixed`);
  const changingPart = [...keys, ...changed];
  const check = (bytes: SqlCell | undefined, from: number, sum: SqlCell | undefined) => {
    const text = textIn(bytes);
    if (checksum(bytes instanceof Uint8Array ? bytes : text, from) === sum) return text;
    throw new DamagedRow(name, keyIn(text, keys.length));
  };
  const readPacked = packedReader(shape.packed);
  const readChanging = (row: Fields, values: readonly unknown[], from: number, layouts: Layouts) => {
    for (let i = 0; i < changing.length; i++) readOwn(row, changing[i] as OwnColumn, values[from + i]);
    const others = values[from + changing.length] as readonly unknown[];
    if (readPacked(row, others, layouts)) return;
    throw new DamagedRow(
      name,
      nameOf(values.slice(from - keys.length, from)),
      "is laid out in an unknown way",
    );
  };
  const decode = (values: readonly unknown[], layouts: Layouts) => {
    const row: Fields = {};
    for (let i = 0; i < fixed.length; i++) readOwn(row, fixed[i] as OwnColumn, values[i]);
    readChanging(row, values, fixedPart.length + keys.length, layouts);
    return row as Row;
  };
  const decodeChanging = (values: readonly unknown[], layouts: Layouts) => {
    const row: Fields = {};
    for (const i of keys.keys()) row[fixed[i]?.field ?? ""] = values[i];
    readChanging(row, values, keys.length, layouts);
    return row as Partial<Row>;
  };
  const each = <T>(
    text: string,
    read: (values: readonly unknown[], layouts: Layouts) => T,
    layouts: Layouts,
  ) => {
    const rows: readonly (readonly unknown[])[] = JSON.parse(text);
    return rows.map((values) => read(values, layouts));
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
    row: (text: string, layouts: Layouts) => decode(JSON.parse(text), layouts),
    rows: (text: string, layouts: Layouts) => each(text, decode, layouts),
    changing: (text: string, layouts: Layouts) => each(text, decodeChanging, layouts),
  };
}

function readOwn(row: Fields, { field, codec }: OwnColumn, value: unknown): void {
  const read = codec.read(value);
  row[field] = codec.formerly ? underNewNames(read, codec.formerly) : read;
}

function writing<Row extends { readonly revision: number }>(
  shape: Shape<Row>,
  keyFields: readonly (keyof Row & string)[],
) {
  const { name, keys, fixed, fixedPart, changing, changed, copies } = shape;
  const seed = seedOf(name);
  const fixedSeed = seedOf(`${name}, fixed`);
  const inserted = [...fixedPart, ...changed].map(({ column }) => column);
  const updated = changed.map(({ column }, i) => `${column} = ?${i + 1}`);
  const wanted = [...keys.map(({ column }) => column), "revision"].map(
    (column, i) => `${column} = ?${changed.length + i + 1}`,
  );
  const restOf = packedWriter<Row>(shape.packed);
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
    keyInserted: (values: SqlRow) => values.slice(0, keys.length),
    keyUpdated: (values: SqlRow) => values.slice(changed.length, -1),
    revision: `SELECT revision FROM ${name} WHERE ${keys.map(({ column }) => `${column} = ?`).join(" AND ")}`,
  };
}

/** SQL that joins columns as elements of a JSON array; {@link textOf} builds the same text from their values. */
function textSql(columns: readonly Column[], prefix: string): string {
  const parts = columns.map(({ column, isJson }) =>
    isJson ? prefix + column : `json_quote(${prefix}${column})`,
  );
  return bytesOf(`concat(${parts.join(", ',', ")})`);
}

/** Joins the values of the columns as elements of a JSON array; the first value is at index `from`. */
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

/** Quotes a text as JSON; most texts here are names without characters to escape. */
function quoted(text: string): string {
  return ESCAPED.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** The key at the beginning of a row's text, which may be damaged. */
function keyIn(text: string, length: number): string {
  try {
    return nameOf(JSON.parse(`[${text}]`).slice(0, length));
  } catch {
    return nameOf([text.slice(0, 80)]);
  }
}
