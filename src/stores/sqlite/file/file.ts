import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { type Driver, type DriverName, openDriver, opened } from "../driver.js";
import { migrations, SEALED_SINCE } from "../migrations/index.js";
import { moveHead, sealAll } from "../rows/seal.js";
import { PAGE_BYTES } from "./files.js";

export interface FileOptions {
  readonly path: string;
  readonly driver: DriverName;
  /** The file does not grow beyond it; 0 is as far as the disk goes. */
  readonly maxBytes: number;
  /** Held back for what must still be written when the disk is full; 0 is nothing. */
  readonly reserveBytes: number;
}

/** The reason of a Fault: a later release has written the file. */
export const STORE_TOO_NEW = "STORE_TOO_NEW";

/** What every connection is set to, one that only reads too. */
const reading = [
  `busy_timeout = ${limits.databaseBusy}`,
  `cache_size = -${limits.databaseCacheBytes / 1024}`,
  "temp_store = MEMORY",
  // A page whose parts do not fit together is found when it is read, not when it is written next.
  "cell_size_check = ON",
];

/** Opens the file to read and, on the writer's thread, to write. */
export function openFile({ path, driver, maxBytes }: FileOptions): Driver {
  const db = openDriver(path, driver);
  const settings = [
    ...reading,
    "foreign_keys = ON",
    "journal_mode = WAL",
    // Every commit is on the disk before it is acknowledged.
    "synchronous = FULL",
    // The writer makes its own checkpoints: a failure in an automatic one would go unseen.
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
 * How many migrations the file has had; 0 for a new one.
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
 * Brings the tables up to date and puts a checksum into every row that has none yet, in one transaction: a crash in
 * between leaves the file as it was.
 *
 * @param store the name of the file, if it has none yet
 * @returns false if nothing had to be done
 * @throws {Fault} `wrong_state`, reason `STORE_TOO_NEW`, if the file was written by a later release.
 */
export function migrate(db: Driver, path: string, store: string): boolean {
  const version = versionOf(db, path);
  if (version === migrations.length) return false;

  // A table that is made anew must not take with it the rows that refer to it.
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
