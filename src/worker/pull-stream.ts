/**
 * The worker's side of its stream, drawn rather than pushed: the transport asks for the next message when
 * it can take one, and only then is it decided what that is. So nothing queues up behind a slow
 * connection, and a heartbeat is as fresh as it can be.
 */
export class PullStream<Frame> implements AsyncIterable<Frame> {
  readonly #next: () => Frame | undefined;
  #wake: (() => void) | undefined;
  #ended = false;

  /** @param next what to send now, or undefined if there is nothing until the next {@link poke} */
  constructor(next: () => Frame | undefined) {
    this.#next = next;
  }

  /** There may be something to send. */
  poke(): void {
    this.#wake?.();
  }

  /** Sends what there is, and closes this side of the stream. */
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
