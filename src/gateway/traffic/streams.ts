import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { type BufferedBytes, BufferUse } from "./buffered-bytes.js";

/** Nobody reads why a stream's signal aborts; without a reason Node would make an exception with a trace for each. */
const OVER = "the stream is over";

/** One open stream of a listener: what its handler listens to, and why it was ended from this side. */
export class OpenStream {
  readonly #controller = new AbortController();
  readonly #stalled: BufferedBytes;
  #fault: Fault | undefined;
  #kept: BufferUse | undefined;

  /** @param stalled where bytes count that are kept for peers until they read */
  constructor(stalled: BufferedBytes) {
    this.#stalled = stalled;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why this side ended it; undefined if it did not, or the peer was first. */
  get fault(): Fault | undefined {
    return this.#fault;
  }

  /** This side ends it. The first reason counts. */
  end(fault: Fault): void {
    if (this.signal.aborted) return;
    this.#fault = fault;
    this.#controller.abort(OVER);
  }

  /** The peer is gone, or all is said. */
  gone(): void {
    this.keep(0);
    this.#controller.abort(OVER);
  }

  /**
   * So many bytes are kept for the peer beside what was written to it, until the next call; 0 lets go of them. Ends the
   * stream if all streams together keep too much, and this one has kept it longest.
   */
  keep(bytes: number): void {
    if (bytes > 0 && !this.signal.aborted) {
      this.#kept ??= new BufferUse((fault) => this.end(fault));
      this.#stalled.use(this.#kept, bytes);
    } else if (this.#kept) {
      this.#stalled.release(this.#kept);
    }
  }
}

/** The open streams of all listeners, so that a drain can end them. */
export class OpenStreams {
  readonly #streams = new Set<OpenStream>();
  readonly #stalled: BufferedBytes;
  #drained: Fault | undefined;

  /** @param stalled where bytes count that are kept for peers until they read */
  constructor(stalled: BufferedBytes) {
    this.#stalled = stalled;
  }

  /** One more; it has ended already while the gateway drains, or if there are too many. */
  open(): OpenStream {
    const stream = new OpenStream(this.#stalled);
    if (this.#drained) stream.end(this.#drained);
    else if (this.#streams.size >= limits.openStreams) stream.end(tooManyStreams());
    else this.#streams.add(stream);
    return stream;
  }

  close(stream: OpenStream): void {
    this.#streams.delete(stream);
    stream.gone();
  }

  /** Ends all that are open, and from now on each as soon as it opens. */
  drain(fault: Fault): void {
    this.#drained = fault;
    for (const stream of this.#streams) stream.end(fault);
    this.#streams.clear();
  }
}

function tooManyStreams(): Fault {
  const message = `${limits.openStreams} streams are open, as many as may be: try again when some have ended.`;
  return new Fault("overloaded", message, { reason: "TOO_MANY_STREAMS" });
}
