import {
  closeSync,
  fsyncSync,
  lstatSync,
  openSync,
  realpathSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { Fault } from "#domain/fault";

/** SQLite's default page size, with which all our files are created. */
export const PAGE_BYTES = 4_096;

/** The names of the files beside a store's file, by purpose. */
export const beside = {
  wal: (path: string) => `${path}-wal`,
  /** SQLite's index of the log, in memory shared by its connections. */
  shm: (path: string) => `${path}-shm`,
  journal: (path: string) => `${path}-journal`,
  lock: (path: string) => `${path}.lock`,
  reserve: (path: string) => `${path}.reserve`,
  /** Number and digest of the last commit, see `head.ts`. */
  head: (path: string) => `${path}.head`,
  /** A checksum for every page, see `page-sums.ts`. */
  sums: (path: string) => `${path}.sums`,
} as const;

/** The size of a file in bytes; undefined if it does not exist. */
export function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

/**
 * Resolves the path if it is a symbolic link: SQLite creates its files beside the target, and so do we.
 *
 * @throws {Fault} `wrong_state` if the target does not exist: its file system may just not be mounted
 */
export function realFile(path: string): string {
  if (!isLink(path)) return path;
  try {
    return realpathSync(path);
  } catch (error) {
    const message = `${path} is a link that leads to no file (${(error as Error).message}): put it right, or remove it`;
    throw new Fault("wrong_state", message, { reason: "STORE_FAILED" });
  }
}

/** False also if the path cannot be read: creating the folder, or opening the file, then reports why. */
function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

/**
 * Checks that every existing path with one of our names is a regular file: others might be opened and fail later.
 *
 * @throws {Fault} `wrong_state`, naming the path in the way
 */
export function requireFiles(path: string): void {
  for (const name of [path, ...Object.values(beside).map((of) => of(path))]) {
    if (statSync(name, { throwIfNoEntry: false })?.isFile() !== false) continue;
    const message = `${name} is no file, but lies where the store has one: move it away, and start again`;
    throw new Fault("wrong_state", message, { reason: "STORE_FAILED" });
  }
}

/**
 * The file of a store that is there, for who only reads it.
 *
 * @throws {Fault} `not_found`; `wrong_state`, naming the path in the way
 */
export function requireStore(given: string): string {
  const path = realFile(given);
  if (sizeOf(path) === undefined) throw new Fault("not_found", `there is no store at ${path}`);
  requireFiles(path);
  return path;
}

/**
 * Creates an empty file unless it exists. An existing one is not opened, because closing it could release its locks.
 */
export function makeFile(path: string): void {
  if (sizeOf(path) === undefined) closeSync(openSync(path, "a"));
}

/** Creates or replaces a file atomically; it is on the disk when this returns. */
export function replaceFile(path: string, content: Uint8Array): void {
  const draft = `${path}.new`;
  const fd = openSync(draft, "w");
  try {
    for (let done = 0; done < content.length; ) done += writeSync(fd, content, done);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(draft, path);
  syncFolderOf(path);
}

/** Syncs the folder of a file: a new or changed name is only durable once its folder is synced. */
export function syncFolderOf(path: string): void {
  syncFile(dirname(path));
}

export function syncFile(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
