import { uuidv7 } from "uuidv7";
import type { Entropy } from "#ports/entropy";

/**
 * Chance on a real machine. Ids made in the same millisecond still sort in the order they were made in;
 * draws spread retries and are no secrets.
 */
export const nodeEntropy: Entropy = {
  uuid: uuidv7,
  draw: Math.random,
};
