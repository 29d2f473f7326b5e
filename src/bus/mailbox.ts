/** How much a mailbox holds: so many messages, and so many bytes of payload in all of them. */
export interface MailboxBounds {
  readonly count: number;
  readonly bytes: number;
}

/**
 * A queue bounded by number and by weight. A full one refuses; it never grows and never drops what it
 * has taken. The last message taken in may pass the weight; what a failed turn gives back goes to the
 * front and may pass both by one turn's worth, for it had been taken in before.
 */
export class Mailbox<Item extends { readonly weight: number }> {
  readonly capacity: number;
  readonly #bytesMax: number;
  #bytes = 0;
  /** What was taken and put aside, until it is decided after all. */
  #asideCount = 0;
  #asideBytes = 0;
  /** Items wait from `#first` on; the part before has been taken and is cut off now and then. */
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

  /** False if it is full; then nothing has happened. */
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

  /** Counts an item that was taken among those that wait elsewhere; as many as the mailbox holds may. */
  putAside(weight: number): void {
    this.#asideCount += 1;
    this.#asideBytes += weight;
  }

  takeUp(weight: number): void {
    this.#asideCount -= 1;
    this.#asideBytes -= weight;
  }

  /** Puts back what was taken, in its old order, before everything else. */
  giveBack(items: readonly Item[]): void {
    this.#items = [...items, ...this.#items.slice(this.#first)];
    for (const { weight } of items) this.#bytes += weight;
    this.#first = 0;
  }
}
