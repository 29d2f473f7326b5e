import { isIndex, isObjectText, itemsOf, membersOf } from "./slices.js";

/** Reads several values of one JSON text, and splits each object and list on the way to them only once. */
export class SliceReader {
  readonly #text: string;
  /** The parts of the objects and lists that were split, by their path. */
  readonly #split = new Map<string, ReadonlyMap<string, string> | readonly string[] | undefined>();

  constructor(text: string) {
    this.#text = text;
  }

  /** The value at a path of names and indexes, as `sliceAt` finds it; undefined if there is none. */
  at(parts: readonly string[]): string | undefined {
    let found: string | undefined = this.#text;
    for (const [depth, part] of parts.entries()) {
      if (found === undefined) return undefined;
      const split = this.#splitOf(found, JSON.stringify(parts.slice(0, depth)));
      if (split instanceof Map) found = split.get(part);
      else found = isIndex(part) ? (split as readonly string[] | undefined)?.[Number(part)] : undefined;
    }
    return found;
  }

  #splitOf(text: string, path: string): ReadonlyMap<string, string> | readonly string[] | undefined {
    if (this.#split.has(path)) return this.#split.get(path);
    const split = isObjectText(text) ? membersOf(text) : itemsOf(text);
    this.#split.set(path, split);
    return split;
  }
}
