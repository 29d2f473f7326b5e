import { FRAME_HEADER_BYTES, type WalChunk, type WalFrame } from "./wal.js";

/** The lowest bit of the log's first word: set if its checksums read words in big-endian order. */
const BIG_ENDIAN = 1;
/** The number of bytes covered by the checksum in the log's header, and in a frame's header. */
const HEADER_SUMMED_BYTES = 24;
const FRAME_SUMMED_BYTES = 8;
const SUM_IN_FRAME = 16;

/**
 * Verifies the checksums of a write-ahead log. Each covers all frames before it too. SQLite ignores everything from the
 * first frame whose checksum does not match, for example frames of a commit that a power cut left incomplete.
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

  /** Verifies the next frame. Returns false if it, or one before it, does not match its checksum. */
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
