import {
  constants,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import { limits } from "#limits/index";
import type { Telemetry } from "#ports/telemetry";
import type { Connection } from "./connections.js";
import { type EndCause, lookAt, Session } from "./session.js";

/** Called for a stream whose headers have been accepted. */
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
 * The HTTP/2 sessions of one listener. Serves accepted connections, and ends those that do not complete the handshake
 * or their headers, do not answer pings, are idle, or flood.
 */
export class Sessions {
  readonly #telemetry: Telemetry;
  readonly #listener: string;
  readonly #http2: Http2Server;
  readonly #onStream: OnStream;
  readonly #sessions = new Map<ServerHttp2Session, Session>();
  /** The connection of the session that is being created. */
  #accepting: Connection | undefined;
  #sweeping: NodeJS.Timeout | undefined;
  /**
   * Milliseconds, without times when this process was too busy to read: what a peer sent meanwhile is still in the
   * system's buffers, so that the peer must not count as silent.
   */
  #now: number = limits.deadlineEvery;
  #sweptAt = 0;

  /** @param listener its name in metrics */
  constructor(onStream: OnStream, listener: string, telemetry: Telemetry) {
    this.#onStream = onStream;
    this.#listener = listener;
    this.#telemetry = telemetry;
    this.#http2 = createServer({
      maxHeaderListPairs: limits.headerPairs,
      // Beyond it Node would refuse an honest peer's streams; the memory of sessions is counted by us.
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

  /** Takes over a connection whose first bytes are unread, or have been put back. */
  accept(connection: Connection): void {
    this.#accepting = connection;
    this.#http2.emit("connection", connection.socket);
    this.#accepting = undefined;
  }

  /** Accepts no more requests; each session ends when its open requests are answered. */
  close(): void {
    for (const session of this.#sessions.keys()) session.close();
  }

  destroy(): void {
    for (const session of this.#sessions.keys()) session.destroy();
  }

  #watch(http2Session: ServerHttp2Session): void {
    const session = new Session(
      http2Session,
      this.#accepting as Connection,
      this.#now + limits.deadlineEvery,
      (...end) => this.#end(...end),
    );
    this.#sessions.set(http2Session, session);
    http2Session.on("error", () => undefined);
    http2Session.on("stream", (...event: StreamEvent) => this.#admit(session, ...event));
    http2Session.once("localSettings", () => {
      session.hasAckedSettings = true;
    });
    http2Session.once("close", () => this.#sessions.delete(http2Session));
    if (this.#sweeping) return;
    this.#sweptAt = performance.now();
    this.#sweeping = setInterval(() => this.#sweep(), limits.deadlineEvery).unref();
  }

  #admit(session: Session, ...[stream, headers, flags, rawHeaders]: StreamEvent): void {
    stream.on("error", ignore);
    if (session.ending) return;
    session.lastStreamId = stream.id ?? session.lastStreamId;
    session.headersSince = 0;
    // A stream that was reset together with its opening is closed already.
    if (stream.destroyed) {
      session.reset();
      return;
    }
    session.open++;
    const openedAt = this.#now;
    stream.once("close", () => {
      if (--session.open === 0) session.emptySince = this.#now;
      const rapid =
        stream.rstCode !== constants.NGHTTP2_NO_ERROR && this.#now - openedAt <= limits.resetRapid;
      if (rapid) session.reset();
    });

    const bytes = sizeOf(headers);
    session.requested(bytes);
    // Node does not enforce our settings until the peer has acknowledged them.
    if (!session.hasAckedSettings && bytes > limits.headerBytes)
      stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    else this.#onStream(stream, headers, session, flags, rawHeaders);
  }

  #sweep(): void {
    const sweptAt = performance.now();
    this.#now += Math.min(limits.deadlineEvery, sweptAt - this.#sweptAt);
    this.#sweptAt = sweptAt;
    const now = this.#now;
    for (const session of this.#sessions.values()) {
      if (session.session.destroyed) continue;
      const cause = lookAt(session, now);
      if (cause) this.#end(session, cause);
    }
    if (this.#sessions.size > 0) return;
    clearInterval(this.#sweeping);
    this.#sweeping = undefined;
  }

  #end(session: Session, cause: EndCause): void {
    if (session.ending || session.session.destroyed) return;
    this.#telemetry.count("taskrun_connections_ended_total", { door: this.#listener, cause });
    if (cause === "idle") {
      session.session.close();
      return;
    }
    session.ending = true;
    // Deferred: a session that is destroyed while Node closes a stream that the peer has reset never stops sending.
    setImmediate(() => session.session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM));
  }
}

/** Errors of a stream are ignored, since it closes after them. */
function ignore(): void {}

/** The size of a request's headers as HTTP/2 defines it, in bytes. */
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
