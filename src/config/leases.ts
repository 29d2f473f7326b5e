import type { Millis } from "#domain/time/time";
import { parseDuration, type Setting } from "./setting.js";
import { duration } from "./values.js";

/** When a Worker that is not heard of has lost its Runs. */
export const leases = {
  lease: {
    ...duration("500ms", "1h", ", at least two heartbeats"),
    fallback: "30s",
    help: "How long a worker may be silent before its runs are lost.",
  },
  heartbeat: {
    ...duration("50ms", "10m"),
    fallback: "5s",
    help: "How often a worker is asked to speak; workers of the SDK do so at least six times in a lease.",
  },
  "public-lease": {
    ...duration("1s", "1h"),
    fallback: "90s",
    help: "The lease of a worker that speaks the public protocol only, and is told no terms.",
  },
} as const satisfies Record<string, Setting>;

/** The terms of a server that says nothing of leases. */
export const defaultTerms = {
  lease: parseDuration(leases.lease.fallback),
  heartbeat: parseDuration(leases.heartbeat.fallback),
  publicLease: parseDuration(leases["public-lease"].fallback),
};

/** What no setting of a lease says by itself: whether a Worker can keep it. */
export function leaseProblems(config: { readonly lease: Millis; readonly heartbeat: Millis }): string[] {
  const { lease, heartbeat } = config;
  if (2 * heartbeat <= lease) return [];
  return [
    `heartbeat (${heartbeat} ms) is more than half of lease (${lease} ms): one late beat would lose every run`,
  ];
}
