import { limits } from "#limits/index";
import { bytesOf, type Driver, openDriver, opened, type ReadOnly, textIn } from "../driver.js";
import { isDamage } from "../failure.js";
import { migrations } from "../migrations/index.js";
import { DamagedRow } from "../rows/checksum.js";
import { Layouts, layoutRows } from "../rows/layouts.js";
import { log } from "../rows/rows.js";
import { type Scanned, scan, tablesOf, versionIn } from "./scan.js";

/** A defect found in a file. */
export interface Finding {
  /** The table, or another subject: `file`, `head`, `pages`. */
  readonly table: string;
  /** The key of the row; empty if the finding is not about a single row. */
  readonly key: string;
  /** What is wrong, as the end of a sentence, without the full stop. */
  readonly what: string;
}

/** Makes a finding that is not about a table. */
export function ofFile(what: string): Finding {
  return { table: "file", key: "", what };
}

/**
 * Yields all defects inside a file: checks every page, every index entry and every row once. Does not check whether
 * the contents of rows agree with each other; for that see `audit.ts`.
 *
 * @param progress called with each table before it is checked
 */
export function* check(db: ReadOnly, progress: (what: string) => void = () => {}): Generator<Finding> {
  const version = versionIn(db);
  progress("indexes");
  yield* guarded("file", () => definitions(db, version));
  yield* guarded("file", () => structure(db));
  let layouts = new Layouts();
  // Defects of the layouts themselves are reported when their table is checked below.
  yield* guarded("layouts", () => {
    layouts = new Layouts(layoutRows(db, () => {}));
    return [];
  });
  for (const table of tablesOf(version)) {
    progress(table.name);
    yield* guarded(table.name, () => rows(db, table, layouts));
  }
  progress("lines of logs");
  yield* guarded("log", () => gaps(db));
  yield* guarded("file", () => orphans(db));
}

export function sentenceOf({ table, key, what }: Finding): string {
  if (key !== "") return `row ${key} of table ${table} ${what}`;
  return table === "file" ? what : `table ${table} ${what}`;
}

/**
 * Yields what SQLite's own integrity check reports: inconsistent pages, index entries without a row, and rows without
 * an index entry. Limited to SQLite's default of one hundred: later versions of SQLite would interpret an explicit
 * limit as the name of a table.
 */
export function* structure(db: ReadOnly): Generator<Finding> {
  const query = `SELECT ${bytesOf("integrity_check")} FROM pragma_integrity_check(NULL, '${db.schema}')`;
  for (const [cell] of db.prepare(query).all([])) {
    const what = textIn(cell).replaceAll("\n", " ");
    if (what !== "ok") yield ofFile(what);
  }
}

/** Compares the definitions of tables, indexes and triggers with those that the migrations create. */
function* definitions(db: ReadOnly, version: number): Generator<Finding> {
  const made = openDriver(":memory:");
  opened(made, () => made.exec(migrations.slice(0, version).join("\n")));
  const query = `SELECT ${bytesOf("type || ' ' || name")}, ${bytesOf("tbl_name || ' ' || coalesce(sql, '')")} FROM`;
  const textsOf = (from: Driver, schema: string) => {
    const rows = from.prepare(`${query} ${schema}.sqlite_schema`).all([]);
    return new Map(rows.map((row) => [textIn(row[0]), textIn(row[1])]));
  };
  const found = textsOf(db, db.schema);
  const wanted = textsOf(made, "main");
  made.close();
  for (const [name, text] of wanted) {
    if (found.get(name) === text) continue;
    yield ofFile(`the ${name} is not defined as it should be`);
  }
  for (const name of found.keys()) {
    if (!wanted.has(name)) yield ofFile(`the ${name} does not belong in it`);
  }
}

function* rows(db: ReadOnly, table: Scanned, layouts: Layouts): Generator<Finding> {
  for (const [, row] of scan(db, table)) {
    try {
      table.open(row, layouts);
    } catch (error) {
      if (!(error instanceof DamagedRow)) throw error;
      yield { table: error.table, key: error.key, what: "is not what was written" };
    }
  }
}

/** Yields gaps in logs: the lines of each log must be numbered from 1 without gaps. */
function* gaps(db: ReadOnly): Generator<Finding> {
  const before = `SELECT p.first_seq + p.count FROM log AS p WHERE p.task_id = l.task_id AND p.first_seq < l.first_seq
    ORDER BY p.first_seq DESC LIMIT 1`;
  const query = `SELECT ${bytesOf("task_id")}, first_seq FROM log AS l
    WHERE first_seq <> coalesce((${before}), 1) LIMIT ${limits.damageNamed}`;
  for (const [taskId, firstSeq] of db.prepare(query).all([])) {
    yield {
      table: log.name,
      key: `${textIn(taskId)}/${firstSeq}`,
      what: "does not follow the one before it",
    };
  }
}

function* orphans(db: ReadOnly): Generator<Finding> {
  const query = `SELECT "table", rowid, parent FROM pragma_foreign_key_check(NULL, '${db.schema}') LIMIT ${limits.damageNamed}`;
  for (const [table, rowid, parent] of db.prepare(query).all([])) {
    yield {
      table: String(table),
      key: `rowid ${rowid}`,
      what: `belongs to a row of ${parent} that is missing`,
    };
  }
}

/** Runs one part of the check. A read error of SQLite is reported as a finding and ends this part only. */
function* guarded(table: string, part: () => Iterable<Finding>): Generator<Finding> {
  try {
    yield* part();
  } catch (error) {
    if (!isDamage(error)) throw error;
    yield { table, key: "", what: `cannot be read to its end: ${(error as Error).message}` };
  }
}
