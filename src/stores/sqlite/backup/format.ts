import { createHash, type Hash } from "node:crypto";
import { closeSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { opened } from "../driver.js";
import { PAGE_BYTES, sizeOf } from "../file/files.js";

/**
 * A backup is one file: a database as SQLite's `VACUUM INTO` writes it, and behind it one page of ours that says what it is and has
 * the SHA-256 of all before it. With that page no server takes it for a store: what is put back without `store restore` would
 * begin no new incarnation.
 */
export interface BackupFacts {
  /** The permanent name of the store. */
  readonly store: string;
  /** Plane time of the last commit in it, and its number and digest. */
  readonly at: number;
  readonly commits: number;
  readonly digest: number;
  /** The number of migrations of its tables. */
  readonly version: number;
  /** Bytes of the database. */
  readonly bytes: number;
  /** By the wall clock, in Unix milliseconds. */
  readonly madeAt: number;
  readonly sha256: string;
}

const MAGIC = "taskrun-backup 1\n";

const numbers = ["at", "commits", "digest", "version", "bytes", "madeAt"] as const;
const texts = ["store", "sha256"] as const;

/** The reason of a Fault: the file is no backup, or not as it was written. */
export const BACKUP_DAMAGED = "BACKUP_DAMAGED";

/** Appends the page with the facts, and syncs the file. */
export function seal(file: string, said: Omit<BackupFacts, "sha256" | "bytes">): BackupFacts {
  const bytes = sizeOf(file) ?? 0;
  const whole = { ...said, bytes, sha256: hashOf(file, bytes) };
  const page = Buffer.alloc(PAGE_BYTES, " ");
  page.write(`${MAGIC}${JSON.stringify(whole)}\n`);
  const fd = openSync(file, "r+");
  try {
    for (let done = 0; done < PAGE_BYTES; )
      done += writeSync(fd, page, done, PAGE_BYTES - done, bytes + done);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  return whole;
}

/** The facts of a backup; undefined if the file is none, or is not there. */
export function factsOf(file: string): BackupFacts | undefined {
  const size = sizeOf(file) ?? 0;
  if (size < 2 * PAGE_BYTES) return undefined;
  const page = Buffer.alloc(PAGE_BYTES);
  const fd = openSync(file, "r");
  opened({ close: () => closeSync(fd) }, () => readSync(fd, page, 0, PAGE_BYTES, size - PAGE_BYTES));
  closeSync(fd);
  const text = page.toString("utf8");
  if (!text.startsWith(MAGIC)) return undefined;
  try {
    const found = JSON.parse(text.slice(MAGIC.length));
    const isWhole =
      numbers.every((name) => Number.isSafeInteger(found[name]) && found[name] >= 0) &&
      texts.every((name) => typeof found[name] === "string" && found[name] !== "");
    return isWhole && found.bytes === size - PAGE_BYTES ? found : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Copies the database out of a backup, and checks on the way that it is what was written.
 *
 * @throws {Fault} reason `BACKUP_DAMAGED`
 */
export function unseal(file: string, { bytes, sha256 }: BackupFacts, to: string): void {
  const target = openSync(to, "wx", 0o600);
  try {
    const hash = createHash("sha256");
    for (const part of partsOf(file, bytes)) {
      hash.update(part);
      for (let done = 0; done < part.length; ) done += writeSync(target, part, done);
    }
    if (hash.digest("hex") !== sha256) {
      const message = `${file} is damaged: it is not what was written when it was made; take another backup`;
      throw new Fault("invalid", message, { reason: BACKUP_DAMAGED });
    }
    fsyncSync(target);
  } finally {
    closeSync(target);
  }
}

/** @throws {Fault} `wrong_state` if the file is a backup, which no server serves as it is */
export function refuseBackup(path: string): void {
  if (!factsOf(path)) return;
  const message = `${path} is a backup: move it away, and put it back with \`taskrun store restore FILE --data DIR\`, so that no worker goes on with what it had before`;
  throw new Fault("wrong_state", message, { reason: "STORE_FAILED" });
}

function hashOf(file: string, bytes: number): string {
  const hash: Hash = createHash("sha256");
  for (const part of partsOf(file, bytes)) hash.update(part);
  return hash.digest("hex");
}

/** The first bytes of a file, in parts. A part is valid until the next one is read. */
function* partsOf(file: string, bytes: number): Generator<Buffer> {
  const part = Buffer.allocUnsafe(limits.backupPartBytes);
  const fd = openSync(file, "r");
  try {
    for (let at = 0; at < bytes; ) {
      const read = readSync(fd, part, 0, Math.min(part.length, bytes - at), at);
      if (read === 0) return;
      at += read;
      yield part.subarray(0, read);
    }
  } finally {
    closeSync(fd);
  }
}
