import {
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { Fault } from "#domain/fault";
import { limits } from "#domain/limits";
import { statusOf } from "#wire/faults";
import { DEADLINE_EXCEEDED, readTimeout, type Status, statusHeaders } from "./grpc-status.js";
import { Holding } from "./held-bytes.js";
import { Incoming } from "./incoming.js";
import { PREFIX_BYTES, type WireMessage } from "./message-reader.js";
import type { Session } from "./sessions.js";
import type { Traffic } from "./traffic.js";

const REFUSAL: OutgoingHttpHeaders = { ":status": 200, "content-type": "application/grpc+proto" };
const RESPONSE: OutgoingHttpHeaders = {
  ...REFUSAL,
  "grpc-encoding": "identity",
  "grpc-accept-encoding": "identity,deflate,gzip",
};
const OK: Status = { name: "OK", message: "OK" };

/** Bytes written and not yet taken by the network, past which the next message waits. */
const UNSENT = 128 * 1024;

/**
 * One call of the gRPC protocol on an HTTP/2 stream: takes messages apart as they come, and puts answers and status
 * together. What it keeps for its peer is counted in {@link Traffic}, which may end it.
 */
export class GrpcCall {
  readonly session: Session;
  readonly #stream: ServerHttp2Stream;
  readonly #traffic: Traffic;
  readonly #encoding: string;
  readonly #incoming: Incoming;
  readonly #sending = new Holding(() => this.#stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM));
  #deadline: NodeJS.Timeout | undefined;
  /** This side has said all, or there is nobody to say it to. */
  #ended = false;
  #gone = false;
  #unsent = 0;
  #wakeWriter: () => void = () => undefined;
  #onGone: () => void = () => undefined;
  /** Ends the call with this fault; a stream's handler puts its own way of ending in its place. */
  refuse: (fault: Fault) => void = (fault) =>
    this.end({ name: statusOf(fault), message: fault.message, fault });

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, session: Session, traffic: Traffic) {
    this.session = session;
    this.#stream = stream;
    this.#traffic = traffic;
    this.#encoding = String(headers["grpc-encoding"] ?? "identity");
    this.#incoming = new Incoming(stream, traffic, {
      carried: (bytes) => session.carried(bytes),
      refuse: (fault) => this.refuse(fault),
    });
    stream.once("close", () => this.#closed());
    const timeout = headers["grpc-timeout"];
    if (timeout !== undefined) this.#startDeadline(String(timeout));
  }

  /** True once the peer has given up, or its deadline has passed. */
  get gone(): boolean {
    return this.#gone;
  }

  /** True if nobody can be told anything any more. */
  get #mute(): boolean {
    return this.#ended || this.#stream.closed || this.#stream.destroyed;
  }

  /** @param gone called once if the peer gives up before the call has ended */
  onGone(gone: () => void): void {
    if (this.#gone) gone();
    else this.#onGone = gone;
  }

  /** Reads the one message of a request to its end. Never calls if it is refused or the peer gives up. */
  single(received: (bytes: Buffer) => void): void {
    const taken = (bytes: Buffer) => {
      this.#incoming.close();
      if (!this.#ended) received(bytes);
    };
    this.#incoming.single(
      (message) => {
        if (!isCompressed(message)) return taken(message.bytes);
        this.#expanded(message).then(taken, (fault: Fault) => this.refuse(fault));
      },
      (what) => this.end({ name: "UNIMPLEMENTED", message: what }),
    );
  }

  /**
   * What the peer says, one message at a time: the next is read when this one has been dealt with. Ends when the
   * peer has said all, or when the signal aborts.
   *
   * @throws {Fault} if a message cannot be taken
   */
  async *messages(signal: AbortSignal): AsyncGenerator<Buffer, void> {
    for await (const message of this.#incoming.messages(signal)) {
      yield isCompressed(message) ? await this.#expanded(message) : message.bytes;
    }
  }

  #expanded({ bytes }: WireMessage): Promise<Buffer> {
    if (this.#encoding === "gzip" || this.#encoding === "deflate") {
      return this.#traffic.compressor.expand(bytes, this.#encoding);
    }
    const message = `a message is compressed by ${this.#encoding}, which is not known here: use gzip, deflate or none.`;
    return Promise.reject(new Fault("invalid", message, { reason: "COMPRESSION_UNKNOWN" }));
  }

  /** Sends the response headers, if they have not been sent. */
  sendHeaders(): void {
    if (this.#mute || this.#stream.headersSent) return;
    this.#stream.respond(RESPONSE, { waitForTrailers: true });
  }

  /** Sends one message of a stream. The next one is to be made when {@link full} is false. */
  send(message: Uint8Array): void {
    if (this.#mute) return;
    this.sendHeaders();
    const bytes = framed(message);
    const { length } = bytes;
    this.session.sent(length);
    this.#unsent += length;
    this.#traffic.stalled.hold(this.#sending, this.#unsent);
    this.#stream.write(bytes, () => this.#taken(length));
  }

  #taken(bytes: number): void {
    const { stalled } = this.#traffic;
    this.#unsent -= bytes;
    if (this.#unsent === 0 || this.#stream.destroyed) stalled.release(this.#sending);
    else stalled.hold(this.#sending, this.#unsent);
    this.#wakeWriter();
  }

  /** True if more was sent than the network is likely to take at once. */
  get full(): boolean {
    return this.#unsent > UNSENT;
  }

  /** Resolves when the call is not {@link full} any more, or when the signal aborts. */
  async drained(signal: AbortSignal): Promise<void> {
    const wake = () => this.#wakeWriter();
    signal.addEventListener("abort", wake);
    while (this.full && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wakeWriter = resolve;
      });
    }
    signal.removeEventListener("abort", wake);
  }

  /** Ends a call that has one answer. */
  answer(message: Uint8Array): void {
    if (this.#mute) return;
    this.sendHeaders();
    const bytes = framed(message);
    this.session.sent(bytes.length);
    this.#finish(OK);
    this.#traffic.untaken.hold(this.#sending, bytes.length);
    this.#stream.end(bytes);
  }

  /** Ends the call; what was sent before arrives before the status. The first end counts. */
  end(status: Status = OK): void {
    if (this.#mute) return;
    const { headersSent } = this.#stream;
    this.#finish(status);
    if (headersSent) this.#stream.end();
    else this.#stream.respond({ ...REFUSAL, ...statusHeaders(status) }, { endStream: true });
  }

  #finish(status: Status): void {
    const stream = this.#stream;
    this.#ended = true;
    clearTimeout(this.#deadline);
    this.#incoming.close();
    stream.once("wantTrailers", () => {
      if (!stream.destroyed && !stream.closed) stream.sendTrailers(statusHeaders(status));
    });
    if (this.#incoming.complete) return;
    // What the peer still sends is not wanted; if it does not notice by itself, it is told.
    stream.resume();
    this.#deadline = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), limits.halfOpen).unref();
  }

  #startDeadline(header: string): void {
    const timeout = readTimeout(header);
    if (timeout === undefined) {
      this.end({ name: "INTERNAL", message: `Invalid grpc-timeout value "${header}"` });
      return;
    }
    this.#deadline = setTimeout(() => {
      this.end(DEADLINE_EXCEEDED);
      this.#leave();
    }, timeout);
  }

  #closed(): void {
    const { untaken, stalled } = this.#traffic;
    clearTimeout(this.#deadline);
    this.#incoming.close();
    untaken.release(this.#sending);
    stalled.release(this.#sending);
    if (!this.#ended) this.#leave();
    this.#ended = true;
    this.#wakeWriter();
  }

  #leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#onGone();
  }
}

const isCompressed = ({ flags }: WireMessage) => (flags & 1) === 1;

/** A message as it is sent, never compressed. */
function framed(message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  bytes[0] = 0;
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, PREFIX_BYTES);
  return bytes;
}
