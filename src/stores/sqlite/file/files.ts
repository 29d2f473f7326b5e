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

/** SQLite's own default, and the size every file of ours was made with. */
export const PAGE_BYTES = 4_096;

/** The files beside the one of a store, by what they are for. */
export const beside = {
  wal: (path: string) => `${path}-wal`,
  /** SQLite's index of the log, in memory that its connections share. */
  shm: (path: string) => `${path}-shm`,
  journal: (path: string) => `${path}-journal`,
  lock: (path: string) => `${path}.lock`,
  reserve: (path: string) => `${path}.reserve`,
  /** Number and digest of the last commit, see `head.ts`. */
  head: (path: string) => `${path}.head`,
  /** A checksum for every page, see `page-sums.ts`. */
  sums: (path: string) => `${path}.sums`,
} as const;

/** Bytes of a file; undefined if there is none. */
export function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}

/**
 * The file itself where its name is a link: SQLite puts its own files beside that, and so do we.
 *
 * @throws {Fault} `wrong_state` if the link leads nowhere: what is meant may only be unmounted
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
 * Nothing but files may lie under the names of ours: some would be opened all the same, and fail later.
 *
 * @throws {Fault} `wrong_state`, naming what is in the way
 */
export function requireFiles(path: string): void {
  for (const name of [path, ...Object.values(beside).map((of) => of(path))]) {
    if (statSync(name, { throwIfNoEntry: false })?.isFile() !== false) continue;
    const message = `${name} is no file, but lies where the store has one: move it away, and start again`;
    throw new Fault("wrong_state", message, { reason: "STORE_FAILED" });
  }
}

/**
 * Creates an empty file unless it exists. An existing one is not opened, because closing it could release its locks.
 */
export function makeFile(path: string): void {
  if (sizeOf(path) === undefined) closeSync(openSync(path, "a"));
}

/** Puts a file there, or another one in its place: whole or not at all, and on the disk when this returns. */
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

/** A new name is only on the disk when its folder is. */
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
