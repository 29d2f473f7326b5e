/**
 * A bounded queue. A full one refuses; it never grows and never drops what it has taken.
 *
 * What a failed turn gives back goes to the front and may exceed the capacity by one turn's worth: it
 * had been taken in before.
 */
export class Mailbox<Item> {
  readonly capacity: number;
  /** Items wait from `#first` on; the part before has been taken and is cut off now and then. */
  #items: Item[] = [];
  #first = 0;

  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1) {
      throw new RangeError(`a mailbox holds at least 1 message, got ${capacity}`);
    }
    this.capacity = capacity;
  }

  get size(): number {
    return this.#items.length - this.#first;
  }

  get isFull(): boolean {
    return this.size >= this.capacity;
  }

  /** False if it is full; then nothing has happened. */
  push(item: Item): boolean {
    if (this.isFull) return false;
    this.#items.push(item);
    return true;
  }

  peek(): Item | undefined {
    return this.#items[this.#first];
  }

  shift(): Item | undefined {
    const item = this.#items[this.#first];
    if (item === undefined) return undefined;

    this.#first += 1;
    if (this.#first >= 64 && this.#first * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#first);
      this.#first = 0;
    }
    return item;
  }

  /** Puts back what was taken, in its old order, before everything else. */
  giveBack(items: readonly Item[]): void {
    this.#items = [...items, ...this.#items.slice(this.#first)];
    this.#first = 0;
  }
}
