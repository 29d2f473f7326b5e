import { nearest } from "#domain/nearest";
import { editDistance } from "#domain/text/edit-distance";
import { limits } from "#limits/index";

/** Returns `; did you mean "X"?` for the candidate nearest to a word, or an empty text if none is near. */
export function nearMiss(word: string, candidates: Iterable<string>): string {
  const near = nearest(word, candidates);
  return near === undefined ? "" : `; did you mean ${JSON.stringify(near)}?`;
}

/** Letters that may differ in a slip. */
const SLIP = 2;

/** The key that a word is a slip of: one or two letters differ, and not all of them. Case is ignored. */
export function slipOf(word: string, keys: readonly string[]): string | undefined {
  if (word.length > limits.similarWordChars) return undefined;
  let [found, least]: [string | undefined, number] = [undefined, Math.min(SLIP + 1, word.length)];
  for (const key of keys) {
    if (Math.abs(key.length - word.length) >= least) continue;
    const distance = editDistance(word.toLowerCase(), key.toLowerCase());
    if (distance < least) [found, least] = [key, distance];
  }
  return found;
}
