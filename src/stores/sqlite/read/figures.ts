import { type Counted, figuresFrom, type StoreFigures } from "../../shared/figures.js";
import { bytesOf, type Driver, openReadOnly, preferredDriver, textIn } from "../driver.js";
import { errorOf, failureOf } from "../failure.js";
import { requirePresent, setForReading } from "../file/file.js";
import { beside, requireStore, sizeOf } from "../file/files.js";

const NAME = bytesOf("t.namespace");

/** Lengths are in the head of a row, so that no text is read for them. */
function joined(table: string, bytes: string): string {
  return `SELECT ${NAME}, count(*), sum(${bytes}) FROM ${table} AS p JOIN tasks AS t ON t.id = p.task_id GROUP BY t.namespace`;
}

const statements = {
  tasks: `SELECT ${NAME}, count(*), sum(t.finished_at > 0) FROM tasks AS t GROUP BY t.namespace`,
  steps: joined("steps", "0"),
  runs: joined("runs", "0"),
  inputs: joined(
    "(SELECT task_id, json FROM inputs UNION ALL SELECT task_id, json FROM step_inputs)",
    "octet_length(p.json)",
  ),
  results: joined("outputs", "octet_length(p.json)"),
  log: joined("log", "octet_length(p.entries)"),
} as const;

/**
 * Counts a store by reading all of it on one snapshot, whether or not a server is using it: none waits for it.
 *
 * @throws {Fault} `not_found` if there is no store
 */
export function figuresOf(given: string): StoreFigures {
  const path = requireStore(given);
  const driver = preferredDriver();
  try {
    const db = openReadOnly(path, driver);
    try {
      setForReading(db);
      requirePresent(db, path, db.schema);
      db.exec("BEGIN");
      const counted = (name: keyof typeof statements) => countedIn(db, statements[name]);
      const namespaces = figuresFrom({
        tasks: counted("tasks"),
        steps: counted("steps"),
        runs: counted("runs"),
        inputs: counted("inputs"),
        results: counted("results"),
        log: counted("log"),
      });
      db.exec("COMMIT");
      const files = [path, beside.wal(path), beside.sums(path), beside.reserve(path)];
      return { namespaces, bytes: files.reduce((sum, file) => sum + (sizeOf(file) ?? 0), 0) };
    } finally {
      db.close();
    }
  } catch (error) {
    throw errorOf(failureOf(error, path));
  }
}

function countedIn(db: Driver, sql: string): Counted {
  return db
    .prepare(sql)
    .all([])
    .map(([namespace, count, more]) => [textIn(namespace), Number(count), Number(more)]);
}
