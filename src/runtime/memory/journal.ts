/**
 * How memory stays as before when a cascade throws or a commit fails: every change of the workspace and of
 * the plane's memory says here how to undo it.
 */
export class Journal {
  readonly #undo: (() => void)[] = [];

  /** Call after a change, with what takes it back. */
  changed(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** Sets an entry of a map; undoing puts back what was there. */
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

  /** Adds to a count; one that comes to 0 is forgotten, for its name may never be heard again. */
  count<Key>(counts: Map<Key, number>, key: Key, by: number): void {
    const sum = (counts.get(key) ?? 0) + by;
    if (sum === 0) this.delete(counts, key);
    else this.set(counts, key, sum);
  }

  push<Item>(list: Item[], item: Item): void {
    list.push(item);
    this.#undo.push(() => list.pop());
  }

  /** A place to come back to. */
  mark(): number {
    return this.#undo.length;
  }

  /** Takes back every change since the mark, the last one first. */
  rollBackTo(mark: number): void {
    while (this.#undo.length > mark) this.#undo.pop()?.();
  }
}
