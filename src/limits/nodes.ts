import { millis } from "#domain/time/time";

/**
 * # Several nodes over one store
 *
 * How nodes know of each other, and how long what one does may wait until another one knows.
 */
export const nodes = {
  /** The lease of a node, by the clock of the store. When it has ended, others take over what the node had. */
  nodeLease: millis(15_000),
  /** How often a node renews its lease: three times in it, so that two lost renewals do no harm. */
  nodeRenew: millis(5_000),
  /** How soon a renewal that has failed is tried again. */
  nodeRetry: millis(1_000),
  /**
   * A node stops by itself if its lease was not renewed for so long, by its own clock and counted from when the renewal was
   * sent: a third of a lease before others may act.
   */
  nodeAlone: millis(10_000),
  /** How often a node asks the store for what it may have missed. So long at most waits what a lost wake would have told. */
  nodePoll: millis(5_000),
  /** Wakes are answered by at most one poll in this time. */
  nodePollSoonest: millis(50),
  /** How long a ready Step or a deadline that a node has claimed is given to no other: time to act on it, and little lost if it does not. */
  claimLease: millis(5_000),
  /** Watched and awaited Tasks that one poll asks for; what is left comes next time. */
  pollTasks: 10_000,
  /** Workers that one poll asks for; what is left comes next time. */
  pollWorkers: 5_000,
  /** Runs to be cancelled that one poll answers; what is left comes next time. */
  pollRuns: 1_000,
  /** Dead nodes that one poll answers. */
  pollNodes: 16,
  /** Lanes that one poll answers. */
  pollLanes: 1_000,
  /** Nodes that are listed. */
  nodesListed: 1_000,
  /** Runs of a dead node that are read and adopted at once. */
  takeOverRuns: 200,
  /** Rows of workers that are read at once for a list of all nodes' workers. */
  workerPage: 500,
  /** How long the rows of nodes and workers are kept that are gone: longer than any decision that may rest on one. */
  goneKept: millis(60 * 60_000),
  /** Rows of each kind that are removed at once. */
  goneRemoved: 500,
  /** How often rows are removed in a row, every `retentionEvery`; what is left comes next time. */
  goneBatches: 20,
} as const;
