import { millis } from "#domain/time/time";

/**
 * # Wakes between nodes
 *
 * What the nodes of one store tell each other. A wake that is dropped costs time only: each node also looks into the store.
 */
export const broker = {
  /** Wakes that wait to be sent, of one kind and object only the last: the rest of a long outage is said as one gap. */
  wakesPending: 10_000,
  /** A notification of PostgreSQL: it refuses 8 000 bytes and more. */
  wakeBytes: 7_900,
  /** Notifications in one statement: some thousand wakes, so that each is a short transaction. */
  wakeBatch: 16,
  /** A lane's key in a wake. A longer one, of many labels, is left out; then all lanes are looked at. */
  wakeLaneBytes: 1_024,
  /** The delay before the second attempt to connect; each further one is twice as long. */
  brokerBackoffFirst: millis(50),
  /** The longest of these delays: an outage of the database ends for all nodes within it. */
  brokerBackoffMost: millis(2_000),
  /** Ended Tasks that other nodes have told of and that are read at the same time for the requests which wait for them. */
  endsReadAtOnce: 8,
  /** So long after a deadline that another node has set, this one looks for it: then that node has not seen to it. */
  dueOfOthers: millis(1_000),
} as const;
