import { closeSync, fsyncSync, ftruncateSync, openSync, readSync } from "node:fs";
import { limits } from "#limits/index";
import { beside, PAGE_BYTES, sizeOf } from "./files.js";

/** The format of SQLite's write-ahead log: https://sqlite.org/fileformat2.html#the_write_ahead_log */
const HEADER_BYTES = 32;
export const FRAME_HEADER_BYTES = 24;
const FRAME_BYTES = FRAME_HEADER_BYTES + PAGE_BYTES;
/** The offsets of the salt in the log's header and in a frame's header. Frames of an earlier round have another salt. */
const SALT_IN_HEADER = 16;
const SALT_IN_FRAME = 8;
const chunk = Buffer.allocUnsafe(limits.pagesAtOnce * FRAME_BYTES);

/** How far the log has been read. A different salt means that the log has been restarted. */
export interface WalPosition {
  readonly salt: string;
  readonly frame: number;
}

export const WAL_START: WalPosition = { salt: "", frame: 0 };

/** A run of committed frames, with the last content of each page. Valid until the next chunk is read. */
export interface WalChunk {
  readonly pages: ReadonlyMap<number, Uint8Array>;
  /** The header of the log. */
  readonly header: Buffer;
  /** The consecutive frames, each with its header. */
  readonly bytes: Buffer;
  /** The number of pages of the file after the last commit in this chunk; 0 if its commit ends in a later chunk. */
  readonly pageCount: number;
  /** The position from which to continue reading later. */
  readonly end: WalPosition;
}

/**
 * Yields what has been committed to the log since a position. Skips frames that belong to no commit, and frames of an
 * earlier round, which have another salt. Does not verify checksums: SQLite does so when it opens the log, and commits
 * that it drops then are detected by the head of the commits.
 */
export function* committedChunks(path: string, from: WalPosition = WAL_START): Generator<WalChunk> {
  const wal = beside.wal(path);
  if ((sizeOf(wal) ?? 0) < HEADER_BYTES) return;
  const fd = openSync(wal, "r");
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    readSync(fd, header, 0, HEADER_BYTES, 0);
    const salt = header.toString("hex", SALT_IN_HEADER, SALT_IN_HEADER + 8);
    let frame = from.salt === salt ? from.frame : 0;
    let commitEnd = 0;
    for (;;) {
      const read = Math.floor(readSync(fd, chunk, 0, chunk.length, placeOf(frame)) / FRAME_BYTES);
      const found = lastCommit(read, header);
      let { frames } = found;
      if (frames === 0) {
        // Either the end of the log, or a commit longer than a chunk, which all of these frames belong to.
        if (found.valid < limits.pagesAtOnce) return;
        if (commitEnd <= frame) commitEnd = nextCommitEnd(fd, frame, header);
        if (commitEnd === 0) return;
        frames = found.valid;
      }
      frame += frames;
      const bytes = chunk.subarray(0, frames * FRAME_BYTES);
      yield { pages: pagesIn(frames), header, bytes, pageCount: found.pageCount, end: { salt, frame } };
    }
  } finally {
    closeSync(fd);
  }
}

/** Counts the frames of the chunk that belong to this round, and those of commits that end in the chunk. */
function lastCommit(read: number, header: Buffer): { valid: number; frames: number; pageCount: number } {
  let valid = 0;
  let frames = 0;
  let pageCount = 0;
  for (; valid < read && isOfRound(chunk, valid * FRAME_BYTES, header); valid++) {
    const pages = chunk.readUInt32BE(valid * FRAME_BYTES + 4);
    if (pages === 0) continue;
    frames = valid + 1;
    pageCount = pages;
  }
  return { valid, frames, pageCount };
}

/** The frame after the first commit that ends at `frame` or later; 0 if there is none. */
function nextCommitEnd(fd: number, frame: number, header: Buffer): number {
  const found = Buffer.alloc(FRAME_HEADER_BYTES);
  for (let at = frame; readSync(fd, found, 0, FRAME_HEADER_BYTES, placeOf(at)) > 0; at++) {
    if (!isOfRound(found, 0, header)) return 0;
    if (found.readUInt32BE(4) > 0) return at + 1;
  }
  return 0;
}

function isOfRound(bytes: Buffer, frame: number, header: Buffer): boolean {
  return (
    bytes.readUInt32BE(frame + SALT_IN_FRAME) === header.readUInt32BE(SALT_IN_HEADER) &&
    bytes.readUInt32BE(frame + SALT_IN_FRAME + 4) === header.readUInt32BE(SALT_IN_HEADER + 4)
  );
}

/** The pages in the first `frames` frames of the chunk. */
function pagesIn(frames: number): Map<number, Uint8Array> {
  const places = new Map<number, number>();
  for (let at = 0; at < frames * FRAME_BYTES; at += FRAME_BYTES) places.set(chunk.readUInt32BE(at), at);
  const pages = new Map<number, Uint8Array>();
  for (const [page, at] of places) {
    pages.set(page, chunk.subarray(at + FRAME_HEADER_BYTES, at + FRAME_BYTES));
  }
  return pages;
}

/** A page in the log. */
export interface WalFrame {
  readonly page: number;
  readonly endsCommit: boolean;
  readonly content: Buffer;
  /** The whole frame, including its header. */
  readonly bytes: Buffer;
}

export function* framesOf({ bytes }: WalChunk): Generator<WalFrame> {
  for (let at = 0; at < bytes.length; at += FRAME_BYTES) {
    const frame = bytes.subarray(at, at + FRAME_BYTES);
    const endsCommit = frame.readUInt32BE(4) > 0;
    yield {
      page: frame.readUInt32BE(0),
      endsCommit,
      content: frame.subarray(FRAME_HEADER_BYTES),
      bytes: frame,
    };
  }
}

/** Truncates the log to this number of frames and syncs it. No connection may be open. */
export function cutLog(path: string, frames: number): void {
  const fd = openSync(beside.wal(path), "r+");
  try {
    ftruncateSync(fd, placeOf(frames));
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** The offset of a frame in the log, by the number of frames before it. */
function placeOf(frame: number): number {
  return HEADER_BYTES + frame * FRAME_BYTES;
}
