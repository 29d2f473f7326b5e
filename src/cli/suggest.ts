import { editDistance } from "#domain/edit-distance";

/** `; did you mean X?` for the candidate nearest to a word, or nothing if none is near. */
export function suggestion(word: string, candidates: readonly string[]): string {
  const farthest = Math.max(2, Math.floor(word.length / 3));
  const [nearest] = candidates
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .filter(({ distance }) => distance <= farthest)
    .sort((a, b) => a.distance - b.distance);
  return nearest ? `; did you mean ${nearest.candidate}?` : `; there are ${candidates.join(", ")}`;
}
