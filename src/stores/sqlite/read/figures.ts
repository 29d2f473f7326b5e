import { allFigures, type StoreFigures } from "../../shared/figures.js";
import { openReadOnly, preferredDriver } from "../driver.js";
import { errorOf, failureOf } from "../failure.js";
import { requirePresent, setForReading } from "../file/file.js";
import { beside, requireStore, sizeOf } from "../file/files.js";
import { reads } from "../rows/statements.js";
import { storedPage } from "./stored-tasks.js";

/** Tasks that are counted together, so that memory stays small. */
const PAGE = 1_000;

/**
 * Counts a store by reading all of it on one snapshot, whether or not a server is using it: none waits for it.
 *
 * @throws {Fault} `not_found` if there is no store
 */
export async function figuresOf(given: string): Promise<StoreFigures> {
  const path = requireStore(given);
  const driver = preferredDriver();
  try {
    const db = openReadOnly(path, driver);
    try {
      setForReading(db);
      requirePresent(db, path, db.schema);
      db.exec("BEGIN");
      const statement = db.prepare(reads.storedTasks);
      const namespaces = await allFigures((after) => storedPage(statement, after, PAGE));
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
