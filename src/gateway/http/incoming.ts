import type { Readable } from "node:stream";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { BufferUse } from "../traffic/buffered-bytes.js";
import { MessageReader, type WireMessage } from "../traffic/message-reader.js";
import type { Traffic } from "../traffic/traffic.js";

/**
 * Splits what a peer sends in one request into messages, and counts it in {@link Traffic} until it has been taken. Call
 * either `whole` or `messages`, once.
 */
export class Incoming {
  readonly #source: Readable;
  readonly #traffic: Traffic;
  readonly #carried: (bytes: number) => void;
  readonly #reader: MessageReader;
  /** The message being received. Has a deadline. */
  readonly #receiving: BufferUse;
  readonly #refuse: (fault: Fault) => void;
  #complete = false;
  #closed = false;
  #failed: Error | undefined;
  #wake: () => void = () => undefined;

  /**
   * @param carried called with the number of bytes received
   * @param refuse called if the peer takes too long, announces too much, or is cut because all peers use too many bytes
   */
  constructor(source: Readable, traffic: Traffic, { framed = true, carried, refuse }: IncomingOptions) {
    this.#source = source;
    this.#traffic = traffic;
    this.#carried = carried;
    this.#reader = new MessageReader(framed);
    this.#refuse = refuse;
    this.#receiving = new BufferUse(refuse);
    traffic.unfinished.use(this.#receiving, 0);
  }

  /** True once the peer has sent everything. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Ends reading and releases all buffered bytes. */
  close(): void {
    this.#closed = true;
    this.#traffic.unfinished.release(this.#receiving);
    this.#wake();
  }

  /** Makes the pending and the next read throw this error. */
  fail(error: Error): void {
    this.#failed ??= error;
    this.close();
  }

  /**
   * Reads the whole body as one message.
   *
   * @throws {Fault} if it is too large, too slow, or cut short
   */
  async whole(): Promise<Buffer> {
    this.#listen(() => this.#reader.compact());
    while (!this.#complete && !this.#closed) await this.#change();
    if (this.#failed) throw this.#failed;
    this.close();
    return this.#reader.takeAll();
  }

  /**
   * Yields message by message; the next one is read when the consumer asks for it. Ends when the peer has sent
   * everything, or when the signal aborts.
   *
   * @param toTheEnd true if the deadline is for all messages together, not for each
   * @throws {Fault} if a message is too large, too slow, or cut short
   */
  async *messages(signal?: AbortSignal, toTheEnd = false): AsyncGenerator<WireMessage, void> {
    const { unfinished, stalled } = this.#traffic;
    // There is no deadline while a message waits for the consumer, nor between two messages.
    const waiting = new BufferUse(this.#refuse);
    if (!toTheEnd) unfinished.release(this.#receiving);
    const wake = () => this.#wake();
    signal?.addEventListener("abort", wake);
    this.#listen(() => {
      const { held, complete } = this.#reader;
      if (!complete) return;
      if (!toTheEnd) unfinished.release(this.#receiving);
      stalled.use(waiting, held);
      if (held > limits.readAheadBytes) this.#source.pause();
    });
    try {
      while (!signal?.aborted && !this.#closed) {
        const message = this.#reader.take();
        if (message) {
          stalled.use(waiting, this.#reader.held);
          const crowded = toTheEnd ? undefined : this.#traffic.pace.next();
          if (crowded) await crowded;
          yield message;
          continue;
        }
        stalled.release(waiting);
        if (this.#complete) break;
        if (this.#reader.held > 0) unfinished.use(this.#receiving, this.#reader.held);
        if (this.#source.isPaused()) this.#source.resume();
        await this.#change();
      }
      if (this.#failed) throw this.#failed;
      if (this.#complete && this.#reader.held > 0) throw cutShort();
    } finally {
      stalled.release(waiting);
      this.#traffic.unfinished.release(this.#receiving);
      signal?.removeEventListener("abort", wake);
    }
  }

  #listen(onChunk: () => void): void {
    this.#source.on("data", (chunk: Buffer) => {
      this.#carried(chunk.length);
      if (this.#closed) return;
      this.#receive(chunk);
      try {
        onChunk();
      } catch (error) {
        this.#refuse(error as Fault);
      }
      this.#wake();
    });
    this.#source.on("end", () => {
      this.#complete = true;
      this.#wake();
    });
  }

  #receive(chunk: Buffer): void {
    this.#reader.push(chunk);
    this.#traffic.unfinished.use(this.#receiving, this.#reader.held);
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

export interface IncomingOptions {
  /** False for a body that is one message without a prefix. */
  readonly framed?: boolean;
  readonly carried: (bytes: number) => void;
  readonly refuse: (fault: Fault) => void;
}

export function cutShort(): Fault {
  return new Fault("invalid", "the request ends within a message.", { reason: "MESSAGE_CUT_SHORT" });
}

export function messageMissing(): Fault {
  const message = "the request ends without a message: send one, which may be empty.";
  return new Fault("invalid", message, { reason: "MESSAGE_MISSING" });
}

export function messageTooMany(): Fault {
  const message =
    "the request has a second message, but this rpc takes one: send each in a request of its own.";
  return new Fault("invalid", message, { reason: "MESSAGE_TOO_MANY" });
}
