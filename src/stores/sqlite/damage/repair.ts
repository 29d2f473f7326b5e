import { constants, copyFileSync, linkSync, renameSync, rmSync } from "node:fs";
import { Fault } from "#domain/fault";
import { refuseBackup } from "../backup/format.js";
import {
  type DriverName,
  opened,
  openReadOnly,
  preferredDriver,
  type ReadOnly,
  SqliteError,
} from "../driver.js";
import { errorOf, failureOf, isDamage, STORE_DAMAGED } from "../failure.js";
import { openFile, setForReading, versionOf } from "../file/file.js";
import { beside, realFile, requireFiles, sizeOf, syncFile, syncFolderOf } from "../file/files.js";
import { createHeadFile, type Head, readHeadFile } from "../file/head.js";
import { lockFile, lockInode } from "../file/lock.js";
import { type CommitTrail, type Foreign, headPageOf, trailOf } from "../file/log-commits.js";
import { PageSums } from "../file/page-sums.js";
import { cutLog } from "../file/wal.js";
import { SEALED_SINCE } from "../migrations/index.js";
import { plane } from "../rows/rows.js";
import { check } from "./check.js";
import { incomplete } from "./incomplete.js";
import { foreignJournal, headOf, inspect, STORE_BEHIND } from "./inspect.js";
import { rebuild } from "./rebuild.js";

export interface RepairOptions {
  readonly path: string;
  readonly driver?: DriverName;
}

/**
 * Makes a file that a server refuses usable again, and yields, as sentences, what is lost. A file that no server would
 * refuse is not changed. A damaged file is rebuilt from everything that can be read; the old file is kept beside it. A
 * Task with a damaged or missing row is removed as a whole, and so are the Tasks that wait for it; only a dead letter is removed
 * without its Task.
 *
 * @throws {Fault} reason `STORE_LOCKED` if a server has the file open, `STORE_TOO_NEW`, or `STORE_DAMAGED` if the file
 * cannot be repaired
 */
export async function* repair(options: RepairOptions): AsyncGenerator<string> {
  const { driver = preferredDriver() } = options;
  const path = realFile(options.path);
  requireFiles(path);
  const releaseInode = sizeOf(path) === undefined ? async () => {} : await lockInode(path);
  try {
    const release = lockFile({ path, driver });
    try {
      yield* repairFile(path, driver);
    } finally {
      release();
    }
  } finally {
    await releaseInode();
  }
}

function* repairFile(path: string, driver: DriverName): Generator<string> {
  refuseBackup(path);
  const draft = `${path}.repaired`;
  if (isWhole(draft, path, driver)) {
    const kept = putInPlace(path, draft);
    new PageSums(path).rebuild();
    yield `a repair that was interrupted is finished; the damaged file is kept as ${kept}`;
  }
  if (!(yield* refused(path, driver))) return;
  if (foreignJournal(path, readHeadFile(beside.head(path))) !== undefined) {
    const kept = beside.journal(keptName(path));
    renameSync(beside.journal(path), kept);
    syncFolderOf(path);
    yield `it is kept as ${kept}, and nothing of it is used`;
    if (!(yield* refused(path, driver))) return;
  }
  const trail = trailIn(path, driver);
  if (trail?.foreign && !trail.isFollowed) {
    yield takeOut(path, trail.foreign);
    if (!(yield* refused(path, driver))) return;
  } else if (trail?.foreign) {
    yield "commits of this server follow what the other program has changed: it cannot be told from them, and stays";
  }

  const mark = readHeadFile(beside.head(path));
  if ((sizeOf(path) ?? 0) === 0) {
    rmSync(beside.head(path));
    if (sizeOf(beside.wal(path)) !== undefined) {
      renameSync(beside.wal(path), `${beside.wal(path)}.orphaned`);
      yield `its log is kept as ${beside.wal(path)}.orphaned`;
    }
    yield `${path} is gone with everything in it: ${mark?.commits ?? "an unknown number of"} commits; a new one is begun`;
    return;
  }
  const found = whatIs(path, driver);
  // A file whose mark counts commits has checksums, whatever version a damaged first page states.
  const wasSealed = (mark?.commits ?? 0) > 0;
  if (found.version < SEALED_SINCE && !wasSealed) {
    if (!found.isSound)
      throw new Fault("internal", `${path} is of an earlier release and damaged: restore a copy`, {
        reason: STORE_DAMAGED,
      });
    rmSync(beside.head(path));
    return;
  }
  const commits = Math.max(found.head?.commits ?? 0, mark?.commits ?? 0);
  if (found.isSound && found.head && found.version >= SEALED_SINCE) {
    const lost = commits - found.head.commits;
    if (lost > 0)
      yield `what the last ${lost} commits changed is gone: Tasks and results that were acknowledged in them`;
    yield "every row that is there is sound, and every Task has its parts; Tasks, templates, deadlines and last lines of logs that another program may have deleted leave no trace";
    const kept = keepCopy(path);
    setHead(path, driver, { ...found.head, commits: commits + 1 });
    yield `the file as it was is kept as ${kept}; ${path} goes on from commit ${commits + 1}`;
  } else {
    try {
      yield* rebuild({ path, draft, driver, commits: commits + 1, head: found.head });
    } catch (error) {
      throw error instanceof SqliteError ? hopeless(path, error) : error;
    }
    const kept = putInPlace(path, draft);
    yield `the damaged file is kept as ${kept}; ${path} goes on from commit ${commits + 1}`;
  }
  new PageSums(path).rebuild();
}

