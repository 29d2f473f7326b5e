import { Fault } from "#domain/fault";
import { millis } from "#domain/time/time";
import { limits } from "#limits/index";

/** A length-prefixed message as gRPC, gRPC-Web and Connect streams send it. */
export interface WireMessage {
  /** The lowest bit is set if it is compressed; the others belong to the protocols. */
  readonly flags: number;
  /** A view of the received bytes. They are not overwritten, so that it stays valid. */
  readonly bytes: Buffer;
}

export const PREFIX_BYTES = 5;
const NOTHING = Buffer.alloc(0);
const MESSAGE_MAX = PREFIX_BYTES + limits.messageBytes;

/**
 * Splits the bytes of a stream into messages. Buffers at most twice the bytes received, in one buffer, whatever
 * length a prefix announces and however many frames they came in.
 */
export class MessageReader {
  #buffer: Buffer = NOTHING;
  #start = 0;
  #end = 0;
  /** True if the buffer was allocated here; otherwise it is a view of what the transport has read. */
  #own = false;
  readonly #framed: boolean;

  /** @param framed false for a body that is one message without a prefix */
  constructor(framed = true) {
    this.#framed = framed;
  }

  /** Bytes received and not yet taken. */
  get held(): number {
    return this.#end - this.#start;
  }

  push(chunk: Buffer): void {
    if (this.held === 0) {
      this.#set(chunk, 0, chunk.length, false);
      return;
    }
    if (!this.#own || this.#buffer.length - this.#end < chunk.length) this.#grow(chunk.length);
    chunk.copy(this.#buffer, this.#end);
    this.#end += chunk.length;
  }

  /** True if {@link take} would return a message, or throw because the next one is too large. */
  get complete(): boolean {
    if (this.held < PREFIX_BYTES) return false;
    const size = this.#size();
    return this.held >= size || size > MESSAGE_MAX;
  }

  /**
   * Takes the next message; undefined if its end has not been received.
   *
   * @throws {Fault} `overloaded` if it is announced larger than a message may be
   */
  take(): WireMessage | undefined {
    const frame = this.takeFrame();
    return frame && { flags: frame[0] as number, bytes: frame.subarray(PREFIX_BYTES) };
  }

  /**
   * Like {@link take}, but with the prefix before the message.
   *
   * @throws {Fault} like {@link take}
   */
  takeFrame(): Buffer | undefined {
    const size = this.#checkedSize();
    if (this.held < size) {
      if (!this.#own && this.held > 0) this.#grow(0);
      return undefined;
    }
    const end = this.#start + size;
    const frame = this.#buffer.subarray(this.#start, end);
    if (end === this.#end) this.#set(NOTHING, 0, 0, false);
    else this.#start = end;
    return frame;
  }

  /** Takes all buffered bytes, without splitting them. */
  takeAll(): Buffer {
    const bytes = this.#buffer.subarray(this.#start, this.#end);
    this.#set(NOTHING, 0, 0, false);
    return bytes;
  }

  /**
   * Call if messages are taken later: copies the buffered bytes if they would keep much more of the transport's memory.
   *
   * @throws {Fault} like {@link take}
   */
  compact(): void {
    this.#checkedSize();
    if (!this.#own && this.#buffer.buffer.byteLength > limits.readSharedBytes + 2 * this.held) this.#grow(0);
  }

  #checkedSize(): number {
    const size = this.#framed ? this.#size() : PREFIX_BYTES + this.held;
    if (size > MESSAGE_MAX) throw messageTooLarge(size - PREFIX_BYTES);
    return size;
  }

  /** Of the next message with its prefix; that of the prefix while that is incomplete. */
  #size(): number {
    if (this.held < PREFIX_BYTES) return PREFIX_BYTES;
    return PREFIX_BYTES + this.#buffer.readUInt32BE(this.#start + 1);
  }

  /**
   * Moves the buffered bytes into a new buffer with room for this many bytes more. The old buffer is not reused,
   * because messages that were taken are views of it.
   */
  #grow(room: number): void {
    const { held } = this;
    const needed = held + room;
    const twice = Math.max(limits.readBufferLeastBytes, 2 * needed);
    const enough = this.#framed ? this.#size() : MESSAGE_MAX;
    const next = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(twice, enough)));
    this.#buffer.copy(next, 0, this.#start, this.#end);
    this.#set(next, 0, held, true);
  }

  #set(buffer: Buffer, start: number, end: number, own: boolean): void {
    this.#buffer = buffer;
    this.#start = start;
    this.#end = end;
    this.#own = own;
  }
}

export function messageTooLarge(bytes: number): Fault {
  const message = `the message is ${bytes} bytes long; the limit is ${limits.messageBytes} bytes: send less at once.`;
  return new Fault("overloaded", message, { reason: "MESSAGE_TOO_LARGE", retryAfter: millis(0) });
}
