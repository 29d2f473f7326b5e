import { limits } from "#limits/index";
import { editDistance } from "./text/edit-distance.js";

/** However long a word is, more letters than this are not a slip. */
const SLIPS_MAX = 3;

/**
 * The candidate that somebody has meant who wrote this word, or undefined if none is near: one letter in three may be
 * wrong, and capitals do not count.
 *
 * @param slips how many letters may be wrong in a short word
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
