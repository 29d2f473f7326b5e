import { millis } from "#domain/time/time";
import { KIB, MIB } from "./units.js";

/**
 * # Streams
 *
 * What may be under way between the server and its Workers and watchers.
 */
export const streams = {
  /** Output of one Run that its Worker may have sent and not yet seen acknowledged, before an acknowledgement says otherwise. */
  runCreditBytes: 256 * KIB,
  /** The same over all Runs of one Worker. */
  workerCreditBytes: 8 * MIB,
  /** Frames waiting for one Worker's stream; past it the stream is closed, and the Worker resumes. */
  streamFrames: 4_096,
  /**
   * The same in bytes: the assignments that may wait for a Worker, one more of any size, and as much again for
   * acknowledgements.
   */
  streamFrameBytes: 16 * MIB,
  /** Places in a Worker's queue of frames that are empty before the others are moved up: seldom, and before they are many. */
  streamFrameGap: 1_024,
  /** Frames that a Worker takes none of for so long close its stream: two leases of a Worker of ours. */
  streamStall: millis(60_000),
  /**
   * Frames not yet taken by one Worker's transport, past which it is given no more assignments: several of the largest, so
   * that it never waits for the server.
   */
  unsentPerWorkerBytes: 8 * MIB,
  /**
   * The same over all Workers: what may lie in memory because some read slowly. A Worker may have as much waiting as is still
   * free of it.
   */
  unsentBytes: 64 * MIB,
  /** Bytes of one stream that are written and not taken by the network, past which its next message waits. */
  unsentPerStreamBytes: 128 * KIB,
  /** Bytes of whole messages of one stream that may wait for its handler; past it no more are read. */
  readAheadBytes: 64 * KIB,
  /** The least that is allocated for the beginning of a message. */
  readBufferLeastBytes: 64,
  /** The transport's memory that a message may keep alive without being copied. */
  readSharedBytes: 4 * KIB,
  /** Messages of all streams that are dealt with before timers, sockets and requests get their turn; others wait, one of each stream at a time. */
  messagesPerIteration: 64,
  /** Inputs read by reference at once; as many answers of the largest size are in memory. */
  inputReads: 16,
  /** Reads of inputs that wait for one of those; more are told to come again. */
  inputReadsWaiting: 1_024,
  /** Watchers of one Task. */
  watchersPerTask: 64,
  /** Requests that wait for the end of one Task: each is an entry in a map, and an answer when it ends. */
  waitersPerTask: 4_096,
  /** The same over all Tasks: as many as streams may be open, since each holds a request of about that size. */
  waiters: 16_384,
  /** Waiting requests that are told in one go; more come after others had their turn, since each makes an answer. */
  waitersAtOnce: 256,
  /** How long a request waits for the end of a Task if it does not say. */
  waitDefault: millis(60_000),
  /** The longest that it may wait: who wants to wait for longer asks again, so that nothing waits for a peer long gone. */
  waitMost: millis(600_000),
  /** One read of the log for a watcher; with the transport's buffer a watcher stays under 1 MiB. */
  watchReadBytes: 256 * KIB,
  /** Part of a read that is kept until a watcher has read all of it without being counted: no more than any open stream costs. */
  watchUncountedBytes: 16 * KIB,
  /** Recent log rows kept in memory for the watchers of one Task; older ones are read from the store. */
  watchCacheBytes: 256 * KIB,
  /** From the last message of a stream that the server ends until it is cut, whether the peer has taken that message or not. */
  lastMessage: millis(1_000),
  /** An event stream over HTTP without an event gets a comment this often: proxies cut connections that are silent for 30 s or more. */
  eventsHeartbeat: millis(15_000),
  /** How soon a browser comes back to an event stream that ended early: a restart takes about as long. */
  eventsRetry: millis(2_000),
  /** How often the server is asked whether it is ready, while somebody watches its health. */
  healthEvery: millis(1_000),
  /** What a refusal for want of room tells its caller to wait: long enough for a good part of a full queue to be worked off. */
  retryAfter: millis(1_000),
} as const;
