import { randomFillSync } from "node:crypto";
import { V7Generator } from "uuidv7";
import { limits } from "#domain/limits";
import type { Entropy } from "#ports/entropy";

/**
 * Chance on a real machine. Ids made in the same millisecond still sort in the order they were made in;
 * draws spread retries and are no secrets.
 *
 * @param now what ids are dated by, in Unix milliseconds. For a server plane time: lists are in the order of ids, and
 *   one from a wrong wall clock would stay at their top for ever.
 */
export function nodeEntropy(now: () => number = Date.now): Entropy {
  const ids = new V7Generator(pooledRandom());
  return { uuid: () => ids.generateOrResetWithTs(now()).toString(), draw: Math.random };
}

function pooledRandom(): { nextUint32(): number } {
  const pool = new Uint32Array(limits.randomNumbers);
  let used: number = limits.randomNumbers;
  return {
    nextUint32() {
      if (used === limits.randomNumbers) {
        randomFillSync(pool);
        used = 0;
      }
      return pool[used++] as number;
    },
  };
}
