import { nearest } from "#domain/nearest";

/** `; did you mean "X"?` for the candidate nearest to a word, or nothing if none is near. */
export function nearMiss(word: string, candidates: Iterable<string>): string {
  const near = nearest(word, candidates);
  return near === undefined ? "" : `; did you mean ${JSON.stringify(near)}?`;
}
