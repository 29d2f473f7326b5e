import type { ServerHttp2Session } from "node:http2";
import { limits } from "#limits/index";
import type { Connection } from "./connections.js";

/** Why a session was ended from this side. */
export type EndCause = "handshake" | "headers" | "keepalive" | "resets" | "overhead" | "idle";

/** Bytes of window updates, for stream and connection, that a peer may send for each message that it gets. */
const UPDATE_BYTES = 32;
/** HTTP/2's own bytes for each frame. */
const FRAME_BYTES = 9;

/** A token bucket: `burst` events may happen at once, and `perSecond` are refilled. */
class Allowance {
  readonly #burst: number;
  readonly #perSecond: number;
  #left: number;
  #at = performance.now();

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#left = burst;
  }

  /** Counts one event. @returns false if the bucket is empty */
  spend(): boolean {
    const now = performance.now();
    const back = ((now - this.#at) / 1_000) * this.#perSecond;
    this.#at = now;
    this.#left = Math.min(this.#burst, this.#left + back) - 1;
    return this.#left >= 0;
  }

  giveBack(): void {
    this.#left++;
  }
}

/** One HTTP/2 connection of a peer, with the measurements that detect a flood. */
export class Session {
  readonly session: ServerHttp2Session;
  readonly connection: Connection;
  /** All times are of the clock of {@link Sessions}, in milliseconds. */
  readonly openedAt: number;
  /** The streams that are open. */
  open = 0;
  emptySince: number;
  /** True once the peer has acknowledged our settings: from then on Node enforces them. */
  hasAckedSettings = false;
  lastStreamId = 0;
  /** When the headers of a request began that have not ended; undefined if there are none. */
  headersSince = 0;
  pingedAt: number;
  answerDue = Number.POSITIVE_INFINITY;
  /** True once this side has begun to destroy it. */
  ending = false;
  readonly #resets = new Allowance(limits.resetBurst, limits.resetsPerSecond);
  readonly #tinyFrames = new Allowance(limits.tinyFrameBurst, limits.tinyFramesPerSecond);
  readonly #end: (session: Session, cause: EndCause) => void;
  /** Received bytes that are accounted for by requests, their content, or replies to our messages. */
  #explained = 0;
  #seenBytes = 0;
  #overhead = 0;

  /** @param end called when the session must end, perhaps more than once */
  constructor(
    session: ServerHttp2Session,
    connection: Connection,
    now: number,
    end: (session: Session, cause: EndCause) => void,
  ) {
    this.#end = end;
    this.session = session;
    this.connection = connection;
    this.openedAt = now;
    this.emptySince = now;
    this.pingedAt = now;
  }

  /** Call when the peer has sent a frame with this many bytes of a message. */
  carried(bytes: number): void {
    this.#explained += bytes + FRAME_BYTES + this.connection.recordBytes;
    // The work is per frame: a message in frames smaller than their own headers is a flood, although it is content.
    if (bytes < FRAME_BYTES && !this.#tinyFrames.spend()) this.#end(this, "overhead");
  }

  /** Call when a message of this many bytes has been sent to the peer. */
  sent(bytes: number): void {
    this.#explained += UPDATE_BYTES + this.connection.recordBytes + bytes / 256;
  }

  requested(headerBytes: number): void {
    this.#explained += headerBytes + FRAME_BYTES + this.connection.recordBytes;
    // An empty request is one such frame.
    this.#tinyFrames.giveBack();
  }

  /** Call when the peer has reset a stream soon after opening it. */
  reset(): void {
    if (!this.#resets.spend()) this.#end(this, "resets");
  }

  /** @returns false if the peer has sent too many bytes since the last call in frames without content */
  overheadWithin(): boolean {
    const bytes = this.connection.bytesRead;
    const unexplained = bytes - this.#seenBytes - this.#explained;
    this.#seenBytes = bytes;
    this.#explained = 0;
    this.#overhead = Math.max(0, this.#overhead + unexplained - limits.frameOverheadPerSecond);
    return this.#overhead <= limits.frameOverheadBurst;
  }
}

/** Checks a session: returns why it must be ended, or undefined. Sends a ping when one is due. */
export function lookAt(session: Session, now: number): EndCause | undefined {
  if (!session.hasAckedSettings && now - session.openedAt >= limits.handshake) return "handshake";
  if (!session.overheadWithin()) return "overhead";
  if (now >= session.answerDue) return session.headersSince > 0 ? "headers" : "keepalive";

  // Node reports a request when its headers have ended; its protocol library counts it when they begin.
  const begun = (session.session.state.lastProcStreamID ?? 0) > session.lastStreamId;
  if (begun && session.headersSince === 0) {
    session.headersSince = now;
    // A peer within its headers cannot answer; one whose headers were refused can.
    ping(session, now, limits.headers - limits.deadlineEvery);
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
