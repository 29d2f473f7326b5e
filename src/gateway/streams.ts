import { Fault } from "#domain/fault";
import { limits } from "#domain/limits";

/** Nobody reads why a stream's signal aborts; without a reason Node would make an exception with a trace for each. */
const OVER = "the stream is over";

/** One open stream of a door: what its handler listens to, and why it was ended from this side. */
export class OpenStream {
  readonly #controller = new AbortController();
  #fault: Fault | undefined;

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
    this.#controller.abort(OVER);
  }
}

/** The open streams of all doors, so that a drain can end them. */
export class OpenStreams {
  readonly #streams = new Set<OpenStream>();
  #drained: Fault | undefined;

  /** One more; it has ended already while the doors drain, or if there are too many. */
  open(): OpenStream {
    const stream = new OpenStream();
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
