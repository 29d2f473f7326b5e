/** Goes through the keys of a map page by page, again and again, so that each has its turn however many there are. */
export class RoundRobin<Key> {
  readonly #map: ReadonlyMap<Key, unknown>;
  #left: Iterator<Key> | undefined;

  constructor(map: ReadonlyMap<Key, unknown>) {
    this.#map = map;
  }

  /** The next keys, each at most once. */
  page(most: number): Key[] {
    const page: Key[] = [];
    while (page.length < Math.min(most, this.#map.size)) {
      this.#left ??= this.#map.keys();
      const next = this.#left.next();
      if (next.done) this.#left = undefined;
      else page.push(next.value);
    }
    return page;
  }
}
