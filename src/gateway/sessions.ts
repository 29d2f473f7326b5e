import {
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { limits } from "#domain/limits";
import type { Telemetry } from "#ports/telemetry";
import type { Connection } from "./connections.js";

/** Why a session was ended from this side. */
type EndCause = "handshake" | "headers" | "keepalive" | "resets" | "overhead" | "idle";

/** How often the sessions are looked at; no deadline of theirs is finer. */
const SWEEP_MS = 1_000;
/** A reset counts against its connection if the stream was open for no more: later ones are somebody's decision. */
const RAPID_MS = 1_000;
/** What a peer may send for each message it gets: window updates for its stream and its connection. */
const UPDATE_BYTES = 32;
/** HTTP/2's own bytes for each frame. */
const FRAME_BYTES = 9;

/** One HTTP/2 connection of a peer, and what tells an honest one from a flood. */
export class Session {
  readonly session: ServerHttp2Session;
  readonly connection: Connection;
  /** All times are those of {@link Sessions}' own clock. */
  readonly openedAt: number;
  /** The streams that are open. */
  open = 0;
  emptySince: number;
  /** True once the peer has acknowledged our settings: then Node holds it to them. */
  settled = false;
  lastStreamId = 0;
  /** Since when the headers of a request have begun and not ended. */
  headersSince = 0;
  pingedAt: number;
  answerDue = Number.POSITIVE_INFINITY;
  /** True once it is being destroyed from this side. */
  ending = false;
  /** What is left to spend on rapid resets. */
  #resets: number = limits.resetBurst;
  #resetsAt = performance.now();
  /** Bytes received that were explained by requests, their content, or our own messages. */
  #explained = 0;
  #seenBytes = 0;
  #overhead = 0;

  constructor(session: ServerHttp2Session, connection: Connection, now: number) {
    this.session = session;
    this.connection = connection;
    this.openedAt = now;
    this.emptySince = now;
    this.pingedAt = now;
  }

  /** A peer has been sent this many bytes of a message, or has sent that many of one. */
  carried(bytes: number): void {
    this.#explained += bytes + FRAME_BYTES;
  }

  sent(bytes: number): void {
    this.#explained += UPDATE_BYTES + bytes / 256;
  }

  requested(headerBytes: number): void {
    this.#explained += headerBytes + FRAME_BYTES;
  }

  /** @returns false if it was one rapid reset too many */
  reset(): boolean {
    const now = performance.now();
    const back = ((now - this.#resetsAt) / 1_000) * limits.resetsPerSecond;
    this.#resetsAt = now;
    this.#resets = Math.min(limits.resetBurst, this.#resets + back) - 1;
    return this.#resets >= 0;
  }

  /** @returns false if too much of what came in since the last look was frames that carry nothing */
  overheadWithin(): boolean {
    const bytes = this.connection.socket.bytesRead;
    const unexplained = bytes - this.#seenBytes - this.#explained;
    this.#seenBytes = bytes;
    this.#explained = 0;
    this.#overhead = Math.max(0, this.#overhead + unexplained - limits.frameOverheadPerSecond);
    return this.#overhead <= limits.frameOverheadBurst;
  }
}

/** What is done with a stream once its headers have passed. */
export type OnStream = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  session: Session,
  flags: number,
  rawHeaders: readonly string[],
) => void;

type StreamEvent = [
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  rawHeaders: readonly string[],
];

/**
 * The HTTP/2 sessions of one listener: speaks the protocol on accepted connections, and ends those that do not
 * shake hands, do not finish their headers, do not answer pings, are idle, or flood.
 */
export class Sessions {
  readonly #telemetry: Telemetry;
  readonly #listener: string;
  readonly #http2: Http2Server;
  readonly #onStream: OnStream;
  readonly #sessions = new Map<ServerHttp2Session, Session>();
  /** That of the session which is just being made. */
  #accepting: Connection | undefined;
  #sweeping: NodeJS.Timeout | undefined;
  /**
   * A clock that stands still while this process has no time to listen: what a peer has said meanwhile waits in the
   * system's buffers, and must not count as silence.
   */
  #now = SWEEP_MS;
  #sweptAt = 0;

  /** @param listener what metrics call it */
  constructor(onStream: OnStream, listener: string, telemetry: Telemetry) {
    this.#onStream = onStream;
    this.#listener = listener;
    this.#telemetry = telemetry;
    this.#http2 = createServer({
      maxHeaderListPairs: limits.headerPairs,
      // Beyond it Node would refuse an honest peer's streams; what sessions hold is counted by us.
      maxSessionMemory: Number.MAX_SAFE_INTEGER,
      maxSendHeaderBlockLength: Number.MAX_SAFE_INTEGER,
      settings: {
        maxConcurrentStreams: limits.streamsPerClientConnection,
        maxHeaderListSize: limits.headerBytes,
      },
    })
      .on("sessionError", () => undefined)
      .on("session", (session) => this.#watch(session));
  }

  /** Takes over a connection whose first bytes have not been read, or have been put back. */
  accept(connection: Connection): void {
    this.#accepting = connection;
    this.#http2.emit("connection", connection.socket);
    this.#accepting = undefined;
  }

  /** Takes no more requests; each session ends when those it has are answered. */
  close(): void {
    for (const session of this.#sessions.keys()) session.close();
  }

  destroy(): void {
    for (const session of this.#sessions.keys()) session.destroy();
  }

  #watch(http2Session: ServerHttp2Session): void {
    const session = new Session(http2Session, this.#accepting as Connection, this.#now + SWEEP_MS);
    this.#sessions.set(http2Session, session);
    http2Session.on("error", () => undefined);
    http2Session.on("stream", (...event: StreamEvent) => this.#admit(session, ...event));
    http2Session.once("localSettings", () => {
      session.settled = true;
    });
    http2Session.once("close", () => this.#sessions.delete(http2Session));
    if (this.#sweeping) return;
    this.#sweptAt = performance.now();
    this.#sweeping = setInterval(() => this.#sweep(), SWEEP_MS).unref();
  }

  #admit(session: Session, ...[stream, headers, flags, rawHeaders]: StreamEvent): void {
    stream.on("error", ignore);
    if (session.ending) return;
    session.lastStreamId = stream.id ?? session.lastStreamId;
    session.headersSince = 0;
    // What was reset with the bytes that opened it has come and gone already.
    if (stream.destroyed) {
      this.#wasReset(session);
      return;
    }
    session.open++;
    const openedAt = this.#now;
    stream.once("close", () => {
      if (--session.open === 0) session.emptySince = this.#now;
      const rapid = stream.rstCode !== constants.NGHTTP2_NO_ERROR && this.#now - openedAt <= RAPID_MS;
      if (rapid) this.#wasReset(session);
    });

    const bytes = sizeOf(headers);
    session.requested(bytes);
    // Until the peer has acknowledged our settings, Node holds it to none of them.
    if (!session.settled && bytes > limits.headerBytes) stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    else this.#onStream(stream, headers, session, flags, rawHeaders);
  }

  #wasReset(session: Session): void {
    if (!session.reset()) this.#end(session, "resets", constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  #sweep(): void {
    const sweptAt = performance.now();
    this.#now += Math.min(SWEEP_MS, sweptAt - this.#sweptAt);
    this.#sweptAt = sweptAt;
    const now = this.#now;
    for (const session of this.#sessions.values()) {
      if (session.session.destroyed) continue;
      const cause = lookAt(session, now);
      if (cause === "idle") this.#end(session, cause, constants.NGHTTP2_NO_ERROR);
      else if (cause) this.#end(session, cause, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    }
    if (this.#sessions.size > 0) return;
    clearInterval(this.#sweeping);
    this.#sweeping = undefined;
  }

  #end(session: Session, cause: EndCause, code: number): void {
    if (session.ending || session.session.destroyed) return;
    this.#telemetry.count("taskrun_connections_ended_total", { door: this.#listener, cause });
    if (cause === "idle") {
      session.session.close();
      return;
    }
    session.ending = true;
    // Not at once: destroyed while Node closes a stream that the peer has reset, a session never stops sending.
    setImmediate(() => session.session.destroy(undefined, code));
  }
}

/** Why this session must end, if it must. Sends a ping when one is due. */
function lookAt(session: Session, now: number): EndCause | undefined {
  if (!session.settled && now - session.openedAt >= limits.handshake) return "handshake";
  if (!session.overheadWithin()) return "overhead";
  if (now >= session.answerDue) return session.headersSince > 0 ? "headers" : "keepalive";

  // Node tells of a request when its headers have ended; its protocol library counts it when they begin.
  const begun = (session.session.state.lastProcStreamID ?? 0) > session.lastStreamId;
  if (begun && session.headersSince === 0) {
    session.headersSince = now;
    // A peer within its headers cannot answer; one whose headers were refused can.
    ping(session, now, limits.headers - SWEEP_MS);
  } else if (now - session.pingedAt >= limits.keepalivePing) {
    ping(session, now, limits.keepaliveTimeout);
  }
  const idle = session.open === 0 && now - session.emptySince >= limits.idleConnection;
  return idle ? "idle" : undefined;
}

function ping(session: Session, now: number, patience: number): void {
  session.pingedAt = now;
  session.answerDue = Math.min(session.answerDue, now + patience);
  session.session.ping((error) => {
    if (error) return;
    session.answerDue = Number.POSITIVE_INFINITY;
    if (session.headersSince === 0) return;
    session.headersSince = 0;
    session.lastStreamId = session.session.state.lastProcStreamID ?? 0;
  });
}

/** Of a stream that fails, what matters is that it closes. */
function ignore(): void {}

/** As HTTP/2 counts the headers of a request. */
function sizeOf(headers: IncomingHttpHeaders): number {
  let bytes = 0;
  for (const name in headers) {
    const value = headers[name];
    bytes += name.length + 32;
    if (typeof value === "string") bytes += value.length;
    else for (const each of value ?? []) bytes += each.length;
  }
  return bytes;
}
