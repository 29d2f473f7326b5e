import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { Fault } from "#domain/fault";
import { localKindNames } from "#domain/row-kinds";
import {
  bytesOf,
  type Driver,
  type DriverName,
  openDriver,
  opened,
  openReadOnly,
  type ReadOnly,
  type SqlCells,
  textIn,
} from "../driver.js";
import { isDamage, STORE_DAMAGED } from "../failure.js";
import { beside, syncFile } from "../file/files.js";
import { createHeadFile, type Head, NO_COMMITS } from "../file/head.js";
import { migrations } from "../migrations/index.js";
import { DamagedRow, nameOf } from "../rows/checksum.js";
import { enrolment } from "../rows/enrolment.js";
import { Layouts, layoutRows, layoutTable, layoutValues } from "../rows/layouts.js";
import { outputDays } from "../rows/output-days.js";
import { restores } from "../rows/restores.js";
import {
  agents,
  apiKeys,
  audit,
  deadlines,
  pauses,
  plane,
  rowTable,
  taskTable,
  templates,
} from "../rows/rows.js";
import { usageSums } from "../rows/usage-sums.js";
import { incomplete, type Lost } from "./incomplete.js";
import { forgetDeadLetters, makeLanes, removeTasks } from "./mend.js";
import { type Scanned, scan, scannedTables, tablesOf, versionIn } from "./scan.js";

export interface Rebuilding {
  readonly path: string;
  /** The path of the file to create. */
  readonly draft: string;
  readonly driver: DriverName;
  /** The number of commits that the new file starts with. */
  readonly commits: number;
  /** The head of the damaged file, if it can be read. */
  readonly head: Head | undefined;
}

/**
 * The tables that are copied by rowid. The other tables are copied differently or created again; the layouts are
 * written again too, since rows are copied in the layouts of this release.
 */
const withRowid = scannedTables.filter(
  ({ order, name }) => order[0] === "rowid" && name !== layoutTable.name,
);

/** Returns whether the file has the table: a file of an earlier release lacks the tables added since. */
function isThere(source: Driver, table: string): boolean {
  try {
    source.prepare(`SELECT 1 FROM ${table} LIMIT 0`).all([]);
    return true;
  } catch {
    return false;
  }
}

/** Copies all intact rows into a new file and yields, as sentences, what was lost. */
export function* rebuild({ path, draft, driver, commits, head }: Rebuilding): Generator<string> {
  for (const file of [draft, beside.journal(draft), beside.wal(draft)]) rmSync(file, { force: true });
  const made = openDriver(draft, driver);
  opened(made, () => made.exec(`${migrations.join("\n")}\nPRAGMA user_version = ${migrations.length}`));
  made.close();

  // The draft is attached so that it can be detached again. Reading and writing use two connections, since a failed
  // read makes a later write on the same connection fail. `writable_schema` tolerates unreadable indexes and triggers,
  // which are not needed here; tables are.
  const source = openReadOnly(path, driver, "PRAGMA writable_schema = ON");
  const target = opened(source, () => openDriver(":memory:", driver));
  try {
    requireTables(source, path);
    target.exec(`ATTACH '${urlOf(draft)}' AS target; PRAGMA foreign_keys = OFF`);
    target.exec("PRAGMA target.synchronous = OFF; BEGIN");
    const layouts = soundLayouts(source);
    const lost = [
      ...withRowid
        .filter(({ name }) => isThere(source, name))
        .flatMap((table) => [...copyTable(source, target, table, layouts)]),
      ...copyDeadlines(source, target),
    ];
    writeLayouts(target);
    yield* removeTasks(target, incomplete(target, lost));
    yield* forgetDeadLetters(target);
    for (const { table, key } of lost)
      if (table === templates.name)
        yield `template ${key.replace(/\/([^/]*)$/, "@$1")} is gone: its row is damaged`;
    for (const { table, key } of lost)
      if (table === agents.name)
        yield `what agent ${key} announced is forgotten, until a worker announces it again: its row is damaged`;
    for (const { table, key } of lost)
      if (table === pauses.name)
        yield `the pause ${key} is gone, and holds nothing back any more: its row is damaged; pause it again`;
    for (const { table, key } of lost)
      if (table === apiKeys.name)
        yield `API key ${key} is gone, and is refused from now on: its row is damaged`;
    for (const { table, key } of lost)
      if (table === audit.name)
        yield `entry ${key} of the audit log is gone, as \`taskrun audit verify\` will say: its row is damaged`;
    for (const { table, key } of lost)
      if (table === enrolment.name)
        yield key.startsWith("authority")
          ? "where the rotation of the authority stands is gone: the root in the folder tls is the only one; look at `ca status`"
          : `enrolment of ${key} is gone, and is refused from now on: its row is damaged; invite the worker again`;
    for (const { table, key } of lost)
      if (table === outputDays.name)
        yield `what was counted of output (${key}) is gone, and is not held against its namespace: its row is damaged`;
    for (const { table, key } of lost)
      if (table === usageSums.name)
        yield `what was used (${key}) is gone from the sums of usage, not from its tasks: its row is damaged`;
    for (const { table, key } of lost)
      if (table === restores.name)
        yield `restoration ${key} from a backup is forgotten: if workers are still at work on what was assigned before it, stop them; its row is damaged`;
    makeLanes(target);
    const mark = {
      store: head?.store ?? randomUUID(),
      at: head?.at ?? lastInstant(target),
      commits,
      digest: head?.digest ?? NO_COMMITS,
    };
    const sealed = plane.seal([1, mark.store, mark.at, mark.commits, mark.digest]);
    target
      .prepare("UPDATE plane SET id = ?, store = ?, at = ?, commits = ?, digest = ?, sum = ?")
      .run(sealed);
    target.exec("COMMIT; PRAGMA target.journal_mode = WAL; DETACH target");
    syncFile(draft);
    createHeadFile(beside.head(path), mark);
  } finally {
    source.close();
    target.close();
  }
}

