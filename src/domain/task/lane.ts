import type { Labels } from "./task.js";

/**
 * A queue of ready Steps that the same workers can take: one namespace, one agent, one selector. A Step never waits
 * behind Steps of another lane.
 */
export interface Lane {
  /** Canonical JSON of the other three; equal lanes have equal keys. */
  readonly key: string;
  readonly namespace: string;
  readonly agentName: string;
  readonly selector: Labels;
}

export function laneOf(namespace: string, agentName: string, selector: Labels): Lane {
  const sorted = Object.entries(selector).sort(([a], [b]) => (a < b ? -1 : 1));
  return { key: JSON.stringify([namespace, agentName, sorted]), namespace, agentName, selector };
}

/** The lane with this key; undefined if it is none of {@link laneOf}. */
export function laneOfKey(key: string): Lane | undefined {
  if (!key.startsWith("[")) return undefined;
  const [namespace, agentName, sorted] = JSON.parse(key) as [string, string, [string, string][]];
  return { key, namespace, agentName, selector: Object.fromEntries(sorted) };
}
