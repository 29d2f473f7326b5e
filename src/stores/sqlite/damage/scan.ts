import { isUtf8 } from "node:buffer";
import { rowKindNames, textKindNames } from "#domain/row-kinds";
import { limits } from "#limits/index";
import {
  bytesOf,
  type Driver,
  openDriver,
  opened,
  type ReadOnly,
  type SqlCell,
  type SqlCells,
  type SqlRow,
  type SqlValue,
  textIn,
} from "../driver.js";
import { migrations, SEALED_SINCE } from "../migrations/index.js";
import { DamagedRow, nameOf, type SealedTable } from "../rows/checksum.js";
import { type Layouts, layoutTable } from "../rows/layouts.js";
import { deadlines, lanes, log, plane, rowTable, templates, textTables } from "../rows/rows.js";
import type { Table } from "../rows/table.js";

/** A table as it is gone through from one end to the other. */
export interface Scanned {
  readonly name: string;
  /** The columns of an index over it; the first one names the Task, if {@link ofTasks}. */
  readonly index: readonly string[];
  /** True if its rows belong to Tasks, and go with them; false for the Tasks themselves. */
  readonly ofTasks: boolean;
  /** What finds its rows again, in order. */
  readonly order: readonly string[];
  /** What to select, for `open`. */
  readonly selected: string;
  /** @throws {DamagedRow} */
  open(selected: SqlCells, layouts: Layouts): unknown;
  /** An INSERT, and what it binds to copy a row that was selected. */
  readonly insert: string;
  /** @throws {DamagedRow} */
  copyOf(selected: SqlCells, layouts: Layouts): SqlRow;
  /** The columns of its checksums. */
  readonly sums: readonly string[];
  /** Those that belong to what was selected. */
  sumsOf(selected: SqlCells): SqlRow;
}

/** The column of all that belongs to a Task. */
const TASK = "task_id";

/** Every table there is; Tasks come first. */
export const scannedTables: readonly Scanned[] = [
  ...rowKindNames.map((name) => ofTable(rowTable(name))),
  ...textKindNames.map((name) => ofSealed(textTables[name], ["rowid"])),
  ofSealed(log, ["rowid"]),
  ofSealed(deadlines, ["task_id", "step_name", "kind"]),
  ofSealed(lanes, ["key"]),
  ofSealed(templates, ["rowid"]),
  ofSealed(plane, ["id"]),
  ofSealed(layoutTable, ["rowid"]),
];

/** How many migrations a file has had; as many as there are if it says what cannot be. */
export function versionIn(db: ReadOnly): number {
  const version = Number(db.prepare(`PRAGMA ${db.schema}.user_version`).all([])[0]?.[0]);
  return version >= SEALED_SINCE && version < migrations.length ? version : migrations.length;
}

/** Those of them that a file has after so many migrations. */
export function tablesOf(version: number): readonly Scanned[] {
  const made = openDriver(":memory:");
  const isThere = opened(made, () => {
    made.exec(migrations.slice(0, version).join("\n"));
    return new Set(made.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all([]).flat());
  });
  made.close();
  return scannedTables.filter(({ name }) => isThere.has(name));
}

function ofTable<Row extends { readonly revision: number }>(table: Table<Row>): Scanned {
  return {
    name: table.name,
    index: table.index,
    ofTasks: table.index[0] === TASK,
    order: ["rowid"],
    selected: table.sealed(""),
    open: (selected, layouts) => table.row(table.textOf(selected), layouts),
    sums: ["fixed_sum", "sum"],
    insert: table.insert,
    copyOf: (selected, layouts) =>
      table.sealInserted(table.insertValues(table.row(table.textOf(selected), layouts))),
    sumsOf: table.sumsOf,
  };
}

function ofSealed(table: SealedTable, order: readonly string[]): Scanned {
  return {
    name: table.name,
    index: table.keys,
    ofTasks: table.keys[0] === TASK,
    order,
    selected: table.columns(),
    open: table.open,
    sums: ["sum"],
    insert: `INSERT INTO ${table.insert} ON CONFLICT DO NOTHING`,
    copyOf: (selected) => table.seal(table.open(selected)),
    sumsOf: (selected) => [table.sumOf(selected)],
  };
}

/**
 * The rows of a table in their order, a few at a time: first what finds them again, then what was selected.
 *
 * @throws {DamagedRow} if a key is no text, so that there is no going on behind it
 */
export function* scan(
  db: Driver,
  { name, order, selected }: Pick<Scanned, "name" | "order" | "selected">,
): Generator<readonly [place: SqlRow, row: SqlCells]> {
  const columns = order.join(", ");
  const places = order.map(() => "?").join(", ");
  const what = `${order.map((column) => (column === "rowid" ? column : bytesOf(column))).join(", ")}, ${selected}`;
  const first = db.prepare(`SELECT ${what} FROM ${name} ORDER BY ${columns} LIMIT ${limits.scannedRows}`);
  const next = db.prepare(
    `SELECT ${what} FROM ${name} WHERE (${columns}) > (${places}) ORDER BY ${columns} LIMIT ${limits.scannedRows}`,
  );
  let place: SqlRow | undefined;
  for (;;) {
    const rows = place ? next.all(place) : first.all([]);
    for (const row of rows) {
      place = row.slice(0, order.length).map((cell) => keyOf(name, cell));
      yield [place, row.slice(order.length)];
    }
    if (rows.length < limits.scannedRows) return;
  }
}

function keyOf(table: string, cell: SqlCell): SqlValue {
  if (!(cell instanceof Uint8Array)) return cell;
  if (isUtf8(cell)) return textIn(cell);
  throw new DamagedRow(table, nameOf([textIn(cell)]));
}
