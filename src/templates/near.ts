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
    const distance = changes(word.toLowerCase(), candidate.toLowerCase());
    if (distance < least) [nearest, least] = [candidate, distance];
  }
  return nearest === "" ? "" : `; did you mean ${JSON.stringify(nearest)}?`;
}

/** How many letters must be put in, left out, replaced or swapped with the next to make one word the other. */
function changes(from: string, to: string): number {
  let [before, row] = [[] as number[], Array.from({ length: to.length + 1 }, (_, i) => i)];
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + Number(from[i - 1] !== to[j - 1]);
      const isSwap = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      const swapped = isSwap ? (before[j - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY;
      next.push(Math.min(replaced, swapped, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    [before, row] = [row, next];
  }
  return row[to.length] ?? 0;
}
