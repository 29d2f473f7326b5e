import { closeSync, fdatasyncSync, openSync, readSync, writeSync } from "node:fs";
import { limits } from "#limits/index";
import { checksum, seedOf } from "../rows/checksum.js";
import { replaceFile, sizeOf } from "./files.js";

/** Identifies the last commit of a file. It is stored in the file, and in a small one beside it. */
export interface Head {
  /** A permanent random name of the file. */
  readonly store: string;
  /** Plane time of the last commit. */
  readonly at: number;
  /** Number of commits so far. */
  readonly commits: number;
  /** A digest over the checksums of all commits so far, in order: 32 bits, against accidents, not attacks. */
  readonly digest: number;
}

/** The part of the head that is stored beside the file: all but the time. */
export type HeadMark = Omit<Head, "at">;

/** The digest of a file without commits. */
export const NO_COMMITS = 0;

/** The digest after adding the checksum of a row that was written, or of a key that was removed. */
export function digested(digest: number, sum: number): number {
  return Math.imul(((digest << 5) | (digest >>> 27)) ^ sum, 0x9e3779b1) >>> 0;
}

/** Two places, in pages of their own, are written alternately, so that one is always valid when the power fails. */
const SLOTS = 2;
const SLOT_BYTES = 4_096;
const MARK_BYTES = 128;
const SEED = seedOf("head");

/**
 * The number and digest of the last commit, in a file beside the store. It is written after every commit and before its
 * acknowledgement, so that a store that has lost commits is detected. Its size never changes, so that it can be written
 * on a full disk.
 */
export class HeadFile {
  readonly #fd: number;
  readonly #buffer = Buffer.alloc(MARK_BYTES);
  readonly #failed: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param failed called with an error of the disk that occurs between two commits */
  constructor(path: string, failed: (error: unknown) => void) {
    this.#fd = openSync(path, "r+");
    this.#failed = failed;
  }

  /** Writes the head. When it returns, other processes see it; it is on the disk within a second. */
  write(mark: HeadMark): void {
    this.#buffer.fill(textOf(mark).padEnd(MARK_BYTES), 0, MARK_BYTES, "latin1");
    try {
      const written = writeSync(this.#fd, this.#buffer, 0, MARK_BYTES, (mark.commits % SLOTS) * SLOT_BYTES);
      if (written !== MARK_BYTES) throw new Error(`only ${written} bytes were written`);
    } catch (cause) {
      // Even an error for lack of space must not count as a refusal: the commit is already on the disk.
      throw new Error(`the head beside it cannot be written: ${(cause as Error).message}`, { cause });
    }
    this.#timer ??= setTimeout(() => this.#syncSoon(), limits.markSync).unref();
  }

  close(): void {
    clearTimeout(this.#timer);
    fdatasyncSync(this.#fd);
    closeSync(this.#fd);
  }

  #syncSoon(): void {
    this.#timer = undefined;
    try {
      fdatasyncSync(this.#fd);
    } catch (error) {
      this.#failed(error);
    }
  }
}

/** Creates or replaces the file atomically; it is on the disk when this returns. */
export function createHeadFile(path: string, mark: HeadMark): void {
  const content = Buffer.alloc(SLOTS * SLOT_BYTES, " ");
  for (let slot = 0; slot < SLOTS; slot++) content.write(textOf(mark), slot * SLOT_BYTES, "latin1");
  replaceFile(path, content);
}

/** The last valid head in the file; undefined if there is no file, null if it has no valid head. */
export function readHeadFile(path: string): HeadMark | undefined | null {
  if (sizeOf(path) === undefined) return undefined;
  const content = Buffer.alloc(SLOTS * SLOT_BYTES);
  const fd = openSync(path, "r");
  try {
    readSync(fd, content, 0, content.length, 0);
  } finally {
    closeSync(fd);
  }
  let last: HeadMark | null = null;
  for (let slot = 0; slot < SLOTS; slot++) {
    const mark = markIn(content.toString("latin1", slot * SLOT_BYTES, slot * SLOT_BYTES + MARK_BYTES));
    if (mark && (last === null || mark.commits > last.commits)) last = mark;
  }
  return last;
}

function textOf({ store, commits, digest }: HeadMark): string {
  const facts = `taskrun-head 1 ${store} ${commits} ${digest}`;
  return `${facts} ${checksum(facts, SEED)}\n`;
}

function markIn(text: string): HeadMark | undefined {
  const [, facts = "", sum] = /^(taskrun-head 1 \S+ \d+ \d+) (\d+)\n *$/.exec(text) ?? [];
  if (facts === "" || Number(sum) !== checksum(facts, SEED)) return undefined;
  const [, , store = "", commits, digest] = facts.split(" ");
  return { store, commits: Number(commits), digest: Number(digest) };
}
