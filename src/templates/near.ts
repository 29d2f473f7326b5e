import { editDistance } from "#domain/edit-distance";

/** Words longer than this are no slip of the hand, and comparing them all would take long. */
const WORD_MAX = 64;
/** As many candidates are looked at. */
const CANDIDATES_MAX = 200;

/** `; did you mean "X"?` for the candidate nearest to a word, or nothing if none is near. */
export function nearMiss(word: string, candidates: Iterable<string>): string {
  if (word.length > WORD_MAX) return "";

  const farthest = Math.max(1, Math.min(3, Math.floor(word.length / 3)));
  let [nearest, least] = ["", farthest + 1];
  let looked = 0;
  for (const candidate of candidates) {
    looked += 1;
    if (looked > CANDIDATES_MAX) break;
    if (Math.abs(candidate.length - word.length) >= least) continue;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < least) [nearest, least] = [candidate, distance];
  }
  return nearest === "" ? "" : `; did you mean ${JSON.stringify(nearest)}?`;
}
