import { randomFillSync } from "node:crypto";
import { V7Generator } from "uuidv7";
import { limits } from "#limits/index";
import type { Entropy } from "#ports/entropy";

/**
 * The entropy of a real machine. Ids of the same millisecond sort in the order in which they were made. Draws are not
 * for secrets.
 *
 * @param now the time part of ids, in Unix milliseconds. A server passes plane time: lists are ordered by id, and ids from
 *   a wrong wall clock would stay at the top.
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
