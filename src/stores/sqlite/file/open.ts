import { randomUUID } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { headOf, inspect } from "../damage/inspect.js";
import { type Driver, openDriver, opened } from "../driver.js";
import { type FileOptions, migrate, openFile } from "./file.js";
import { beside } from "./files.js";
import { createHeadFile, type Head, HeadFile, NO_COMMITS } from "./head.js";
import { lockFile } from "./lock.js";
import { headPageOf } from "./log-commits.js";
import { PageSums } from "./page-sums.js";
import { cutLog } from "./wal.js";

/** A file that has been checked, locked, opened for writing, and migrated. */
export interface OpenFile {
  readonly db: Driver;
  readonly head: Head;
  /** True if a migration has just run, so that the log contains all rows. */
  readonly isMigrated: boolean;
  /** The head file beside the store's file. */
  readonly mark: HeadFile;
  readonly sums: PageSums;
  close(): void;
}

/**
 * Opens the file for the only connection that writes. A file that is refused is left unchanged.
 *
 * @param failed called with a disk error that occurs between two commits
 * @throws {Fault} reason `STORE_LOCKED`, `STORE_BEHIND`, `STORE_DAMAGED`, `STORE_TOO_NEW`
 */
export function openChecked(options: FileOptions, failed: (error: unknown) => void): OpenFile {
  const { path } = options;
  const release = lockFile(options);
  const resources: { close(): void }[] = [];
  const open = <T extends { close(): void }>(resource: T): T => {
    resources.push(resource);
    return resource;
  };
  try {
    const sums = new PageSums(path);
    const found = inspect(options, sums, limits.pagesAtStart);
    // Done before the connection is opened: none may be open while the file is read directly.
    if (!found.head || switchToLog(options)) sums.rebuild();
    if (found.brokenAt !== undefined) cutLog(path, found.brokenAt);
    const store = found.head?.store ?? randomUUID();
    // Once the file has a head, the head file must exist too; so it is created first.
    if (!found.head) createHeadFile(beside.head(path), { store, commits: 0, digest: NO_COMMITS });

    const db = openFile(options);
    // Closing the last connection moves the log into the file, so the checksums are recorded first.
    const closeDb = () => {
      sums.record();
      db.close();
    };
    open({ close: closeDb });
    // Transactions of an earlier release have no head, so the log is emptied before the migration.
    if (!found.head) emptyLog(db, path, sums);
    const isMigrated = migrate(db, path, store);
    sums.follow(headPageOf(db));
    const head = headOf(db);
    const mark = open(new HeadFile(beside.head(path), failed));
    if (found.head) mark.write(head);
    const endCheck = sums.checkRest(failed);
    const close = () => {
      closeDb();
      endCheck();
      mark.close();
      release();
    };
    return { db, head, isMigrated, mark, sums, close };
  } catch (error) {
    try {
      for (const resource of resources.reverse()) resource.close();
    } finally {
      release();
    }
    throw error;
  }
}

/**
 * Moves the log into the file and truncates it.
 *
 * @throws {Fault} `overloaded` if another program is reading from the file
 */
function emptyLog(db: Driver, path: string, sums: PageSums): void {
  sums.record();
  const [row = []] = db.prepare("PRAGMA wal_checkpoint(TRUNCATE)").all([]);
  if (row[0] === 0) return;
  const message = `another program has ${path} open, whose tables have to be brought up to date: end that one, and start again`;
  throw new Fault("overloaded", message, { reason: "STORE_BUSY" });
}

/** The offset of SQLite's write version, and its value for a file with a write-ahead log. */
const WRITE_VERSION_AT = 18;
const WITH_LOG = 2;

/** Switches a file without a write-ahead log, such as a copy made by SQLite, to one. Returns true if it was switched. */
function switchToLog({ path, driver }: FileOptions): boolean {
  const fd = openSync(path, "r");
  const header = Buffer.alloc(WRITE_VERSION_AT + 1);
  const read = opened({ close: () => closeSync(fd) }, () => readSync(fd, header, 0, header.length, 0));
  closeSync(fd);
  if (read < header.length || header[WRITE_VERSION_AT] === WITH_LOG) return false;

  const db = openDriver(path, driver);
  opened(db, () => db.exec("PRAGMA journal_mode = WAL"));
  db.close();
  return true;
}
