import type { RunRow } from "./task/run.js";
import type { Instant } from "./time/time.js";

/** The restoration from a backup with which the present life of a store began. */
export interface Restoration {
  /** Drawn at random by each restoration: the same backup restored twice has two. */
  readonly id: string;
  /** The first instant of this life. What the backup holds is older. */
  readonly since: Instant;
}

/** Between the two parts of the name of an incarnation. */
const SEPARATOR = ".";

/**
 * The name of an incarnation as workers hear it: of the life of the store, unless it was never restored, and of the start of the
 * server. Neither part has a full stop.
 */
export function incarnationName(start: string, restored: Restoration | undefined): string {
  return restored ? `${restored.id}${SEPARATOR}${start}` : start;
}

/** True if both names are of the same life of the same store; also if one of them is empty, because nothing is known of it. */
export function isSameLife(a: string, b: string): boolean {
  return a === "" || b === "" || lifeIn(a) === lifeIn(b);
}

function lifeIn(name: string): string {
  const end = name.indexOf(SEPARATOR);
  return end < 0 ? "" : name.slice(0, end);
}

/**
 * True if the Run was made before the store was restored. What has become of it since the backup nobody knows: its fence may
 * have been given to another Run in the time that was rolled back, so that no word of its worker counts any more.
 */
export function isOfFormerLife(
  { createdAt }: Pick<RunRow, "createdAt">,
  restored: Restoration | undefined,
): boolean {
  return restored !== undefined && createdAt < restored.since;
}
