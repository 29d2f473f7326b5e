import { millis } from "#domain/time/time";

/**
 * # Overviews
 *
 * What `GetOverview` looks at: people ask for it every other second.
 */
export const overview = {
  /** How long ago something may have happened that counts as lately: long enough for a rate, short enough for now. */
  overviewWindow: millis(10_000),
  /** Tasks that are looked at to count those created lately, and those ended: a few milliseconds of the store. */
  overviewRows: 5_000,
  /** Queues that are looked at: each costs two reads of an index. */
  overviewLanes: 200,
  /** Of these, queues that are told. */
  overviewQueues: 50,
  /** Ready Steps that are counted of one queue. */
  overviewWaiting: 1_000,
  /** Tasks that have waited longest, and that have failed last: as many as a screen has room for. */
  overviewTasks: 10,
  /** Ended Tasks among which the failed ones are looked for. */
  overviewEnded: 2_000,
} as const;
