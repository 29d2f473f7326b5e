import { closeSync, fdatasyncSync, openSync, readSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";
import { limits } from "#limits/index";
import { opened } from "../driver.js";
import { damaged, errorOf } from "../failure.js";
import { DamagedRow } from "../rows/checksum.js";
import { beside, PAGE_BYTES, replaceFile, sizeOf } from "./files.js";
import { CommitTrail, foreignOf } from "./log-commits.js";
import { committedChunks, WAL_START, type WalPosition } from "./wal.js";

const HEADER = "taskrun-page-sums 1\n";
/** Checksums follow the header, in blocks of a page: one megabyte of checksums for a file of one gigabyte. */
const HEADER_BYTES = PAGE_BYTES;
const SUM_BYTES = 4;
const SUMS_PER_BLOCK = PAGE_BYTES / SUM_BYTES;
/** The offset in the first page at which SQLite stores the number of pages. */
const PAGE_COUNT_AT = 28;

export interface Compared {
  /** The numbers of pages that do not match their checksums, or are missing. */
  readonly different: readonly number[];
  /** The number of pages without a checksum. */
  readonly unknown: number;
}

/**
 * A checksum for every page of the file, in a separate file. Rows have their own checksums; but a damaged index or
 * interior page makes whole rows disappear from answers, which no checksum of a row detects. SQLite has page checksums
 * only as an extension, which none of its bindings for Node includes.
 *
 * Pages are written to the file only by a checkpoint, from the write-ahead log. So their checksums are computed from
 * the log and are on the disk before the checkpoint begins. A page that is in the log is not checked, since readers
 * use the log.
 */
export class PageSums {
  readonly #path: string;
  #summed: WalPosition = WAL_START;
  #trail: CommitTrail | undefined;
  /** Pages that were in the log when the file was checked, or have been written through it since. */
  #inLog = new Set<number>();
  #expected = 0;
  #checked = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** Makes `record` refuse transactions of other programs from now on. */
  follow(headPage: number): void {
    this.#trail = new CommitTrail(headPage);
  }

  /**
   * Writes the checksums of all pages committed since the last call. Call before every checkpoint.
   *
   * @throws {Fault} reason `STORE_DAMAGED` if another program has committed; its pages get no checksums, those
   * before it do
   */
  record(): void {
    const sums = new Map<number, number>();
    let summed = this.#summed;
    try {
      for (const chunk of committedChunks(this.#path, this.#summed)) {
        this.#trail?.follow(chunk);
        if (this.#trail?.foreign) throw errorOf(damaged(foreignOf(this.#path, this.#trail.foreign)));
        for (const [page, bytes] of chunk.pages) sums.set(page, sumOf(bytes, page));
        summed = chunk.end;
      }
    } finally {
      if (sums.size > 0) writeSums(beside.sums(this.#path), sums);
      if (this.#checked < this.#expected) for (const page of sums.keys()) this.#inLog.add(page);
      this.#summed = summed;
    }
  }

  /**
   * Compares the first `upTo` pages with their checksums, and returns up to `most` that differ. No connection to the
   * file may be open in this process: closing a file releases the locks that SQLite holds on it.
   */
  compare(most: number, upTo = Number.POSITIVE_INFINITY): Compared {
    const { pages, pageCount } = pagesInLog(this.#path);
    this.#inLog = pages;
    const files = openBoth(this.#path);
    try {
      // If the file does not state its number of pages, SQLite uses its size.
      this.#expected = pageCount || pageCountOf(files.db) || pagesOf(this.#path);
      const last = Math.min(this.#expected, upTo);
      const different: number[] = [];
      for (let first = 1; first <= last && different.length < most; first += limits.pagesAtOnce) {
        different.push(
          ...mismatches(files, first, Math.min(first + limits.pagesAtOnce - 1, last), this.#inLog),
        );
      }
      this.#checked = last;
      // A damaged file may state billions of pages.
      const there = Math.min(this.#expected, pagesOf(this.#path));
      return { different: different.slice(0, most), unknown: unknownSums(files, there, this.#inLog) };
    } finally {
      closeBoth(files);
    }
  }

  /**
   * Like `compare`, of all pages of a file that a server writes to at the same time. A page that is just being written differs
   * from its checksum, which is there first: but it is in the log then, or is right when it is read again.
   */
  compareServed(most: number): Compared {
    const files = openBoth(this.#path);
    try {
      const last = pagesOf(this.#path);
      const different: number[] = [];
      for (let first = 1; first <= last && different.length < most; first += limits.pagesAtOnce) {
        const end = Math.min(first + limits.pagesAtOnce - 1, last);
        different.push(
          ...mismatches(files, first, end, new Set()).filter((page) => this.#differs(files, page)),
        );
      }
      const unknown = unknownSums(files, last, pagesInLog(this.#path).pages);
      return { different: different.slice(0, most), unknown };
    } finally {
      closeBoth(files);
    }
  }

  #differs(files: Files, page: number): boolean {
    for (let turn = 0; turn < limits.pageReadAgain; turn++) {
      if (pagesInLog(this.#path).pages.has(page)) return false;
      if (mismatches(files, page, page, new Set()).length === 0) return false;
    }
    return true;
  }

  /**
   * Checks the pages that `compare` did not, in chunks of a megabyte, while the thread is idle. Returns a function that
   * ends the check; call it only after all connections are closed.
   *
   * @param failed called with a page that does not match its checksum
   */
  checkRest(failed: (error: Error) => void): () => void {
    if (this.#checked >= this.#expected) return () => {};
    const files = openBoth(this.#path);
    let next: NodeJS.Immediate | undefined;
    const goOn = () => {
      const first = this.#checked + 1;
      this.#checked = Math.min(this.#checked + limits.pagesAtOnce, this.#expected);
      const [page] = mismatches(files, first, this.#checked, this.#inLog);
      if (page !== undefined) failed(new DamagedRow("pages", `${page}`));
      else if (this.#checked < this.#expected) next = setImmediate(goOn);
    };
    next = setImmediate(goOn);
    return () => {
      clearImmediate(next);
      closeBoth(files);
    };
  }

  /** Computes the checksums of all pages as they are in the file. No connection may be open, as for `compare`. */
  rebuild(): void {
    const pages = pagesOf(this.#path);
    const content = Buffer.alloc(HEADER_BYTES + Math.ceil(pages / SUMS_PER_BLOCK) * PAGE_BYTES);
    content.write(HEADER);
    const db = openSync(this.#path, "r");
    try {
      for (let first = 1; first <= pages; first += limits.pagesAtOnce) {
        readSync(db, bytes, 0, bytes.length, (first - 1) * PAGE_BYTES);
        for (let page = first; page < first + limits.pagesAtOnce && page <= pages; page++) {
          const at = (page - first) * PAGE_BYTES;
          content.writeUInt32LE(sumOf(bytes.subarray(at, at + PAGE_BYTES), page), placeOf(page));
        }
      }
    } finally {
      closeSync(db);
    }
    replaceFile(beside.sums(this.#path), content);
  }
}

/** Stands for a checksum that was never computed. */
const UNKNOWN = 0;

/** The checksum of a page; never 0. It depends on the page's number too, so that swapped pages are detected. */
function sumOf(bytes: Uint8Array, page: number): number {
  return crc32(bytes, page) || 1;
}

function placeOf(page: number): number {
  return HEADER_BYTES + (page - 1) * SUM_BYTES;
}

interface Files {
  readonly db: number;
  /** Undefined if there is no file of checksums. */
  readonly sums: number | undefined;
}

function openBoth(path: string): Files {
  const sums = openSums(path);
  const close = () => sums !== undefined && closeSync(sums);
  return { db: opened({ close }, () => openSync(path, "r")), sums };
}

function closeBoth({ db, sums }: Files): void {
  closeSync(db);
  if (sums !== undefined) closeSync(sums);
}

const bytes = Buffer.allocUnsafe(limits.pagesAtOnce * PAGE_BYTES);
const wanted = Buffer.allocUnsafe(limits.pagesAtOnce * SUM_BYTES);

/**
 * Returns the pages that do not match their checksums, out of at most one chunk of pages. Skips pages that are in the
 * log or have no checksum.
 */
function mismatches({ db, sums }: Files, first: number, last: number, inLog: ReadonlySet<number>): number[] {
  const found: number[] = [];
  const read = readSync(db, bytes, 0, bytes.length, (first - 1) * PAGE_BYTES);
  wanted.fill(0);
  if (sums !== undefined) readSync(sums, wanted, 0, wanted.length, placeOf(first));
  for (let page = first; page <= last; page++) {
    if (inLog.has(page)) continue;
    const at = (page - first) * PAGE_BYTES;
    const isWhole = at + PAGE_BYTES <= read;
    const sum = wanted.readUInt32LE((page - first) * SUM_BYTES);
    if (isWhole && sum === UNKNOWN) continue;
    if (!isWhole || sumOf(bytes.subarray(at, at + PAGE_BYTES), page) !== sum) found.push(page);
  }
  return found;
}

/** Counts the pages without a checksum among the first `pages`. */
function unknownSums({ sums }: Files, pages: number, inLog: ReadonlySet<number>): number {
  let unknown = 0;
  for (let first = 1; first <= pages; first += limits.pagesAtOnce) {
    wanted.fill(0);
    if (sums !== undefined) readSync(sums, wanted, 0, wanted.length, placeOf(first));
    for (let page = first; page < first + limits.pagesAtOnce && page <= pages; page++) {
      if (wanted.readUInt32LE((page - first) * SUM_BYTES) === UNKNOWN && !inLog.has(page)) unknown += 1;
    }
  }
  return unknown;
}

function pagesInLog(path: string): { readonly pages: Set<number>; readonly pageCount: number } {
  const pages = new Set<number>();
  let pageCount = 0;
  for (const chunk of committedChunks(path)) {
    for (const page of chunk.pages.keys()) pages.add(page);
    pageCount = chunk.pageCount;
  }
  return { pages, pageCount };
}

/** The number of whole pages in the file. */
function pagesOf(path: string): number {
  return Math.floor((sizeOf(path) ?? 0) / PAGE_BYTES);
}

function pageCountOf(db: number): number {
  const header = Buffer.alloc(PAGE_COUNT_AT + 4);
  readSync(db, header, 0, header.length, 0);
  return header.readUInt32BE(PAGE_COUNT_AT);
}

/** Opens the file of checksums; undefined if it does not exist or does not have our header. */
function openSums(path: string): number | undefined {
  if (sizeOf(beside.sums(path)) === undefined) return undefined;
  const fd = openSync(beside.sums(path), "r");
  const header = Buffer.alloc(HEADER.length);
  opened({ close: () => closeSync(fd) }, () => readSync(fd, header, 0, HEADER.length, 0));
  if (header.toString("latin1") === HEADER) return fd;
  closeSync(fd);
  return undefined;
}

/** Writes checksums; they are on the disk when this returns. */
function writeSums(path: string, sums: ReadonlyMap<number, number>): void {
  const blocks = new Map<number, (readonly [place: number, sum: number])[]>();
  for (const [page, sum] of sums) {
    const place = placeOf(page);
    const block = place - (place % PAGE_BYTES);
    const places = blocks.get(block) ?? [];
    places.push([place - block, sum]);
    blocks.set(block, places);
  }
  const fd = openSync(path, "r+");
  try {
    const content = Buffer.alloc(PAGE_BYTES);
    for (const [block, places] of blocks) {
      content.fill(0);
      readSync(fd, content, 0, PAGE_BYTES, block);
      for (const [place, sum] of places) content.writeUInt32LE(sum, place);
      writeSync(fd, content, 0, PAGE_BYTES, block);
    }
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