/** @throws {Fault} reason `STORE_DAMAGED` if the schema of the file no longer locates all of its tables */
function requireTables(source: ReadOnly, path: string): void {
  const copied = new Set([...withRowid.map(({ name }) => name), deadlines.name]);
  for (const { name } of tablesOf(versionIn(source))) {
    if (copied.has(name) && !isThere(source, name)) {
      const advice = "restore a copy, or move the directory away to begin anew";
      throw new Fault(
        "internal",
        `${path} cannot be repaired: where its table ${name} lies is damaged; ${advice}`,
        {
          reason: STORE_DAMAGED,
        },
      );
    }
  }
}

function urlOf(path: string): string {
  return String(pathToFileURL(path)).replaceAll("'", "%27");
}

/** Reads the layouts; none if they cannot be read, and rows in those layouts are lost. */
function soundLayouts(source: Driver): Layouts {
  try {
    return new Layouts(layoutRows(source, () => {}));
  } catch (error) {
    if (!isDamage(error)) throw error;
    return new Layouts();
  }
}

/** Writes the layouts of this release, in which all rows are copied. */
function writeLayouts(target: Driver): void {
  const insert = target.prepare(`INSERT INTO ${layoutTable.insert}`);
  for (const name of localKindNames) insert.run(layoutTable.seal(layoutValues(rowTable(name).layout)));
}

/** Copies each intact row. Rows are located from both ends of the table and of an index over it. */
function* copyTable(source: Driver, target: Driver, table: Scanned, layouts: Layouts): Generator<Lost> {
  const { name } = table;
  const places = new Map<number, readonly string[]>();
  for (const direction of ["", " DESC"]) {
    for (const [place] of readable(
      source,
      `SELECT rowid FROM ${name} NOT INDEXED ORDER BY rowid${direction}`,
    )) {
      places.set(Number(place), []);
    }
  }
  // The index has the key even of a row that cannot be read.
  const { index: columns } = table;
  for (const direction of ["", " DESC"]) {
    const order = columns.map((column) => `${column}${direction}`).join(", ");
    const query = `SELECT rowid, ${columns.map((column) => bytesOf(column)).join(", ")} FROM ${name} ORDER BY ${order}`;
    for (const [place, ...key] of readable(source, query)) places.set(Number(place), key.map(textIn));
  }

  const row = source.prepare(`SELECT ${table.selected} FROM ${name} WHERE rowid = ?`);
  const insert = target.prepare(table.insert);
  for (const [place, key] of [...places].sort(([a], [b]) => a - b)) {
    try {
      const [found] = row.all([place]);
      if (!found) throw new DamagedRow(name, `rowid ${place}`, "is missing");
      insert.run(table.copyOf(found, layouts));
    } catch (error) {
      if (!isDamage(error)) throw error;
      const own = error instanceof DamagedRow ? error.key : `rowid ${place}`;
      const taskId = table.ofTasks || name === taskTable.name ? key[0] : undefined;
      yield { table: name, key: key.length === columns.length ? nameOf(key) : own, taskId };
    }
  }
}

/** Copies deadlines from their table and from the index over it, which contains all of their columns. */
function* copyDeadlines(source: Driver, target: Driver): Generator<Lost> {
  const insert = target.prepare(`INSERT INTO ${deadlines.insert} ON CONFLICT DO NOTHING`);
  for (const order of ["task_id", "task_id DESC", "at", "at DESC"]) {
    for (const row of readable(source, `SELECT ${deadlines.columns()} FROM deadlines ORDER BY ${order}`)) {
      try {
        insert.run(deadlines.seal(deadlines.open(row)));
      } catch (error) {
        if (!(error instanceof DamagedRow)) throw error;
        yield { table: "deadlines", key: error.key, taskId: textIn(row[0]) };
      }
    }
  }
}

/** Returns the rows before the first one that SQLite cannot read; finds their number by binary search. */
function readable(db: Driver, sql: string): SqlCells[] {
  const read = (limit: number) => {
    try {
      return db.prepare(`${sql} LIMIT ${limit}`).all([]);
    } catch (error) {
      if (isDamage(error)) return undefined;
      throw error;
    }
  };
  const all = read(-1);
  if (all) return all;
  let [good, bad] = [0, 1];
  while (read(bad)) [good, bad] = [bad, bad * 2];
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (read(middle)) good = middle;
    else bad = middle;
  }
  return good === 0 ? [] : (read(good) ?? []);
}

/** The latest instant in any Task: plane time must not go back before it. */
function lastInstant(db: Driver): number {
  const layouts = new Layouts();
  let last = 0;
  for (const [, row] of scan(db, {
    name: taskTable.name,
    order: ["rowid"],
    selected: taskTable.sealed(""),
  })) {
    const { createdAt, finishedAt } = taskTable.row(taskTable.textOf(row), layouts);
    last = Math.max(last, createdAt, finishedAt);
  }
  return last;
}
