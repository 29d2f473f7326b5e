import type { Driver } from "../driver.js";
import { plane } from "../rows/rows.js";
import { committedChunks, framesOf, type WalChunk } from "./wal.js";
import { WalChecksum } from "./wal-checksum.js";

/** A transaction in the log that is none of ours. */
export interface Foreign {
  /** How many frames lie before it. */
  readonly frame: number;
  /** The number of our last commit before it; undefined if the log begins with it. */
  readonly after: number | undefined;
}

/** The page of the row that every commit of ours writes. */
export function headPageOf(db: Driver, schema = "main"): number {
  const query = `SELECT rootpage FROM ${schema}.sqlite_schema WHERE type = 'table' AND name = '${plane.name}'`;
  return Number(db.prepare(query).all([])[0]?.[0] ?? 0);
}

/**
 * Follows the log and finds what another program has committed: each of our transactions writes the head of the
 * commits, whose number goes up by one. A migration of a file that has a head has to move it too.
 */
export class CommitTrail {
  readonly #headPage: number;
  /** Where the transaction began, and the number that it has written. */
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

  /** The first transaction that is none of ours. */
  get foreign(): Foreign | undefined {
    return this.#first;
  }

  /** True if there are transactions of ours behind it. */
  get isFollowed(): boolean {
    return this.#isFollowed;
  }

  /** Where the last transaction ends that SQLite would take, if there is more behind it that looks like one. */
  get brokenAt(): number | undefined {
    return this.#isBroken ? this.#begin : undefined;
  }

  /** @param checksum ends it where SQLite would, for a log that another process has left behind */
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

/** All of the log that SQLite would take, from its beginning. */
export function trailOf(path: string, headPage: number): CommitTrail {
  const trail = new CommitTrail(headPage);
  let checksum: WalChecksum | undefined;
  for (const chunk of committedChunks(path)) {
    checksum ??= new WalChecksum(chunk.header);
    trail.follow(chunk, checksum);
  }
  return trail;
}

/** As a sentence without its full stop. */
export function foreignOf(path: string, { after }: Foreign): string {
  const place = after === undefined ? "at its beginning" : `behind commit ${after}`;
  return `another program has written to ${path}: its log holds a change ${place} that is none of this server's`;
}

/** What SQLite calls a leaf of a table, and where it says how many rows are in it and where the first one is. */
const LEAF = 13;
const ROW_COUNT_AT = 3;
const FIRST_ROW_AT = 8;
/** The column of the number, see `plane`. */
const COMMITS_COLUMN = plane.names.indexOf("commits");

/**
 * The number of commits on the page of the head, as SQLite documents it:
 * https://sqlite.org/fileformat2.html#record_format. Undefined if it is no such page.
 */
function commitsIn(page: Buffer): number | undefined {
  if (page[0] !== LEAF || page.readUInt16BE(ROW_COUNT_AT) !== 1) return undefined;
  // The length of the row, its id, and the length of what describes its columns: each less than 128, in a byte.
  const columns = page.readUInt16BE(FIRST_ROW_AT) + 2;
  const width = page[columns] ?? 0;
  let at = columns + width;
  for (let column = 0; column < COMMITS_COLUMN; column++) at += bytesOfType(page[columns + 1 + column]);
  return width > COMMITS_COLUMN ? integerAt(page, at, page[columns + 1 + COMMITS_COLUMN]) : undefined;
}

/** How many bytes hold a value, by its type. */
const INTEGER_BYTES = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0];
/** 0 and 1 are types of their own. */
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
