/**
 * The source of ids and random numbers. A seeded one replays them; see `seededEntropy` of `taskrun/testing`.
 *
 * @example
 * ```ts
 * import type { Entropy } from "taskrun/ports/entropy";
 * import { seededEntropy } from "taskrun/testing";
 *
 * const entropy: Entropy = seededEntropy(42);
 * const [id, delayMs] = [entropy.uuid(), 1_000 * entropy.draw()];
 * ```
 */
export interface Entropy {
  /** Returns a new UUIDv7. Ids sort in the order in which they were made. */
  uuid(): string;
  /** Returns a number uniform in [0, 1). Not for secrets. */
  draw(): number;
}
