import { millis } from "#domain/time/time";
import { KIB, MIB } from "./units.js";

/**
 * # Connections
 *
 * A peer holds what it has sent, and nothing that it has only announced. What goes over one of these bounds ends the request
 * that has taken longest, or, where the connection itself is to blame, that connection; others do not notice. Deadlines of
 * peers stand still while the server itself has no time to listen.
 */
export const connections = {
  /**
   * Connections of all gRPC listeners together, and again of all HTTP listeners, unless the setting says another number: far
   * more than the Workers and tools of one server open. More are closed at once.
   */
  connections: 1_024,
  /**
   * Of them, those that one remote address (of IPv6: one /64) has without having said hello, unless the setting says another
   * number: a quarter, so that no one address takes all. The loopback is not counted.
   */
  connectionsPerAddress: 256,
  /** How often connections that are closed for want of room are written to the log; the counter says how many there were. */
  refusedConnectionsLogged: millis(60_000),
  /** How often requests of one rpc that cannot be decoded are written to the log; the counter says how many there were. */
  undecodableLogged: millis(60_000),
  /** HTTP/2 streams on one client's connection; who needs more opens a second one. */
  streamsPerClientConnection: 100,
  /**
   * Streams of Workers, watchers and health checks, and requests that wait for a Task, over all connections: 20 KiB each,
   * 300 MiB together at worst. More are refused with `TOO_MANY_STREAMS`.
   */
  openStreams: 16_384,
  /** Requests that have begun and not been received whole, over all connections; past it the oldest is refused with `RECEIVING_FULL`. */
  unfinishedRequests: 4_096,
  /**
   * Bytes of requests that are not complete and of answers and events that have not been read, over all connections: 24
   * messages of the largest size. Past it the oldest is ended, with `RECEIVING_FULL` or `SENDING_FULL`, unless it is younger
   * than `bufferedGrace` and they are fewer than `bufferedBytesMost`.
   */
  bufferedBytes: 96 * MIB,
  /** Past this the oldest is ended however young it is: below, many Workers may have large results at once. */
  bufferedBytesMost: 192 * MIB,
  /** How long a request or answer may be buffered though more than `bufferedBytes` are. */
  bufferedGrace: millis(2_000),
  /**
   * Of `bufferedBytes`, what the answers of one connection take that may be large: four of the largest size. Each counts with the
   * most that it may be from before it is read from the store, and with its size until the peer has read it. More requests of
   * that connection wait until there is room; the first one is let in above `bufferedBytes` too, so that who reads is served while
   * others do not.
   */
  answersPerConnection: 16 * MIB,
  /**
   * Requests that wait so, over all connections. Past it the oldest is refused with `ANSWERS_FULL`, as is one that has waited
   * as long as `body`.
   */
  answersWaiting: 1_024,
  /** How often, while requests wait so, those that have waited too long are refused. */
  answersEvery: millis(250),
  /** Messages compressed or expanded at once: as many as Node has threads for it; others wait. */
  compressing: 4,
  /** Streams that one connection may reset within `resetRapid` of their opening, in a burst; then it is closed. */
  resetBurst: 100,
  /** What of that comes back each second: who cancels watches and requests stays far below it. */
  resetsPerSecond: 10,
  /** A reset counts against its connection if the stream was open for no longer: later ones are somebody's decision. */
  resetRapid: millis(1_000),
  /**
   * Bytes of HTTP/2 frames that carry neither a request nor its content nor answer what was sent, in a burst: pings, settings,
   * priorities, window updates, empty and unknown frames.
   */
  frameOverheadBurst: 4 * MIB,
  /** What of that comes back each second. */
  frameOverheadPerSecond: 1 * MIB,
  /**
   * HTTP/2 frames with less of a message in them than their own 9 bytes that one connection may send in a burst; then it is
   * closed: each is as much work as one of 16 KiB.
   */
  tinyFrameBurst: 4_096,
  /** What of that comes back each second; one more with each request, since an empty one is such a frame. */
  tinyFramesPerSecond: 1_024,
  /** How often connections and requests are looked at; no deadline of a peer is finer. */
  deadlineEvery: millis(1_000),
  /** From a connection to the end of its handshake: of HTTP/2, until our settings are acknowledged. */
  handshake: millis(5_000),
  /**
   * TLS handshakes begun in one iteration of the event loop: some 3 ms of the thread each, so that heartbeats and requests
   * are served between those of many Workers that come back at once.
   */
  handshakesPerIteration: 4,
  /** From the first byte of a request to the end of its headers. */
  headers: millis(5_000),
  /**
   * From there to the end of its body, on a stream from the first byte of each message to its last; and from an answer until
   * it has been read, except on streams. A message of 4 MiB at a tenth of a megabyte a second.
   */
  body: millis(40_000),
  /** From an answer to the end of its request: several round trips. */
  halfOpen: millis(5_000),
  /** A request over HTTP/1.1 of at most this size that is answered before its end is read to its end; of a larger one the connection is closed. */
  discardedBytes: 256 * KIB,
  /** An HTTP/2 connection without an open stream is closed after this long; clients open the next one by themselves. */
  idleConnection: millis(300_000),
  /** The same of HTTP/1.1. */
  idleHttp1: millis(5_000),
  /** From the opening of a Worker's stream to its hello. */
  hello: millis(10_000),
  /**
   * How long a browser may remember that an origin is allowed, before it asks again: as long as Chromium does at most. So long
   * may a page still send requests after its origin was removed; they are refused.
   */
  preflightAge: millis(7_200_000),
  /** Between two pings on a silent connection. */
  keepalivePing: millis(30_000),
  /**
   * A ping unanswered for so long ends the connection. HTTP/1.1 has no pings: there TCP's own keepalive finds a machine or
   * network that is gone, after as long.
   */
  keepaliveTimeout: millis(10_000),
  /** What a stopping server gives the requests in hand before it gives up on a clean stop. */
  drain: millis(10_000),
} as const;
