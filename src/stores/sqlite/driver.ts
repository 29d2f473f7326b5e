import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

/** A value that is bound. */
export type SqlValue = string | number | null;
export type SqlRow = readonly SqlValue[];

/** A value that is read. Texts of a file are read as bytes, see {@link bytesOf}. */
export type SqlCell = SqlValue | Uint8Array;
export type SqlCells = readonly SqlCell[];

/**
 * SQL that selects a text as its bytes. A text of a damaged file may be no UTF-8, and at one of those libsql ends the
 * whole process; the checksum is over the bytes anyway.
 */
export function bytesOf(expression: string): string {
  return `CAST(${expression} AS BLOB)`;
}

/** A text that was selected by {@link bytesOf}. */
export function textIn(cell: SqlCell | undefined): string {
  if (!(cell instanceof Uint8Array)) return String(cell);
  return Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength).toString();
}

/** One open file: the part of SQLite that the store needs. Another binding is another function here. */
export interface Driver {
  /** @throws {SqliteError} as do the other methods. */
  prepare(sql: string): Statement;
  /** Runs any number of statements without parameters. */
  exec(sql: string): void;
  close(): void;
}

export interface Statement {
  /** Returns how many rows were changed. */
  run(values: SqlRow): number;
  /** Steps to the end, so that no read stays open. */
  all(values: SqlRow): SqlCells[];
}

/** An error of SQLite, with an extended result code, see https://sqlite.org/rescode.html */
export class SqliteError extends Error {
  override readonly name = "SqliteError";
  readonly code: number;

  constructor(code: number, message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.code = code;
  }
}

export type DriverName = "libsql" | "node";

/** The first version of Node that includes SQLite without a warning that it is experimental. */
const NODE_WITH_SQLITE = 24;

export function preferredDriver(): DriverName {
  return Number.parseInt(process.versions.node, 10) >= NODE_WITH_SQLITE ? "node" : "libsql";
}

export function openDriver(path: string, name: DriverName = preferredDriver()): Driver {
  return name === "node" ? openNode(path) : openLibsql(path);
}

/** Runs the steps after opening something; closes it again if one fails. */
export function opened<T>(resource: { close(): void }, work: () => T): T {
  try {
    return work();
  } catch (error) {
    resource.close();
    throw error;
  }
}

/** A file opened to read only. */
export interface ReadOnly extends Driver {
  /** What the file is called in statements that have to say which they mean. */
  readonly schema: string;
}

/**
 * Opens a file that is there, to read only. Nothing of it is changed, not even when it is closed: a connection that
 * may write moves the write-ahead log into the file and removes it when it is the last one.
 */
export function openReadOnly(
  path: string,
  name: DriverName = preferredDriver(),
  /** What to run first, before SQLite has looked at the file. */
  before = "",
): ReadOnly {
  if (name === "node") {
    const db = openNode(path, { readOnly: true });
    opened(db, () => db.exec(before));
    return { ...db, schema: "main" };
  }

  // A connection of libsql stays open while it has a statement; an attached database can be detached.
  const memory = openLibsql(":memory:");
  const url = `${pathToFileURL(path)}?mode=ro`.replaceAll("'", "%27");
  opened(memory, () => memory.exec(`${before}; ATTACH '${url}' AS file`));
  return {
    ...memory,
    schema: "file",
    close() {
      memory.exec("DETACH file");
      memory.close();
    },
  };
}

/** Only what is used of either binding; loaded when needed, because one of them may be absent. */
const load = createRequire(import.meta.url);

interface LibsqlStatement {
  readonly reader: boolean;
  raw(): LibsqlStatement;
  run(values: SqlRow): { readonly changes: number };
  all(values: SqlRow): SqlCells[];
}

interface Libsql {
  prepare(sql: string): LibsqlStatement;
  exec(sql: string): void;
  close(): void;
}

function openLibsql(path: string): Driver {
  const Database: new (path: string) => Libsql = load("libsql");
  const translate = guard((error) => error.rawCode);
  const db = translate(() => new Database(path));

  return {
    prepare(sql) {
      const statement = translate(() => db.prepare(sql));
      // `raw` is refused for a statement that returns no rows.
      const reader = statement.reader ? statement.raw() : statement;
      return {
        run: (values) => translate(() => statement.run(values).changes),
        all: (values) => translate(() => reader.all(values)),
      };
    },
    exec: (sql) => translate(() => db.exec(sql)),
    close: () => db.close(),
  };
}

interface NodeStatement {
  setReturnArrays(enabled: boolean): void;
  run(...values: SqlRow): { readonly changes: number };
  all(...values: SqlRow): SqlCells[];
}

interface NodeSqlite {
  prepare(sql: string): NodeStatement;
  exec(sql: string): void;
  close(): void;
}

type OpenNode = new (path: string, options: { readonly readOnly: boolean }) => NodeSqlite;

function openNode(path: string, options = { readOnly: false }): Driver {
  const { DatabaseSync }: { DatabaseSync: OpenNode } = load("node:sqlite");
  const translate = guard((error) => error.errcode);
  const db = translate(() => new DatabaseSync(path, options));

  return {
    prepare(sql) {
      const statement = translate(() => db.prepare(sql));
      statement.setReturnArrays(true);
      return {
        run: (values) => translate(() => statement.run(...values).changes),
        all: (values) => translate(() => statement.all(...values)),
      };
    },
    exec: (sql) => translate(() => db.exec(sql)),
    close: () => db.close(),
  };
}

/** Runs a call into a binding; what it throws with a result code is thrown on as a {@link SqliteError}. */
function guard(codeOf: (error: Record<string, unknown>) => unknown) {
  return <T>(call: () => T): T => {
    try {
      return call();
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause;
      const code = codeOf({ ...cause });
      throw typeof code === "number" ? new SqliteError(code, cause.message, { cause }) : cause;
    }
  };
}
