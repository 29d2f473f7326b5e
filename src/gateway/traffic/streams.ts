import type { Caller } from "#domain/caller";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import type { WaitSignal } from "#ports/task-wait";
import { type BufferedBytes, BufferUse } from "./buffered-bytes.js";

/**
 * The reason of aborted signals, which is not used. Without one Node would create an exception with a trace for each.
 */
const OVER = "the stream is over";

/**
 * One open stream of a listener, or a request that waits: the signal for its handler, and why this side ended it. It is itself
 * the signal for those that need no whole one, which is made when it is asked for.
 */
export class OpenStream implements WaitSignal {
  readonly #listeners = new Set<() => void>();
  #controller: AbortController | undefined;
  #aborted = false;
  readonly #stalled: BufferedBytes;
  readonly #endOf: EndOf;
  #fault: Fault | undefined;
  #caller: Caller | undefined;
  #kept: BufferUse | undefined;

  /**
   * @param stalled where bytes count that are kept for peers until they read
   * @param endOf says why a caller may not have it any more
   */
  constructor(stalled: BufferedBytes, endOf: EndOf = () => undefined) {
    this.#stalled = stalled;
    this.#endOf = endOf;
  }

  /** True once either side has ended it. */
  get aborted(): boolean {
    return this.#aborted;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#aborted) this.#controller.abort(OVER);
    }
    return this.#controller.signal;
  }

  addEventListener(_: "abort", listener: () => void): void {
    this.#listeners.add(listener);
  }

  removeEventListener(_: "abort", listener: () => void): void {
    this.#listeners.delete(listener);
  }

  /** Why this side ended it; undefined if it did not, or if the peer ended it before. */
  get fault(): Fault | undefined {
    return this.#fault;
  }

  /** Call when the caller is known: it ends with the caller's credential, at once if that has ended meanwhile. */
  belongTo(caller: Caller): void {
    this.#caller = caller;
    this.recheck();
  }

  /** Ends it if its caller may not have it any more. */
  recheck(): void {
    const fault = this.#caller && this.#endOf(this.#caller);
    if (fault) this.end(fault);
  }

  /** Ends it from this side. Only the first fault counts. */
  end(fault: Fault): void {
    if (this.#aborted) return;
    this.#fault = fault;
    this.#abort();
  }

  /** Call when the peer is gone, or the stream has completed. */
  gone(): void {
    this.keep(0);
    this.#abort();
  }

  /**
   * Counts bytes that are buffered for the peer in addition to those written, until the next call; 0 releases them.
   * Ends the stream if all streams together buffer too much, and this one has done so longest.
   */
  keep(bytes: number): void {
    if (bytes > 0 && !this.#aborted) {
      this.#kept ??= new BufferUse((fault) => this.end(fault));
      this.#stalled.use(this.#kept, bytes);
    } else if (this.#kept) {
      this.#stalled.release(this.#kept);
    }
  }

  #abort(): void {
    if (this.#aborted) return;
    this.#aborted = true;
    this.#controller?.abort(OVER);
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }
}

/** Why the credential of a caller counts no longer; undefined while it does. */
type EndOf = (caller: Caller) => Fault | undefined;

/** The open streams of all listeners, so that a drain can end them. */
export class OpenStreams {
  readonly #streams = new Set<OpenStream>();
  readonly #stalled: BufferedBytes;
  readonly #ends: EndOf[] = [];
  #drained: Fault | undefined;

  /** @param stalled where bytes count that are kept for peers until they read */
  constructor(stalled: BufferedBytes) {
    this.#stalled = stalled;
  }

  /** Opens a stream. It has already ended if the gateway drains, or if there are too many. */
  open(): OpenStream {
    const stream = new OpenStream(this.#stalled, this.#endOf);
    if (this.#drained) stream.end(this.#drained);
    else if (this.#streams.size >= limits.openStreams) stream.end(tooManyStreams());
    else this.#streams.add(stream);
    return stream;
  }

  /**
   * Opens a stream for a request that may wait for long. It ends when the peer is gone, or when the gateway drains; close it
   * when the request is answered.
   *
   * @param peer aborts when the peer is gone
   * @throws {Fault} if the gateway drains, or if too many are open
   */
  openWait(peer: AbortSignal): OpenStream {
    const stream = this.open();
    if (stream.fault) throw stream.fault;
    peer.addEventListener("abort", () => stream.gone(), { once: true });
    if (peer.aborted) stream.gone();
    return stream;
  }

  close(stream: OpenStream): void {
    this.#streams.delete(stream);
    stream.gone();
  }

  /**
   * From now on streams end with the credentials of their callers.
   *
   * @returns to be called whenever one may have ended
   */
  endWhere(why: EndOf): () => void {
    this.#ends.push(why);
    return () => {
      for (const stream of this.#streams) stream.recheck();
    };
  }

  /** Ends all open streams, and from now on each new one at once. */
  drain(fault: Fault): void {
    this.#drained = fault;
    for (const stream of this.#streams) stream.end(fault);
    this.#streams.clear();
  }

  readonly #endOf: EndOf = (caller) => {
    for (const why of this.#ends) {
      const fault = why(caller);
      if (fault) return fault;
    }
    return undefined;
  };
}

function tooManyStreams(): Fault {
  const message = `${limits.openStreams} streams are open, as many as may be: try again when some have ended.`;
  return new Fault("overloaded", message, { reason: "TOO_MANY_STREAMS" });
}
