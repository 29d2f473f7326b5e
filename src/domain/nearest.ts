import { limits } from "#limits/index";
import { editDistance } from "./text/edit-distance.js";

/** Most letters that may differ, however long the word is. */
const SLIPS_MAX = 3;

/**
 * The candidate that a misspelled word probably means; undefined if none is near. One letter in three may differ;
 * case is ignored.
 *
 * @param slips how many letters may differ in a short word
 */
export function nearest(word: string, candidates: Iterable<string>, slips = 1): string | undefined {
  if (word.length > limits.similarWordChars) return undefined;

  let least = Math.max(slips, Math.min(SLIPS_MAX, Math.floor(word.length / 3))) + 1;
  let found: string | undefined;
  let looked = 0;
  for (const candidate of candidates) {
    looked += 1;
    if (looked > limits.similarWords) break;
    if (Math.abs(candidate.length - word.length) >= least) continue;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < least) [found, least] = [candidate, distance];
  }
  return found;
}
