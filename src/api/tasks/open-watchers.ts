import { type ByNamespace, limitOf, namespaceFull } from "#domain/namespace-limits";
import { limits } from "#limits/index";

/** Bounds how many watch Tasks of each namespace at a time. Counts those of one server. */
export class OpenWatchers {
  readonly #limits: ByNamespace;
  /** Of namespaces that have a limit, and a watcher. */
  readonly #open = new Map<string, number>();

  constructor(most: ByNamespace) {
    this.#limits = most;
  }

  /** @throws {Fault} `overloaded` if no further one may watch */
  check(namespace: string): void {
    const limit = limitOf(this.#limits, namespace);
    const open = this.#open.get(namespace) ?? 0;
    if (limit === undefined || open < limit) return;
    throw namespaceFull(namespace, {
      ...{ setting: "open-watchers", limit, has: `${open} open watchers on this server` },
      ...{ way: "try again when one has ended", retryAfter: limits.retryAfter },
    });
  }

  /** Counts a watcher from its first read to its end. @throws {Fault} with the first read, as {@link check} */
  async *counted<Slice>(namespace: string, slices: AsyncIterable<Slice>): AsyncGenerator<Slice> {
    this.check(namespace);
    if (limitOf(this.#limits, namespace) === undefined) return yield* slices;
    this.#open.set(namespace, (this.#open.get(namespace) ?? 0) + 1);
    try {
      yield* slices;
    } finally {
      const left = (this.#open.get(namespace) ?? 1) - 1;
      if (left === 0) this.#open.delete(namespace);
      else this.#open.set(namespace, left);
    }
  }
}
