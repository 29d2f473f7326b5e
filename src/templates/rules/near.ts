import { nearest } from "#domain/nearest";

/** Returns `; did you mean "X"?` for the candidate nearest to a word, or an empty text if none is near. */
export function nearMiss(word: string, candidates: Iterable<string>): string {
  const near = nearest(word, candidates);
  return near === undefined ? "" : `; did you mean ${JSON.stringify(near)}?`;
}
