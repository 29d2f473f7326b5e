import { randomBytes } from "node:crypto";
import { linkSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { sentenceOf } from "../damage/check.js";
import { headOf } from "../damage/inspect.js";
import { soundness } from "../damage/verify.js";
import {
  type Driver,
  type DriverName,
  openDriver,
  opened,
  openReadOnly,
  preferredDriver,
} from "../driver.js";
import { errorOf, failureOf } from "../failure.js";
import { setForReading, versionOf } from "../file/file.js";
import { beside, realFile, requireFiles, sizeOf, syncFile, syncFolderOf } from "../file/files.js";
import { makeFolder } from "../file/folder.js";
import { createHeadFile, digested, type Head } from "../file/head.js";
import { lockFile, lockInode } from "../file/lock.js";
import { PageSums } from "../file/page-sums.js";
import { restores } from "../rows/restores.js";
import { plane } from "../rows/rows.js";
import { BACKUP_DAMAGED, type BackupFacts, factsOf, unseal } from "./format.js";

export interface RestoreOptions {
  /** The backup. */
  readonly from: string;
  /** Where the store shall be. */
  readonly path: string;
  /** True keeps a store that is there under another name; otherwise it is refused. */
  readonly replace: boolean;
  readonly driver?: DriverName;
  readonly progress?: (what: string) => void;
}

export interface Restored {
  readonly facts: BackupFacts;
  /** The id of the life that begins. */
  readonly incarnation: string;
  /** Where the store lies that was there before; undefined if there was none. */
  readonly kept: string | undefined;
}

/**
 * Puts a backup back, checked, and begins a new incarnation: nothing that was assigned before, or since the backup was made, is
 * accepted by a server of it. A store that is there is kept beside it, or refused.
 *
 * @throws {Fault} `not_found` if there is no such file, reason `BACKUP_DAMAGED` if it is none or damaged, `STORE_LOCKED` if a server uses
 *   the store, `STORE_EXISTS` if there is one already, `STORE_TOO_NEW` if a later release has made the backup
 */
export async function restore(options: RestoreOptions): Promise<Restored> {
  const { from, replace, driver = preferredDriver(), progress = () => {} } = options;
  const facts = requireBackup(from);
  const path = realFile(options.path);
  makeFolder(dirname(path));
  requireFiles(path);
  const releaseInode = sizeOf(path) === undefined ? async () => {} : await lockInode(path);
  try {
    const release = lockFile({ path, driver });
    try {
      const former = partsOf(path);
      if (former.length > 0 && !replace) throw exists(path);
      const draft = `${path}.restoring`;
      clear(draft);
      progress("copying");
      unseal(from, facts, draft);
      const { head, incarnation } = beginLife({ from, draft, driver, facts, progress });
      new PageSums(draft).rebuild();
      const kept = former.length > 0 ? keep(path) : undefined;
      putInPlace(path, draft, head);
      return { facts, incarnation, kept };
    } catch (error) {
      clear(`${path}.restoring`);
      throw error instanceof Fault ? error : errorOf(failureOf(error, path));
    } finally {
      release();
    }
  } finally {
    await releaseInode();
  }
}

function requireBackup(from: string): BackupFacts {
  if (sizeOf(from) === undefined) throw new Fault("not_found", `there is no file ${from}`);
  const facts = factsOf(from);
  if (facts) return facts;
  const message = `${from} is no backup, or was cut: \`taskrun store backup\` makes them`;
  throw new Fault("invalid", message, { reason: BACKUP_DAMAGED });
}

/** The files of a store that are there; those of nothing but a lock or a reserve do not count. */
function partsOf(path: string): string[] {
  return [path, beside.wal(path), beside.head(path), beside.sums(path)].filter(
    (file) => sizeOf(file) !== undefined,
  );
}

function exists(path: string): Fault {
  const message = `there is a store at ${path} already: choose another directory, or keep it aside with --replace`;
  return new Fault("wrong_state", message, { reason: "STORE_EXISTS" });
}

interface Draft {
  readonly from: string;
  readonly draft: string;
  readonly driver: DriverName;
  readonly facts: BackupFacts;
  readonly progress: (what: string) => void;
}

/** Checks the copy, and writes into it that a new life begins. */
function beginLife({ from, draft, driver, facts, progress }: Draft): { head: Head; incarnation: string } {
  const found = openReadOnly(draft, driver);
  const { before, number } = (() => {
    try {
      setForReading(found);
      versionOf(found, from, found.schema);
      for (const finding of soundness(found, progress)) throw damagedBackup(from, sentenceOf(finding));
      return { before: headOf(found), number: countOf(found) + 1 };
    } finally {
      found.close();
    }
  })();
  if (before.store !== facts.store || before.commits !== facts.commits)
    throw damagedBackup(from, "it is of another commit than it says");

  const incarnation = randomBytes(limits.incarnationBytes).toString("hex");
  const since = before.at + 1;
  const row = restores.seal([number, incarnation, since, before.commits]);
  const digest = digested(before.digest, Number(row.at(-1)));
  const head: Head = { store: before.store, at: since, commits: before.commits + 1, digest };
  const about = plane.seal([1, head.store, head.at, head.commits, head.digest]);
  // Only `exec`: a prepared statement would keep the connection open.
  const db = openDriver(draft, driver);
  opened(db, () =>
    db.exec(`PRAGMA synchronous = FULL; BEGIN IMMEDIATE;
      INSERT INTO ${restores.name} VALUES (${row.map(quoted).join(", ")});
      UPDATE ${plane.name} SET (${[...plane.names, "sum"].join(", ")}) = (${about.map(quoted).join(", ")}) WHERE id = 1;
      COMMIT; PRAGMA journal_mode = WAL;`),
  );
  db.close();
  for (const file of [beside.journal(draft), beside.wal(draft), beside.shm(draft)])
    rmSync(file, { force: true });
  syncFile(draft);
  return { head, incarnation };
}

function quoted(value: string | number | null): string {
  return typeof value === "number" ? String(value) : `'${String(value).replaceAll("'", "''")}'`;
}

function countOf(db: Driver & { readonly schema: string }): number {
  return Number(
    db.prepare(`SELECT coalesce(max(number), 0) FROM ${db.schema}.${restores.name}`).all([])[0]?.[0],
  );
}

function damagedBackup(from: string, what: string): Fault {
  return new Fault("invalid", `${from} is damaged: ${what}; take another backup`, { reason: BACKUP_DAMAGED });
}

function clear(draft: string): void {
  for (const file of [draft, beside.journal(draft), beside.wal(draft), beside.shm(draft), beside.sums(draft)])
    rmSync(file, { force: true });
}

/**
 * Keeps the store that is there under another name; its file and its head stay where they are too, until they are replaced, so that
 * after a crash in between a start is refused, and none begins an empty store.
 */
function keep(path: string): string {
  const isTaken = (name: string) => partsOf(name).length > 0;
  let kept = `${path}.replaced`;
  for (let n = 2; isTaken(kept); n++) kept = `${path}.replaced-${n}`;
  for (const file of [(name: string) => name, beside.head, beside.sums])
    if (sizeOf(file(path)) !== undefined) linkSync(file(path), file(kept));
  if (sizeOf(beside.wal(path)) !== undefined) renameSync(beside.wal(path), beside.wal(kept));
  rmSync(beside.shm(path), { force: true });
  syncFolderOf(path);
  return kept;
}

/** The file last: with the former one nothing else fits then. */
function putInPlace(path: string, draft: string, head: Head): void {
  renameSync(beside.sums(draft), beside.sums(path));
  createHeadFile(beside.head(path), head);
  rmSync(beside.wal(path), { force: true });
  renameSync(draft, path);
  syncFolderOf(path);
}
