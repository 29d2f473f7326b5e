/**
 * Restores memory when a cascade throws or a commit fails. Every change of the workspace and of the plane's memory is
 * made through the journal, or is recorded in it with a function that reverts it.
 */
export class Journal {
  readonly #undo: (() => void)[] = [];

  /** Records a change that has been made. @param undo reverts it */
  changed(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** Sets an entry of a map. Rolling back restores the previous value or its absence. */
  set<Key, Value>(map: Map<Key, Value>, key: Key, value: Value): void {
    const before = map.get(key) as Value;
    const had = before !== undefined || map.has(key);
    map.set(key, value);
    this.#undo.push(() => (had ? map.set(key, before) : map.delete(key)));
  }

  delete<Key, Value>(map: Map<Key, Value>, key: Key): void {
    if (!map.has(key)) return;
    const before = map.get(key) as Value;
    map.delete(key);
    this.#undo.push(() => map.set(key, before));
  }

  /** Adds to a count. A count of 0 is removed, so that the map does not grow with names that are no longer used. */
  count<Key>(counts: Map<Key, number>, key: Key, by: number): void {
    const sum = (counts.get(key) ?? 0) + by;
    if (sum === 0) this.delete(counts, key);
    else this.set(counts, key, sum);
  }

  push<Item>(list: Item[], item: Item): void {
    list.push(item);
    this.#undo.push(() => list.pop());
  }

  /** The present position, for {@link rollBackTo}. */
  mark(): number {
    return this.#undo.length;
  }

  /** Reverts every change since the mark, the last one first. */
  rollBackTo(mark: number): void {
    while (this.#undo.length > mark) this.#undo.pop()?.();
  }
}
