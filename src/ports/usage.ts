/**
 * What one process has counted of a day: all of it so far, not what is new.
 *
 * @example
 * ```ts
 * import type { CountedOutput } from "taskrun/ports/usage";
 *
 * const total = ({ bytes }: CountedOutput): number => [...bytes.values()].reduce((sum, each) => sum + each, 0);
 * ```
 */
export interface CountedOutput {
  /** Names the process, and each start of it anew. */
  readonly writer: string;
  /** Days since 1970, UTC. */
  readonly day: number;
  /** By namespace. */
  readonly bytes: ReadonlyMap<string, number>;
}

/**
 * Where processes keep what they have counted, so that it outlasts them and adds up over all of them: part of a store that can keep it.
 *
 * @example
 * ```ts
 * import type { UsageStore } from "taskrun/ports/usage";
 *
 * async function writtenToday(usage: UsageStore, namespace: string): Promise<number> {
 *   const day = Math.floor(Date.now() / 86_400_000);
 *   const all = await usage.putOutput({ writer: "a look", day, bytes: new Map() });
 *   return all.get(namespace) ?? 0;
 * }
 * ```
 */
export interface UsageStore {
  /**
   * Writes what a process has counted, durably; a number less than what is there changes nothing, so that the call may be repeated.
   * Forgets earlier days than that before.
   *
   * @returns what all processes have of that day, by namespace: of at most `limits.usageNamespaces` those with the most
   */
  putOutput(own: CountedOutput): Promise<ReadonlyMap<string, number>>;
}
