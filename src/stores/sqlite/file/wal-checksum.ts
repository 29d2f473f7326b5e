import { FRAME_HEADER_BYTES, type WalChunk, type WalFrame } from "./wal.js";

/** The lowest bit of a log's first word says how its checksums read words. */
const BIG_ENDIAN = 1;
/** What a checksum is over: of the header of the log, and of that of a frame. Behind it lies the checksum itself. */
const HEADER_SUMMED_BYTES = 24;
const FRAME_SUMMED_BYTES = 8;
const SUM_IN_FRAME = 16;

/**
 * The checksums of a write-ahead log, each of which is over all frames before it too: SQLite drops everything from the
 * first one on that does not fit, for example what a power cut has left behind a commit that is not there.
 */
export class WalChecksum {
  readonly #littleEndian: boolean;
  #one = 0;
  #two = 0;
  #isSound: boolean;

  constructor(header: WalChunk["header"]) {
    this.#littleEndian = (header.readUInt32BE(0) & BIG_ENDIAN) === 0;
    this.#add(header, 0, HEADER_SUMMED_BYTES);
    this.#isSound = this.#is(header, HEADER_SUMMED_BYTES);
  }

  /** Goes on to the next frame. False if it, or one before it, is not what was written. */
  goesOn({ bytes }: WalFrame): boolean {
    this.#add(bytes, 0, FRAME_SUMMED_BYTES);
    this.#add(bytes, FRAME_HEADER_BYTES, bytes.length);
    this.#isSound &&= this.#is(bytes, SUM_IN_FRAME);
    return this.#isSound;
  }

  #add(bytes: Buffer, from: number, to: number): void {
    const words = new DataView(bytes.buffer, bytes.byteOffset, to);
    let [one, two] = [this.#one, this.#two];
    for (let at = from; at < to; at += 8) {
      one = (one + words.getUint32(at, this.#littleEndian) + two) | 0;
      two = (two + words.getUint32(at + 4, this.#littleEndian) + one) | 0;
    }
    [this.#one, this.#two] = [one, two];
  }

  #is(bytes: Buffer, at: number): boolean {
    return bytes.readInt32BE(at) === this.#one && bytes.readInt32BE(at + 4) === this.#two;
  }
}
