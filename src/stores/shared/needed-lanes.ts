import { type Lane, laneOfKey } from "#domain/task/lane";
import type { Commit } from "#ports/store-turns";

/**
 * The lanes that must be there after a commit to a store that several processes write: those that it adds, and those of the Steps
 * that it puts in one. What this process knows to be there another one may just have removed.
 */
export function neededLanes({ lanesAdded, steps }: Commit): readonly Lane[] {
  const needed = new Map(lanesAdded.map((lane) => [lane.key, lane]));
  for (const { state, lane: key } of steps) {
    if (state !== "enqueued" || needed.has(key)) continue;
    const lane = laneOfKey(key);
    if (lane) needed.set(key, lane);
  }
  return [...needed.values()];
}
