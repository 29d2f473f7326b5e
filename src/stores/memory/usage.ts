import { limits } from "#limits/index";
import type { CountedOutput, UsageStore } from "#ports/usage";

/** What processes have counted, by day, process and namespace. */
export class MemoryUsage implements UsageStore {
  readonly #days = new Map<number, Map<string, Map<string, number>>>();

  async putOutput({ writer, day, bytes }: CountedOutput): Promise<ReadonlyMap<string, number>> {
    for (const old of [...this.#days.keys()].filter((each) => each < day - 1)) this.#days.delete(old);
    const writers = this.#days.get(day) ?? new Map<string, Map<string, number>>();
    const own = writers.get(writer) ?? new Map<string, number>();
    for (const [namespace, count] of bytes) own.set(namespace, Math.max(count, own.get(namespace) ?? 0));
    if (own.size > 0) this.#days.set(day, writers.set(writer, own));
    const all = new Map<string, number>();
    for (const counted of writers.values()) {
      for (const [namespace, count] of counted) all.set(namespace, (all.get(namespace) ?? 0) + count);
    }
    return new Map([...all].sort(([, a], [, b]) => b - a).slice(0, limits.usageNamespaces));
  }
}
