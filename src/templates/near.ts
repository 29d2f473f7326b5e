import { editDistance } from "#domain/edit-distance";
import { limits } from "#domain/limits";

/** `; did you mean "X"?` for the candidate nearest to a word, or nothing if none is near. */
export function nearMiss(word: string, candidates: Iterable<string>): string {
  if (word.length > limits.similarWordChars) return "";

  const farthest = Math.max(1, Math.min(3, Math.floor(word.length / 3)));
  let [nearest, least] = ["", farthest + 1];
  let looked = 0;
  for (const candidate of candidates) {
    looked += 1;
    if (looked > limits.similarWords) break;
    if (Math.abs(candidate.length - word.length) >= least) continue;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < least) [nearest, least] = [candidate, distance];
  }
  return nearest === "" ? "" : `; did you mean ${JSON.stringify(nearest)}?`;
}