/** Yields why a server would refuse the file. Returns false if none would. */
function* refused(path: string, driver: DriverName): Generator<string, boolean> {
  const refusal = refusalOf(path, driver);
  if (!refusal) return false;
  if (refusal.reason !== STORE_DAMAGED && refusal.reason !== STORE_BEHIND) throw refusal;
  yield refusal.message;
  return true;
}

/** Follows the commits in the log; undefined if the file cannot be read or has no head yet. */
function trailIn(path: string, driver: DriverName): CommitTrail | undefined {
  let db: ReadOnly | undefined;
  try {
    db = openReadOnly(path, driver);
    const headPage = headPageOf(db, db.schema);
    return versionOf(db, path, db.schema) < SEALED_SINCE ? undefined : trailOf(path, headPage);
  } catch (error) {
    if (!isDamage(error) && !(error instanceof SqliteError || error instanceof Fault)) throw error;
    return undefined;
  } finally {
    db?.close();
  }
}

/**
 * Truncates the log before the first transaction of another program, and keeps a copy of the whole log. Call only if no
 * transaction of ours follows it.
 */
function takeOut(path: string, { frame }: Foreign): string {
  const kept = beside.wal(keptName(path));
  copyFileSync(beside.wal(path), kept);
  syncFile(kept);
  cutLog(path, frame);
  rmSync(beside.shm(path), { force: true });
  return `what another program has changed is taken out; the log with it is kept as ${kept}`;
}

function hopeless(path: string, { message }: SqliteError): Fault {
  const text = `${path} cannot be repaired: ${message}; restore a copy, or move the directory away to begin anew`;
  return new Fault("internal", text, { reason: STORE_DAMAGED });
}

/** The Fault with which a server would refuse the file; undefined if none would. */
function refusalOf(path: string, driver: DriverName): Fault | undefined {
  try {
    inspect({ path, driver }, new PageSums(path));
    return undefined;
  } catch (error) {
    const failure = errorOf(failureOf(error, path));
    if (failure instanceof Fault) return failure;
    throw failure;
  }
}

interface Found {
  readonly version: number;
  readonly isSound: boolean;
  readonly head: Head | undefined;
}

function whatIs(path: string, driver: DriverName): Found {
  let db: ReadOnly | undefined;
  let head: Head | undefined;
  let version = SEALED_SINCE;
  try {
    db = openReadOnly(path, driver);
    setForReading(db);
    version = versionOf(db, path, db.schema);
    if (version >= SEALED_SINCE) head = headOf(db);
    if (version < SEALED_SINCE) return { version, head, isSound: true };
    const [finding] = check(db);
    return { version, head, isSound: finding === undefined && incomplete(db, []).size === 0 };
  } catch (error) {
    // The caller has reported the damage already; SQLite's own message adds nothing.
    if (!isDamage(error) && !(error instanceof SqliteError || error instanceof Fault)) throw error;
    return { version, head, isSound: false };
  } finally {
    db?.close();
  }
}

/** True if a draft was completed but not put in place: the head file is written between these two steps. */
function isWhole(draft: string, path: string, driver: DriverName): boolean {
  const mark = readHeadFile(beside.head(path));
  if (!mark || (sizeOf(draft) ?? 0) === 0) return false;
  let db: ReadOnly | undefined;
  try {
    db = openReadOnly(draft, driver);
    const head = headOf(db);
    return head.store === mark.store && head.commits === mark.commits && head.digest === mark.digest;
  } catch {
    return false;
  } finally {
    db?.close();
  }
}

/** Writes a head into the file and beside it. Uses only `exec`: a prepared statement would keep the connection open. */
function setHead(path: string, driver: DriverName, head: Head): void {
  const db = openFile({ path, driver, maxBytes: 0, reserveBytes: 0 });
  const sum = plane.seal([1, head.store, head.at, head.commits, head.digest]).at(-1);
  opened(db, () => db.exec(`UPDATE plane SET commits = ${head.commits}, sum = ${sum} WHERE id = 1`));
  db.close();
  createHeadFile(beside.head(path), head);
}

/** Renames the old file and its log, and puts the draft in their place. Returns the new name of the old file. */
function putInPlace(path: string, draft: string): string {
  const kept = keptName(path);
  linkSync(path, kept);
  if (sizeOf(beside.wal(path)) !== undefined) renameSync(beside.wal(path), beside.wal(kept));
  rmSync(beside.shm(path), { force: true });
  renameSync(draft, path);
  syncFolderOf(path);
  return kept;
}

/** Copies the file and its log to another name, as clones where the file system supports it. Returns the name. */
function keepCopy(path: string): string {
  const kept = keptName(path);
  for (const file of [(name: string) => name, beside.wal]) {
    if (sizeOf(file(path)) === undefined) continue;
    copyFileSync(file(path), file(kept), constants.COPYFILE_FICLONE);
    syncFile(file(kept));
  }
  syncFolderOf(path);
  return kept;
}

/** Returns an unused name beside the file. */
function keptName(path: string): string {
  const isTaken = (name: string) =>
    [name, beside.wal(name), beside.journal(name)].some((file) => sizeOf(file) !== undefined);
  let kept = `${path}.damaged`;
  for (let n = 2; isTaken(kept); n++) kept = `${path}.damaged-${n}`;
  return kept;
}
