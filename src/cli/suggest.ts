import { nearest } from "#domain/nearest";

/** Edit distance up to which a name is suggested: commands, settings and agents are few and differ by more. */
const SLIPS = 2;

/** Returns `; did you mean X?` for the candidate nearest to a word, or a list of all candidates if none is near. */
export function suggestion(word: string, candidates: readonly string[]): string {
  const near = nearest(word, candidates, SLIPS);
  return near === undefined ? `; there are ${candidates.join(", ")}` : `; did you mean ${near}?`;
}
