import { limits } from "#limits/index";

/** Bounds and callbacks of a queue. */
export interface FrameQueueOptions<Item> {
  /** Most items that may wait. */
  readonly count: number;
  /** Most bytes that may wait; an item of any size fits into an empty queue. */
  readonly bytes: number;
  readonly sizeOf: (item: Item) => number;
  /** Called once, when an item does not fit; the queue has then ended. */
  readonly overflow: () => void;
  /** Called when the waiting bytes have fallen to this number, and when they have fallen to 0. */
  readonly lowBytes: number;
  readonly drained: () => void;
}

/**
 * A bounded queue of items to be written to one stream: pushed by the plane, iterated by the gateway. A reader that
 * falls too far behind loses its stream. An item counts as waiting until the reader asks for the next one, which is
 * when the transport has taken it.
 */
export class FrameQueue<Item> implements AsyncIterable<Item> {
  readonly #options: FrameQueueOptions<Item>;
  /** Items that were read are replaced by undefined, so that they can be collected. */
  #items: (Item | undefined)[] = [];
  #taken = 0;
  #unsent = 0;
  #end: { readonly error?: Error } | undefined;
  #wake: (() => void) | undefined;
  /** How many items the transport has taken so far. */
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

  /** Ends the queue: items pushed before are still read, then the iteration ends, or throws `error`. */
  end(error?: Error): void {
    this.#end ??= error ? { error } : {};
    this.#wake?.();
  }

  /** Ends the queue and drops the items that were not read. The iteration throws `error`. */
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
    this.#unsent = Math.max(0, before - size); // dropped items no longer count
    if ((before > lowBytes && this.#unsent <= lowBytes) || this.#unsent === 0) drained();
  }

  #forget(): void {
    this.#items = [];
    this.#taken = 0;
    this.#unsent = 0;
  }
}
