import { nearest } from "#domain/nearest";

/** Commands, settings and agents are few and unlike one another: two wrong letters still tell which was meant. */
const SLIPS = 2;

/** `; did you mean X?` for the candidate nearest to a word, or all of them if none is near. */
export function suggestion(word: string, candidates: readonly string[]): string {
  const near = nearest(word, candidates, SLIPS);
  return near === undefined ? `; there are ${candidates.join(", ")}` : `; did you mean ${near}?`;
}
