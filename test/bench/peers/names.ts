/** The systems that do a job over PostgreSQL beside ours. */
export const peerNames = ["graphile-worker", "pg-boss", "DBOS"] as const;
export type PeerName = (typeof peerNames)[number];

/** Keep `inFlight` jobs going, each added and awaited, for `ms`. */
export interface PeerOrder {
  readonly inFlight: number;
  readonly ms: number;
}
