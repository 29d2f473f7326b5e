/**
 * The outgoing side of a stream as a pull source: `next` is called when the transport can send, so that nothing queues
 * behind a slow connection and heartbeats are never stale.
 */
export class PullStream<Frame> implements AsyncIterable<Frame> {
  readonly #next: () => Frame | undefined;
  #wake: (() => void) | undefined;
  #ended = false;

  /** @param next returns the frame to send now, or undefined if there is none; then it is called after {@link poke} */
  constructor(next: () => Frame | undefined) {
    this.#next = next;
  }

  /** Call it when there may be something to send. */
  poke(): void {
    this.#wake?.();
  }

  /** Closes this side of the stream once `next` returns undefined. */
  end(): void {
    this.#ended = true;
    this.poke();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Frame, void, undefined> {
    for (;;) {
      const frame = this.#next();
      if (frame !== undefined) yield frame;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
