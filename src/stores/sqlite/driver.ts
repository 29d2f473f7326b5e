import { createRequire } from "node:module";

/** What a column can hold, as it is bound and as it is read. */
export type SqlValue = string | number | null;
export type SqlRow = readonly SqlValue[];

/** One open file. All of SQLite the store needs, so that another binding is another function here. */
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
  /** The first row; no read stays open behind it either. */
  get(values: SqlRow): SqlRow | undefined;
  /** Steps to the end, so that no read stays open. */
  all(values: SqlRow): SqlRow[];
}

/** What SQLite itself says went wrong: an extended result code, see https://sqlite.org/rescode.html */
export class SqliteError extends Error {
  override readonly name = "SqliteError";
  readonly code: number;

  constructor(code: number, message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.code = code;
  }
}

export type DriverName = "libsql" | "node";

/** From this version on, Node brings SQLite without a warning that it is experimental. */
const NODE_WITH_SQLITE = 24;

export function preferredDriver(): DriverName {
  return Number.parseInt(process.versions.node, 10) >= NODE_WITH_SQLITE ? "node" : "libsql";
}

export function openDriver(path: string, name: DriverName = preferredDriver()): Driver {
  return name === "node" ? openNode(path) : openLibsql(path);
}

/** Only what is used of either binding; loaded when needed, because one of them may be absent. */
const load = createRequire(import.meta.url);

interface LibsqlStatement {
  readonly reader: boolean;
  raw(): LibsqlStatement;
  run(values: SqlRow): { readonly changes: number };
  get(values: SqlRow): SqlRow | undefined;
  all(values: SqlRow): SqlRow[];
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
        get: (values) => translate(() => reader.get(values)),
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
  get(...values: SqlRow): SqlRow | undefined;
  all(...values: SqlRow): SqlRow[];
}

interface NodeSqlite {
  prepare(sql: string): NodeStatement;
  exec(sql: string): void;
  close(): void;
}

function openNode(path: string): Driver {
  const { DatabaseSync }: { DatabaseSync: new (path: string) => NodeSqlite } = load("node:sqlite");
  const translate = guard((error) => error.errcode);
  const db = translate(() => new DatabaseSync(path));

  return {
    prepare(sql) {
      const statement = translate(() => db.prepare(sql));
      statement.setReturnArrays(true);
      return {
        run: (values) => translate(() => statement.run(...values).changes),
        get: (values) => translate(() => statement.get(...values)),
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
