/** Bounds of a mailbox: the number of messages, and the bytes of their payloads together. */
export interface MailboxBounds {
  readonly count: number;
  readonly bytes: number;
}

/**
 * A FIFO queue bounded by number and weight. A full queue refuses new items; it never drops an item. The last item that is
 * accepted may exceed the weight, and items given back by a failed turn may exceed both bounds by one turn's worth.
 */
export class Mailbox<Item extends { readonly weight: number }> {
  readonly capacity: number;
  readonly #bytesMax: number;
  #bytes = 0;
  /** Items that were taken and set aside. */
  #asideCount = 0;
  #asideBytes = 0;
  /** The queue starts at `#first`; what is before it was taken and is cut off from time to time. */
  #items: Item[] = [];
  #first = 0;

  constructor({ count, bytes }: MailboxBounds) {
    if (!Number.isInteger(count) || count < 1) {
      throw new RangeError(`a mailbox holds at least 1 message, got ${count}`);
    }
    this.capacity = count;
    this.#bytesMax = bytes;
  }

  get size(): number {
    return this.#items.length - this.#first;
  }

  get isFull(): boolean {
    return (
      Math.max(this.size, this.#asideCount) >= this.capacity ||
      Math.max(this.#bytes, this.#asideBytes) >= this.#bytesMax
    );
  }

  /** Appends an item. Returns false, without adding it, if the queue is full. */
  push(item: Item): boolean {
    if (this.isFull) return false;
    this.#items.push(item);
    this.#bytes += item.weight;
    return true;
  }

  peek(): Item | undefined {
    return this.#items[this.#first];
  }

  shift(): Item | undefined {
    const item = this.#items[this.#first];
    if (item === undefined) return undefined;

    this.#first += 1;
    this.#bytes -= item.weight;
    if (this.#first >= 64 && this.#first * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }

  /** Counts a taken item as set aside, until {@link takeUp}; when as many are as the mailbox holds, it is full. */
  putAside(weight: number): void {
    this.#asideCount += 1;
    this.#asideBytes += weight;
  }

  takeUp(weight: number): void {
    this.#asideCount -= 1;
    this.#asideBytes -= weight;
  }

  /** Puts taken items back at the front, in their old order. */
  giveBack(items: readonly Item[]): void {
    this.#items = [...items, ...this.#items.slice(this.#first)];
    for (const { weight } of items) this.#bytes += weight;
    this.#first = 0;
  }
}
