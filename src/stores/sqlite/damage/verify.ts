import { limits } from "#limits/index";
import { refuseBackup } from "../backup/format.js";
import { type DriverName, openReadOnly, preferredDriver, type ReadOnly, textIn } from "../driver.js";
import { errorOf, failureOf, isDamage } from "../failure.js";
import { setForReading, versionOf } from "../file/file.js";
import { beside, requireStore, sizeOf } from "../file/files.js";
import { readHeadFile } from "../file/head.js";
import { lockUnlessServed } from "../file/lock.js";
import { foreignOf, headPageOf, trailOf } from "../file/log-commits.js";
import { PageSums } from "../file/page-sums.js";
import { SEALED_SINCE } from "../migrations/index.js";
import { taskTable } from "../rows/rows.js";
import { check, type Finding, ofFile } from "./check.js";
import { missingParts } from "./incomplete.js";
import { behind, foreignJournal, headOf, missingSums } from "./inspect.js";

export interface VerifyOptions {
  readonly path: string;
  readonly driver?: DriverName;
  /** Called with the name of each part before it is checked. */
  readonly progress?: (what: string) => void;
  /** Called once before anything is checked. @param online true if a server is using the file */
  readonly begun?: (online: boolean) => void;
}

/**
 * Yields all defects of a file: of pages, indexes, rows and their checksums, logs, the graphs of Tasks, and the head file. While a
 * server has it open, everything but the pages is read on one snapshot. Changes nothing, and keeps only a few rows in memory
 * at a time.
 *
 * @throws {Fault} reason `STORE_TOO_NEW` if a later release wrote it
 */
export async function* verify(options: VerifyOptions): AsyncGenerator<Finding> {
  const { driver = preferredDriver(), progress = () => {}, begun = () => {} } = options;
  const path = requireStore(options.path);
  refuseBackup(path);
  const { online, release } = await lockUnlessServed(path, driver);
  try {
    begun(online);
    yield* online ? servedFindings(path, driver, progress) : findings(path, driver, progress);
  } finally {
    await release();
  }
}

/** The findings in a file that a server is writing to at the same time. */
function* servedFindings(
  path: string,
  driver: DriverName,
  progress: (what: string) => void,
): Generator<Finding> {
  progress("pages");
  // First, while no connection is open: closing a file would release the locks of one.
  const pages = new PageSums(path).compareServed(limits.damageNamed);
  for (const page of pages.different) yield ofFile(`page ${page} is not as its checksum says`);
  if (pages.unknown > 0) yield ofFile(missingSums(path, pages.unknown));
  // Before the snapshot: what was acknowledged by now has to be in it.
  const mark = readHeadFile(beside.head(path));
  let db: ReadOnly | undefined;
  try {
    db = openReadOnly(path, driver);
    setForReading(db);
    db.exec("BEGIN");
    versionOf(db, path, db.schema);
    const why = behind(path, headOf(db), mark);
    if (why !== undefined) yield ofFile(why);
    yield* soundness(db, progress);
    db.exec("COMMIT");
  } catch (error) {
    if (!isDamage(error)) throw errorOf(failureOf(error, path));
    yield ofFile(`it cannot be read to its end: ${(error as Error).message}`);
  } finally {
    db?.close();
  }
}

function* findings(path: string, driver: DriverName, progress: (what: string) => void): Generator<Finding> {
  progress("pages");
  const pages = new PageSums(path).compare(limits.damageNamed);
  for (const page of pages.different) yield ofFile(`page ${page} is not as its checksum says`);
  const mark = readHeadFile(beside.head(path));
  const journal = foreignJournal(path, mark);
  // SQLite would apply the journal before it reads anything.
  if (journal !== undefined) return yield ofFile(journal);
  if (sizeOf(path) === 0) {
    yield ofFile(behind(path, undefined, mark) ?? "it is empty: the first start makes its tables");
    return;
  }
  let db: ReadOnly | undefined;
  try {
    db = openReadOnly(path, driver);
    setForReading(db);
    const version = versionOf(db, path, db.schema);
    if (version < SEALED_SINCE && !pages.different.includes(1)) {
      yield ofFile(`it has no checksums yet (tables of version ${version}): the first start puts them in`);
      return;
    }
    if (pages.unknown > 0) yield ofFile(missingSums(path, pages.unknown));
    const why = behind(path, headOf(db), mark);
    if (why !== undefined) yield ofFile(why);
    const { foreign } = trailOf(path, headPageOf(db, db.schema));
    if (foreign) yield ofFile(foreignOf(path, foreign));
    yield* soundness(db, progress);
  } catch (error) {
    // A damaged first page may state any version and encoding.
    if (!isDamage(error) && !pages.different.includes(1)) throw errorOf(failureOf(error, path));
    yield ofFile(`it cannot be read to its end: ${(error as Error).message}`);
  } finally {
    db?.close();
  }
}

/** Yields all defects inside a file; those of the graphs of Tasks only if every row is sound. */
export function* soundness(db: ReadOnly, progress: (what: string) => void): Generator<Finding> {
  let isSound = true;
  for (const finding of check(db, progress)) {
    isSound = false;
    yield finding;
  }
  if (!isSound) return;
  progress("graphs");
  yield* graphs(db);
}

/** Yields Tasks with missing or inconsistent parts, and lanes that are missing although ready Steps wait in them. */
function* graphs(db: ReadOnly): Generator<Finding> {
  for (const { taskId, what } of missingParts(db)) yield { table: taskTable.name, key: taskId, what };
  const query = `SELECT DISTINCT CAST(lane AS BLOB) FROM steps
    WHERE state = 'enqueued' AND lane NOT IN (SELECT key FROM lanes) LIMIT ${limits.damageNamed}`;
  for (const [lane] of db.prepare(query).all([]))
    yield ofFile(`lane ${textIn(lane)} is missing, but Steps wait in it`);
}
