import type { Readable } from "node:stream";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { BufferUse } from "../traffic/buffered-bytes.js";
import { MessageReader, type WireMessage } from "../traffic/message-reader.js";
import type { Traffic } from "../traffic/traffic.js";

/**
 * What a peer sends in one request, taken apart as it comes and counted in {@link Traffic} until it has been taken.
 * One of `whole` and `messages` is called, once.
 */
export class Incoming {
  readonly #source: Readable;
  readonly #traffic: Traffic;
  readonly #carried: (bytes: number) => void;
  readonly #reader: MessageReader;
  /** The message that is being received. It has a deadline. */
  readonly #receiving: BufferUse;
  readonly #refuse: (fault: Fault) => void;
  #complete = false;
  #closed = false;
  #failed: Error | undefined;
  #wake: () => void = () => undefined;

  /**
   * @param carried told of all bytes that have come
   * @param refuse called if the peer takes too long, announces too much, or holds what others need
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

  /** True once the peer has said all. */
  get complete(): boolean {
    return this.#complete;
  }

  /** The rest is not wanted: lets go of what is held. */
  close(): void {
    this.#closed = true;
    this.#traffic.unfinished.release(this.#receiving);
    this.#wake();
  }

  /** Whoever waits for what comes gets this error instead. */
  fail(error: Error): void {
    this.#failed ??= error;
    this.close();
  }

  /**
   * The whole body as one message.
   *
   * @throws {Fault} if it cannot be taken
   */
  async whole(): Promise<Buffer> {
    this.#listen(() => this.#reader.compact());
    while (!this.#complete && !this.#closed) await this.#change();
    if (this.#failed) throw this.#failed;
    this.close();
    return this.#reader.takeAll();
  }

  /**
   * Message by message: the next is read when this one has been dealt with. Ends when the peer has said all, or when
   * the signal aborts.
   *
   * @param toTheEnd the deadline is for all of them, not for each
   * @throws {Fault} if a message cannot be taken
   */
  async *messages(signal?: AbortSignal, toTheEnd = false): AsyncGenerator<WireMessage, void> {
    const { unfinished, stalled } = this.#traffic;
    // What waits for this side has no deadline, and neither has the silence between two messages.
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
