import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { type Driver, type DriverName, openDriver, opened } from "../driver.js";
import { migrations, SEALED_SINCE } from "../migrations/index.js";
import { moveHead, sealAll } from "../rows/seal.js";
import { PAGE_BYTES } from "./files.js";

export interface FileOptions {
  readonly path: string;
  readonly driver: DriverName;
  /** The maximum size of the file; 0 means no limit but the disk's. */
  readonly maxBytes: number;
  /** Bytes reserved for what must still be written when the disk is full; 0 reserves nothing. */
  readonly reserveBytes: number;
}

/** The reason of a Fault: the file was written by a later release. */
export const STORE_TOO_NEW = "STORE_TOO_NEW";

/** Settings of every connection, including read-only ones. */
const reading = [
  `busy_timeout = ${limits.databaseBusy}`,
  `cache_size = -${limits.databaseCacheBytes / 1024}`,
  "temp_store = MEMORY",
  // Detects an inconsistent page when it is read, rather than when it is next written.
  "cell_size_check = ON",
];

/** Opens the file for reading and, on the writer's thread, for writing. */
export function openFile({ path, driver, maxBytes }: FileOptions): Driver {
  const db = openDriver(path, driver);
  const settings = [
    ...reading,
    "foreign_keys = ON",
    "journal_mode = WAL",
    // Every commit reaches the disk before it is acknowledged.
    "synchronous = FULL",
    // The writer runs checkpoints itself: a failure of an automatic one would not be reported.
    "wal_autocheckpoint = 0",
    `journal_size_limit = ${limits.logKeptBytes}`,
    ...(maxBytes > 0 ? [`max_page_count = ${Math.floor(maxBytes / PAGE_BYTES)}`] : []),
  ];

  opened(db, () => db.exec(settings.map((setting) => `PRAGMA ${setting};`).join("\n")));
  return db;
}

export function setForReading(db: Driver): void {
  for (const setting of reading) db.exec(`PRAGMA ${setting}`);
}

/**
 * Returns the number of migrations applied to the file; 0 for a new file.
 *
 * @throws {Fault} `wrong_state`, reason `STORE_TOO_NEW`, if it was written by a later release.
 */
export function versionOf(db: Driver, path: string, schema = "main"): number {
  const version = Number(db.prepare(`PRAGMA ${schema}.user_version`).all([])[0]?.[0]);
  if (version <= migrations.length) return version;

  const message =
    `${path} was written by a later release (tables of version ${version}, known up to ` +
    `${migrations.length}); install that release, or choose another data directory`;
  throw new Fault("wrong_state", message, { reason: STORE_TOO_NEW });
}

/**
 * Makes sure that the file has the tables of this release, for who reads it and does not migrate it.
 *
 * @throws {Fault} `wrong_state`, reason `STORE_TOO_OLD` or `STORE_TOO_NEW`
 */
export function requirePresent(db: Driver, path: string, schema: string): void {
  const version = versionOf(db, path, schema);
  if (version === migrations.length) return;
  const message = `${path} has tables of an earlier release (version ${version} of ${migrations.length}): use that release for it, or start this one on it once`;
  throw new Fault("wrong_state", message, { reason: "STORE_TOO_OLD" });
}

/**
 * Applies the missing migrations, and adds checksums to the rows of a file that has none yet, all in one transaction: a
 * crash meanwhile leaves the file unchanged.
 *
 * @param store the permanent id of the file, used if it has none yet
 * @returns false if no migration was missing
 * @throws {Fault} `wrong_state`, reason `STORE_TOO_NEW`, if the file was written by a later release.
 */
export function migrate(db: Driver, path: string, store: string): boolean {
  const version = versionOf(db, path);
  if (version === migrations.length) return false;

  // Otherwise dropping a table in order to recreate it would delete the rows that refer to it.
  db.exec("PRAGMA foreign_keys = OFF");
  db.exec("BEGIN IMMEDIATE");
  try {
    for (const sql of migrations.slice(version)) db.exec(sql);
    if (version < SEALED_SINCE) sealAll(db, store);
    else moveHead(db);
    db.exec(`PRAGMA user_version = ${migrations.length}`);
    db.exec("COMMIT");
  } catch (error) {
    db.exec("ROLLBACK");
    throw error;
  }
  db.exec("PRAGMA foreign_keys = ON");
  return true;
}
