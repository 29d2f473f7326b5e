import type { Readable } from "node:stream";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { cutShort, messageMissing, messageTooMany } from "../http/incoming.js";
import { BufferUse } from "../traffic/buffered-bytes.js";
import { MessageReader, PREFIX_BYTES } from "../traffic/message-reader.js";
import type { Traffic } from "../traffic/traffic.js";

/** The first byte of a message that is not compressed. */
const PLAIN = Buffer.of(0);

export interface GrpcIncomingOptions {
  /**
   * True for a stream, which has a deadline for each message; false for a request of one message, with one deadline.
   */
  readonly streamed: boolean;
  /** How compressed messages are compressed. */
  readonly encoding: string;
  readonly carried: (bytes: number) => void;
  /**
   * Called if a message cannot be accepted, comes too slowly, or is cut because all peers' messages use too many
   * bytes.
   */
  readonly refuse: (fault: Fault) => void;
}

/**
 * Passes what a peer sends in one call to grpc-js, in whole, decompressed messages, while it is resumed. All buffered
 * bytes are counted in {@link Traffic}: those being received, and those passed on that the handler has not taken.
 */
export class GrpcIncoming {
  readonly #source: Readable;
  readonly #traffic: Traffic;
  readonly #options: GrpcIncomingOptions;
  readonly #reader = new MessageReader();
  /** The message being received, or the whole of a request of one message. Has a deadline. */
  readonly #receiving: BufferUse;
  /** Messages of a stream that wait for the handler. Have no deadline. */
  readonly #waiting: BufferUse;
  #wanted = false;
  #expanding = false;
  /** Bytes that were passed on and not {@link took taken}. */
  #ahead = 0;
  #begun = false;
  #complete = false;
  /** True once the end of the peer's messages has been passed on. */
  #ended = false;
  #closed = false;
  onData: (bytes: Buffer) => void = () => undefined;
  onEnd: () => void = () => undefined;

  constructor(source: Readable, traffic: Traffic, options: GrpcIncomingOptions) {
    this.#source = source;
    this.#traffic = traffic;
    this.#options = options;
    this.#receiving = new BufferUse(options.refuse);
    this.#waiting = new BufferUse(options.refuse);
    if (!options.streamed) traffic.unfinished.use(this.#receiving, 0);
    source.on("data", (chunk: Buffer) => this.#receive(chunk));
    source.on("end", () => {
      this.#complete = true;
      this.#go();
    });
  }

  /** True once the peer has sent everything. */
  get complete(): boolean {
    return this.#complete;
  }

  pause(): void {
    this.#wanted = false;
  }

  /** Passes on what is buffered and what is received, until {@link pause}. */
  resume(): void {
    this.#wanted = true;
    this.#go();
  }

  /** Call when the handler of a stream has taken a message of this length. */
  took(bytes: number): void {
    this.#ahead -= bytes;
    this.#go();
  }

  /** Ends reading and releases all buffered bytes. */
  close(): void {
    this.#closed = true;
    this.#traffic.unfinished.release(this.#receiving);
    this.#traffic.stalled.release(this.#waiting);
    this.#reader.takeAll();
  }

  #receive(chunk: Buffer): void {
    this.#options.carried(chunk.length);
    if (this.#closed) return;
    this.#reader.push(chunk);
    this.#go();
  }

  #go(): void {
    try {
      while (this.#wanted && this.#handOn());
    } catch (error) {
      this.#options.refuse(error as Fault);
    }
    if (!this.#closed) this.#count();
  }

  /** @returns false if there is nothing to pass on now */
  #handOn(): boolean {
    if (this.#closed || this.#expanding) return false;
    if (this.#options.streamed && this.#ahead > limits.readAheadBytes) return false;
    const frame = this.#reader.takeFrame();
    if (frame) {
      if (this.#begun && !this.#options.streamed) throw messageTooMany();
      this.#ahead += frame.length - PREFIX_BYTES;
      if (((frame[0] as number) & 1) === 0) this.#pass(frame.subarray(1));
      else this.#expand(frame.subarray(PREFIX_BYTES));
      return true;
    }
    if (!this.#complete || this.#ended) return false;
    if (this.#reader.held > 0) throw cutShort();
    if (!this.#begun && !this.#options.streamed) throw messageMissing();
    this.#ended = true;
    if (!this.#options.streamed) this.close();
    this.onEnd();
    return false;
  }

  /**
   * Passes a message on, and the first byte of the next one with it: grpc-js keeps a message until that byte comes.
   *
   * @param pieces together a message without its first byte
   */
  #pass(...pieces: readonly Buffer[]): void {
    if (!this.#begun) this.onData(PLAIN);
    this.#begun = true;
    for (const piece of pieces) this.onData(piece);
    this.onData(PLAIN);
  }

  #expand(compressed: Buffer): void {
    this.#expanding = true;
    this.#expanded(compressed).then(
      (bytes) => {
        this.#expanding = false;
        if (this.#closed) return;
        this.#ahead += bytes.length - compressed.length;
        const length = Buffer.allocUnsafe(PREFIX_BYTES - 1);
        length.writeUInt32BE(bytes.length);
        this.#pass(length, bytes);
        this.#go();
      },
      (fault: Fault) => {
        if (!this.#closed) this.#options.refuse(fault);
      },
    );
  }

  #expanded(bytes: Buffer): Promise<Buffer> {
    const { encoding } = this.#options;
    if (encoding === "gzip" || encoding === "deflate")
      return this.#traffic.compressor.expand(bytes, encoding, () => !this.#closed);
    const message = `a message is compressed by ${encoding}, which is not known here: use gzip, deflate or none.`;
    return Promise.reject(new Fault("invalid", message, { reason: "COMPRESSION_UNKNOWN" }));
  }

  #count(): void {
    const { unfinished, stalled } = this.#traffic;
    const { held, complete } = this.#reader;
    if (!this.#options.streamed) {
      unfinished.use(this.#receiving, held + this.#ahead);
      return;
    }
    const begun = held > 0 && !complete;
    if (begun) unfinished.use(this.#receiving, held);
    else unfinished.release(this.#receiving);
    const waiting = begun ? this.#ahead : this.#ahead + held;
    if (waiting > 0) stalled.use(this.#waiting, waiting);
    else stalled.release(this.#waiting);

    if (this.#closed) return;
    if (complete && held > limits.readAheadBytes) this.#source.pause();
    else if (this.#source.isPaused()) this.#source.resume();
  }
}
