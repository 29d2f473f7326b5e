import { randomUUID } from "node:crypto";
import { closeSync, linkSync, openSync, rmSync, statfsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { Fault } from "#domain/fault";
import { iso } from "#domain/time/iso";
import { limits } from "#limits/index";
import { sentenceOf } from "../damage/check.js";
import { behind, headOf, inspect, STORE_BEHIND } from "../damage/inspect.js";
import { soundness } from "../damage/verify.js";
import { type DriverName, openReadOnly, preferredDriver } from "../driver.js";
import { damaged, errorOf, failureOf } from "../failure.js";
import { requirePresent, setForReading, versionOf } from "../file/file.js";
import { beside, requireStore, sizeOf, syncFolderOf } from "../file/files.js";
import { type HeadMark, readHeadFile } from "../file/head.js";
import { lockUnlessServed } from "../file/lock.js";
import { PageSums } from "../file/page-sums.js";
import { type BackupFacts, seal } from "./format.js";

export interface BackupOptions {
  readonly path: string;
  /** The file to make, or a directory in which it gets a name with the time and the number of the last commit. */
  readonly to: string;
  /** The wall clock, in Unix milliseconds. */
  readonly now: number;
  readonly driver?: DriverName;
  /** Called with the name of each part before it is done. */
  readonly progress?: (what: string) => void;
}

export interface Backup extends BackupFacts {
  readonly file: string;
  /** True if a server was using the store. */
  readonly online: boolean;
}

/**
 * Writes a backup of a store, whether or not a server is using it. It is read on one snapshot, in this process, so that the server
 * neither waits nor works for it; checked as `verify` checks a store; and is there under its name when it is whole, or not at all.
 *
 * @throws {Fault} `not_found` if there is no store, `wrong_state` if the file is there already, reason `STORE_DAMAGED` or
 *   `STORE_BEHIND` if the store is not sound, `STORE_TOO_OLD` and `STORE_TOO_NEW` if another release has to do it
 */
export async function backup(options: BackupOptions): Promise<Backup> {
  const path = requireStore(options.path);
  const { driver = preferredDriver(), progress = () => {} } = options;
  const isFolder = statSync(options.to, { throwIfNoEntry: false })?.isDirectory() === true;
  if (!isFolder) refuseExisting(options.to);
  const folder = isFolder ? options.to : dirname(options.to);
  requireRoom(path, folder);

  const draft = join(folder, `.taskrun-backup-${randomUUID()}.partial`);
  const { online, release } = await lockUnlessServed(path, driver);
  try {
    // Before the snapshot: what was acknowledged by now has to be in it.
    const mark = readHeadFile(beside.head(path));
    if (!online) inspect({ path, driver }, new PageSums(path));
    closeSync(openSync(draft, "wx", 0o600));
    progress("copying");
    copyInto(path, draft, driver);
    const facts = factsOfDraft({ path, draft, driver, mark, progress }, options.now);
    progress("sealing");
    const sealed = seal(draft, facts);
    const file = isFolder ? join(folder, nameOf(sealed)) : options.to;
    putUnder(file, draft);
    return { ...sealed, file, online };
  } catch (error) {
    throw error instanceof Fault ? error : errorOf(failureOf(error, path));
  } finally {
    for (const left of [draft, beside.journal(draft), beside.wal(draft), beside.shm(draft)])
      rmSync(left, { force: true });
    await release();
  }
}

function copyInto(path: string, draft: string, driver: DriverName): void {
  const db = openReadOnly(path, driver);
  try {
    setForReading(db);
    requirePresent(db, path, db.schema);
    db.exec(`VACUUM ${db.schema} INTO '${draft.replaceAll("'", "''")}'`);
  } finally {
    db.close();
  }
}

interface Draft {
  readonly path: string;
  readonly draft: string;
  readonly driver: DriverName;
  readonly mark: HeadMark | null | undefined;
  readonly progress: (what: string) => void;
}

/** Checks what has been written, and says what it is. */
function factsOfDraft({ path, draft, driver, mark, progress }: Draft, madeAt: number) {
  const db = openReadOnly(draft, driver);
  try {
    setForReading(db);
    for (const finding of soundness(db, progress))
      throw errorOf(damaged(`${path} is damaged, and no backup was made: ${sentenceOf(finding)}`));
    const head = headOf(db);
    const why = behind(path, head, mark);
    if (why !== undefined)
      throw new Fault("wrong_state", `${why}; no backup was made`, { reason: STORE_BEHIND });
    return { ...head, version: versionOf(db, draft, db.schema), madeAt };
  } finally {
    db.close();
  }
}

/** Gives the file its name, unless something has it. */
function putUnder(file: string, draft: string): void {
  try {
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw existing(file);
    throw error;
  }
  rmSync(draft);
  syncFolderOf(file);
}

function refuseExisting(file: string): void {
  if (statSync(file, { throwIfNoEntry: false })) throw existing(file);
}

function existing(file: string): Fault {
  return new Fault(
    "wrong_state",
    `${file} is there already, and no backup replaces anything: choose another name`,
  );
}

/** @throws {Fault} `disk_full` if the store does not fit beside what a server of the same disk keeps in reserve */
function requireRoom(path: string, folder: string): void {
  const wanted = (sizeOf(path) ?? 0) + (sizeOf(beside.wal(path)) ?? 0) + limits.reserveBytes;
  const stats = statSync(folder, { throwIfNoEntry: false });
  if (!stats?.isDirectory())
    throw new Fault("not_found", `there is no directory ${folder}: make it, or choose another one`);
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize >= wanted) return;
  const message = `${folder} has room for ${bavail * bsize} bytes, and ${wanted} may be needed: free some, or choose another place`;
  throw new Fault("disk_full", message, { reason: "DISK_FULL" });
}

/** Sorts by time: `taskrun-20300101T090000Z-1234.backup`. */
function nameOf({ madeAt, commits }: Pick<BackupFacts, "madeAt" | "commits">): string {
  const time = iso(madeAt).replace(/\.\d+/, "").replaceAll(/[-:]/g, "");
  return `taskrun-${time}-${commits}.backup`;
}
