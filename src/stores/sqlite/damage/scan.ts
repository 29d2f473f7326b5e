import { isUtf8 } from "node:buffer";
import { localKindNames, textKindNames } from "#domain/row-kinds";
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
import { enrolment } from "../rows/enrolment.js";
import { type Layouts, layoutTable } from "../rows/layouts.js";
import { outputDays } from "../rows/output-days.js";
import { restores } from "../rows/restores.js";
import {
  agents,
  apiKeys,
  audit,
  deadlines,
  lanes,
  log,
  pauses,
  plane,
  rowTable,
  templates,
  textTables,
} from "../rows/rows.js";
import type { Table } from "../rows/table.js";
import { usageSums } from "../rows/usage-sums.js";

/** How a table is scanned from its first row to its last. */
export interface Scanned {
  readonly name: string;
  /** The columns of an index over the table; the first one is the Task's id, if {@link ofTasks}. */
  readonly index: readonly string[];
  /** True if its rows belong to Tasks and are deleted with them; false for the table of Tasks itself. */
  readonly ofTasks: boolean;
  /** The columns that identify a row, by which the scan is ordered. */
  readonly order: readonly string[];
  /** The columns to select for `open`. */
  readonly selected: string;
  /**
   * Verifies a selected row.
   *
   * @throws {DamagedRow}
   */
  open(selected: SqlCells, layouts: Layouts): unknown;
  /** An INSERT statement; {@link copyOf} returns its values. */
  readonly insert: string;
  /**
   * The values that {@link insert} binds to copy a selected row.
   *
   * @throws {DamagedRow}
   */
  copyOf(selected: SqlCells, layouts: Layouts): SqlRow;
  /** The columns of the row's checksums. */
  readonly sums: readonly string[];
  /** Computes the checksums of a selected row. */
  sumsOf(selected: SqlCells): SqlRow;
}

/** The column that names the Task a row belongs to. */
const TASK = "task_id";

/** All tables; Tasks come first. */
export const scannedTables: readonly Scanned[] = [
  ...localKindNames.map((name) => ofTable(rowTable(name))),
  ...textKindNames.map((name) => ofSealed(textTables[name], ["rowid"])),
  ofSealed(log, ["rowid"]),
  ofSealed(deadlines, ["task_id", "step_name", "kind"]),
  ofSealed(lanes, ["key"]),
  ofSealed(templates, ["rowid"]),
  ofSealed(agents, ["rowid"]),
  ofSealed(pauses, ["rowid"]),
  ofSealed(apiKeys, ["rowid"]),
  ofSealed(audit, ["rowid"]),
  ofSealed(enrolment, ["rowid"]),
  ofSealed(outputDays, ["rowid"]),
  ofSealed(usageSums, ["rowid"]),
  ofSealed(restores, ["rowid"]),
  ofSealed(plane, ["id"]),
  ofSealed(layoutTable, ["rowid"]),
];

/** The number of migrations a file has had; the number of all migrations if the file states an impossible one. */
export function versionIn(db: ReadOnly): number {
  const version = Number(db.prepare(`PRAGMA ${db.schema}.user_version`).all([])[0]?.[0]);
  return version >= SEALED_SINCE && version < migrations.length ? version : migrations.length;
}

/** The tables that a file has after this number of migrations. */
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
 * Yields the rows of a table in their order, reading a bounded number at a time: the values that identify a row, then
 * the selected columns.
 *
 * @throws {DamagedRow} if a key is not valid text, because the scan cannot continue after it
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
