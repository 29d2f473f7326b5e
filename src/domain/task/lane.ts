import type { Labels } from "./task.js";

/**
 * A lane holds the ready Steps that the same workers can take: one namespace, one agent, one
 * selector. Nothing in one lane ever waits behind something in another.
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
