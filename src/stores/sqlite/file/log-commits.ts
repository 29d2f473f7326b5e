import type { Driver } from "../driver.js";
import { plane } from "../rows/rows.js";
import { committedChunks, framesOf, type WalChunk } from "./wal.js";
import { WalChecksum } from "./wal-checksum.js";

/** A transaction in the log that another program has committed. */
export interface Foreign {
  /** The number of frames before it. */
  readonly frame: number;
  /** The number of our last commit before it; undefined if the log begins with it. */
  readonly after: number | undefined;
}

/** The number of the page with the head, which each of our commits writes. */
export function headPageOf(db: Driver, schema = "main"): number {
  const query = `SELECT rootpage FROM ${schema}.sqlite_schema WHERE type = 'table' AND name = '${plane.name}'`;
  return Number(db.prepare(query).all([])[0]?.[0] ?? 0);
}

/**
 * Follows the log and detects transactions of other programs: each of our transactions writes the head of the commits
 * and increments its number by one. A migration of a file that has a head must increment it too.
 */
export class CommitTrail {
  readonly #headPage: number;
  /** The frame where the current transaction began, and the number of commits that it has written. */
  #begin = 0;
  #written: number | undefined;
  #frame = 0;
  #last: number | undefined;
  #first: Foreign | undefined;
  #isFollowed = false;
  #isBroken = false;

  constructor(headPage: number) {
    this.#headPage = headPage;
  }

  /** The first transaction of another program; undefined if there is none. */
  get foreign(): Foreign | undefined {
    return this.#first;
  }

  /** True if transactions of ours follow the foreign one. */
  get isFollowed(): boolean {
    return this.#isFollowed;
  }

  /** The frame where the last transaction that SQLite would accept ends, if invalid frames follow it. */
  get brokenAt(): number | undefined {
    return this.#isBroken ? this.#begin : undefined;
  }

  /**
   * Processes the next part of the log.
   *
   * @param checksum stops at the first frame that SQLite would not accept; for a log left by another process
   */
  follow(chunk: WalChunk, checksum?: WalChecksum): void {
    for (const frame of framesOf(chunk)) {
      if (checksum?.goesOn(frame) === false) {
        this.#isBroken = true;
        return;
      }
      this.#frame += 1;
      if (frame.page === this.#headPage) this.#written = commitsIn(frame.content);
      if (frame.endsCommit) this.#end();
    }
  }

  #end(): void {
    const isNext = this.#last === undefined || this.#written === this.#last + 1;
    if (this.#written !== undefined && isNext) this.#isFollowed = this.#first !== undefined;
    else this.#first ??= { frame: this.#begin, after: this.#last };
    this.#last = this.#written ?? this.#last;
    this.#begin = this.#frame;
    this.#written = undefined;
  }
}

/** Follows the whole log, as far as SQLite would accept it. */
export function trailOf(path: string, headPage: number): CommitTrail {
  const trail = new CommitTrail(headPage);
  let checksum: WalChecksum | undefined;
  for (const chunk of committedChunks(path)) {
    checksum ??= new WalChecksum(chunk.header);
    trail.follow(chunk, checksum);
  }
  return trail;
}

/** Describes a foreign transaction, as a sentence without the full stop. */
export function foreignOf(path: string, { after }: Foreign): string {
  const place = after === undefined ? "at its beginning" : `behind commit ${after}`;
  return `another program has written to ${path}: its log holds a change ${place} that is none of this server's`;
}

/** The type of a leaf page of a table, and the offsets of its number of rows and of the pointer to its first row. */
const LEAF = 13;
const ROW_COUNT_AT = 3;
const FIRST_ROW_AT = 8;
/** The column with the number of commits, see `plane`. */
const COMMITS_COLUMN = plane.names.indexOf("commits");

/**
 * Reads the number of commits from the page of the head, in the record format that SQLite documents:
 * https://sqlite.org/fileformat2.html#record_format. Undefined if the page does not have exactly one row.
 */
function commitsIn(page: Buffer): number | undefined {
  if (page[0] !== LEAF || page.readUInt16BE(ROW_COUNT_AT) !== 1) return undefined;
  // A row begins with its length, its id, and the length of its header. Each is less than 128 and so takes one byte.
  const columns = page.readUInt16BE(FIRST_ROW_AT) + 2;
  const width = page[columns] ?? 0;
  let at = columns + width;
  for (let column = 0; column < COMMITS_COLUMN; column++) at += bytesOfType(page[columns + 1 + column]);
  return width > COMMITS_COLUMN ? integerAt(page, at, page[columns + 1 + COMMITS_COLUMN]) : undefined;
}

/** The number of bytes of a value, by its serial type. */
const INTEGER_BYTES = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0];
/** The serial types of the constants 0 and 1, which take no bytes. */
const ZERO = 8;
const ONE = 9;

function bytesOfType(type = 0): number {
  return INTEGER_BYTES[type] ?? (type - 12) >> 1;
}

function integerAt(page: Buffer, at: number, type = 0): number | undefined {
  if (type === ZERO || type === ONE) return type - ZERO;
  const bytes = INTEGER_BYTES[type] ?? 0;
  if (bytes === 0 || at + bytes > page.length) return undefined;
  return bytes > 6 ? Number(page.readBigInt64BE(at)) : page.readUIntBE(at, bytes);
}
