import { limits } from "#limits/index";

/** How much may wait in a queue, and what is to be told of it. */
export interface FrameQueueOptions<Item> {
  /** Items that may wait. */
  readonly count: number;
  /** Bytes that may wait; one item always fits into an empty queue. */
  readonly bytes: number;
  readonly sizeOf: (item: Item) => number;
  /** Called once, when an item finds no room; the queue has then ended. */
  readonly overflow: () => void;
  /** Called when what waits has come down to this many bytes, or to none. */
  readonly lowBytes: number;
  readonly drained: () => void;
}

/**
 * What waits to be written to one stream: pushed by the plane, read by the gateway. Bounded: a reader that
 * falls behind loses its stream, never the plane its memory. An item counts as waiting until the reader asks for the
 * next one, which is when the transport has taken it.
 */
export class FrameQueue<Item> implements AsyncIterable<Item> {
  readonly #options: FrameQueueOptions<Item>;
  /** Those that were read are empty places, so that nothing keeps them. */
  #items: (Item | undefined)[] = [];
  #taken = 0;
  #unsent = 0;
  #end: { readonly error?: Error } | undefined;
  #wake: (() => void) | undefined;
  /** Counts items that the transport has taken. */
  #progress = 0;

  constructor(options: FrameQueueOptions<Item>) {
    this.#options = options;
  }

  /** Bytes that the transport has not taken yet. */
  get unsentBytes(): number {
    return this.#unsent;
  }

  /** How many items the transport has taken. */
  get progress(): number {
    return this.#progress;
  }

  push(item: Item): void {
    if (this.#end) return;
    const { count, bytes, sizeOf, overflow } = this.#options;
    const size = sizeOf(item);
    const waits = this.#items.length - this.#taken;
    if (waits >= count || (this.#unsent > 0 && this.#unsent + size > bytes)) {
      this.#forget();
      this.end();
      overflow();
      return;
    }
    this.#items.push(item);
    this.#unsent += size;
    this.#wake?.();
  }

  /** What was pushed before is still read; then the iteration ends, or throws `error`. */
  end(error?: Error): void {
    this.#end ??= error ? { error } : {};
    this.#wake?.();
  }

  /** What was pushed and not read is forgotten: nobody is to hear it any more. The iteration throws `error`. */
  abandon(error: Error): void {
    this.#forget();
    this.end(error);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void> {
    try {
      for (;;) {
        const item = this.#items[this.#taken];
        if (item !== undefined) {
          this.#items[this.#taken] = undefined;
          this.#taken += 1;
          yield item;
          this.#sent(this.#options.sizeOf(item));
          continue;
        }
        this.#items = [];
        this.#taken = 0;
        if (this.#end?.error) throw this.#end.error;
        if (this.#end) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    } finally {
      this.end();
      this.#forget();
    }
  }

  #sent(size: number): void {
    this.#progress += 1;
    if (this.#taken >= limits.streamFrameGap) {
      this.#items = this.#items.slice(this.#taken);
      this.#taken = 0;
    }
    const { lowBytes, drained } = this.#options;
    const before = this.#unsent;
    this.#unsent = Math.max(0, before - size); // what was forgotten counts no more
    if ((before > lowBytes && this.#unsent <= lowBytes) || this.#unsent === 0) drained();
  }

  #forget(): void {
    this.#items = [];
    this.#taken = 0;
    this.#unsent = 0;
  }
}
