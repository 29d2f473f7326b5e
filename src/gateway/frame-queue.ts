/**
 * What waits to be written to one stream: pushed by the plane, read by the door. Bounded: a reader that
 * falls behind by `capacity` items loses its stream, never the plane its memory.
 */
export class FrameQueue<Item> implements AsyncIterable<Item> {
  readonly #capacity: number;
  readonly #overflow: () => void;
  #items: Item[] = [];
  #taken = 0;
  #end: { readonly error?: Error } | undefined;
  #wake: (() => void) | undefined;

  /** @param overflow called once, when an item finds no room; the queue has then ended */
  constructor(capacity: number, overflow: () => void) {
    this.#capacity = capacity;
    this.#overflow = overflow;
  }

  push(item: Item): void {
    if (this.#end) return;
    if (this.#items.length - this.#taken >= this.#capacity) {
      this.#items = [];
      this.#taken = 0;
      this.end();
      this.#overflow();
      return;
    }
    this.#items.push(item);
    this.#wake?.();
  }

  /** What was pushed before is still read; then the iteration ends, or throws `error`. */
  end(error?: Error): void {
    this.#end ??= error ? { error } : {};
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void> {
    for (;;) {
      const item = this.#items[this.#taken];
      if (item !== undefined) {
        this.#taken++;
        yield item;
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
  }
}
