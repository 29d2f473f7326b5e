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
  #now: number = limits.deadlineEvery;
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
    // What was reset with the bytes that opened it has come and gone already.
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
    // Until the peer has acknowledged our settings, Node holds it to none of them.
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
    // Not at once: destroyed while Node closes a stream that the peer has reset, a session never stops sending.
    setImmediate(() => session.session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM));
  }
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
