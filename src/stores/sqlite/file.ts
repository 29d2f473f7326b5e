import { statSync } from "node:fs";
import { Fault } from "#domain/fault";
import { type Driver, type DriverName, openDriver } from "./driver.js";
import { isBusy } from "./failure.js";
import { migrations } from "./migrations/index.js";

export interface FileOptions {
  readonly path: string;
  readonly driver: DriverName;
  /** The file does not grow beyond it; 0 is as far as the disk goes. */
  readonly maxBytes: number;
  /** Held back for what must still be written when the disk is full; 0 is nothing. */
  readonly reserveBytes: number;
}

/** Another connection of ours holds a lock for a moment only, e.g. while it resets the write-ahead log. */
const BUSY_MS = 2_000;
/** Enough that the upper levels of every index stay in memory. */
const CACHE_KIB = 32 * 1024;

export const PAGE_BYTES = 4_096;
/** How far the write-ahead log may have grown once, before the file is cut back after its next reset. */
const WAL_KEPT_BYTES = 32 * 1024 * 1024;

/** Opens the file to read and, on the writer's thread, to write. */
export function openFile({ path, driver, maxBytes }: FileOptions): Driver {
  const db = openDriver(path, driver);
  const settings = [
    `busy_timeout = ${BUSY_MS}`,
    "foreign_keys = ON",
    `cache_size = -${CACHE_KIB}`,
    "temp_store = MEMORY",
    "journal_mode = WAL",
    // Every commit is on the disk before it is acknowledged.
    "synchronous = FULL",
    // The writer makes its own checkpoints: a failure in an automatic one would go unseen.
    "wal_autocheckpoint = 0",
    `journal_size_limit = ${WAL_KEPT_BYTES}`,
    ...(maxBytes > 0 ? [`max_page_count = ${Math.floor(maxBytes / PAGE_BYTES)}`] : []),
  ];

  for (const setting of settings) db.exec(`PRAGMA ${setting}`);
  return db;
}

/**
 * Holds the file for this process, by a lock that SQLite takes on an empty file beside it and the system lets go
 * when the process ends, however it does. The file's own locks must stay free for our reader. Returns what lets
 * go of it.
 *
 * @throws {Fault} `unavailable`, reason `STORE_LOCKED`, if another server has it.
 */
export function lockFile({ path, driver }: FileOptions): () => void {
  // Only `exec`: a prepared statement would keep the connection, and with it the lock, beyond its close.
  const lock = openDriver(`${path}.lock`, driver);
  try {
    lock.exec("PRAGMA journal_mode = MEMORY; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    if (!isBusy(error)) throw error;
    const message = `another server has ${path} open; end that one, or choose another data directory`;
    throw new Fault("unavailable", message, { reason: "STORE_LOCKED" });
  }

  return () => {
    lock.exec("ROLLBACK");
    lock.close();
  };
}

/**
 * Brings the tables up to date, each migration in a transaction of its own.
 *
 * @throws {Fault} `wrong_state`, reason `STORE_TOO_NEW`, if the file was written by a later release.
 */
export function migrate(db: Driver, path: string): void {
  const version = Number(db.prepare("PRAGMA user_version").all([])[0]?.[0]);
  if (version > migrations.length) {
    const message =
      `${path} was written by a later release (tables of version ${version}, known up to ` +
      `${migrations.length}); install that release, or choose another data directory`;
    throw new Fault("wrong_state", message, { reason: "STORE_TOO_NEW" });
  }

  // A table that is made anew must not take with it the rows that refer to it.
  db.exec("PRAGMA foreign_keys = OFF");
  migrations.slice(version).forEach((sql, i) => {
    db.exec("BEGIN IMMEDIATE");
    db.exec(sql);
    db.exec(`PRAGMA user_version = ${version + i + 1}`);
    db.exec("COMMIT");
  });
  db.exec("PRAGMA foreign_keys = ON");
}

/** Bytes of a file; 0 if there is none. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
