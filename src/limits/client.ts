import { millis } from "#domain/time/time";
import { MIB } from "./units.js";

/**
 * # The client
 *
 * Bounds within a process that uses the client library.
 */
export const client = {
  /** One call, unless the option says otherwise: long enough for a commit on a slow disk, short enough that a dead server is noticed. */
  callTimeout: millis(10_000),
  /** Addresses of one plane that a client or Worker may be given: more nodes than that are named by a load balancer. */
  addresses: 16,
  /** How long an address may take to connect and to answer, when there are others: a node that is there does so in milliseconds. */
  addressAnswer: millis(2_000),
  /** After so long without an answer the next address is tried as well, and the first one that answers is used. */
  addressStagger: millis(250),
  /** Tries of a request that carries a key: enough for a server that restarts, few enough to fail while somebody waits. */
  callAttempts: 4,
  /** The longest pause after the first try that failed; it doubles, and is random. Short, because somebody waits for the answer. */
  callRetryFirst: millis(100),
  /** The longest pause between two tries. */
  callRetryMost: millis(2_000),
  /**
   * Connections of one client to its server, each with as many streams as the server allows, 100 as shipped: 1 600 watches.
   * Calls above that wait for an earlier one to end.
   */
  connectionsPerClient: 16,
  /** The longest deadline of a call that gRPC can say in milliseconds, over a day; a longer one counts as none. */
  callTimeoutMost: millis(99_999_999),
  /** Failures in a row after which a watch is given up, unless the option says otherwise; and so a wait for a Task that may exist. */
  watchFailures: 30,
  /** A wait that ends sooner without an end of its Task is followed by a pause: the server does not wait. */
  waitLeast: millis(1_000),
  /** The largest result that is put together of the results of several last Steps: it is parsed as one text. */
  wholeResultBytes: 64 * MIB,
  /** The longest pause after the first failure of a watch; it doubles, and is random. */
  watchRetryFirst: millis(200),
  /** The longest such pause: a server that restarts is back within seconds. */
  watchRetryMost: millis(5_000),
  /** The largest answer: a Task with its input, its result and its Steps' results, each within 1 MiB or so. */
  answerBytes: 16 * MIB,
} as const;
