import {
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { ServerInterceptingCallInterface } from "@grpc/grpc-js";
import type { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { statusOf } from "#wire/faults";
import type { Connection } from "../connections/connections.js";
import type { Pace } from "../connections/pace.js";
import type { Session } from "../connections/session.js";
import { Deadline, readTimeout } from "../deadline.js";
import type { AnswerChannel, Rpc } from "../rpc.js";
import type { AnswerAdmission } from "../traffic/answer-admission.js";
import { type BufferedBytes, BufferUse } from "../traffic/buffered-bytes.js";
import type { Traffic } from "../traffic/traffic.js";
import { type AuthContext, TransportCall } from "./call.js";
import type { EngineStream } from "./engine.js";
import { GrpcIncoming } from "./incoming.js";
import { grpcStatus } from "./status.js";

const TIMEOUT = "grpc-timeout";

export interface GrpcTransportOptions {
  readonly kind: Rpc["kind"];
  readonly traffic: Traffic;
  /** Called if the call is refused before its handler was called. */
  readonly refused: (fault: Fault) => void;
}

/** Bytes that Node needs for each write in addition to its content. Counted, so that small messages are bounded too. */
const WRITE_BYTES = 512;

/**
 * The HTTP/2 stream that grpc-js gets. Its incoming data are whole messages. A written message is reported as taken
 * before the network has taken it, as long as few bytes are buffered, so that an answer leaves together with its
 * status. Bytes buffered for the peer are counted in {@link Traffic}, which may end the call.
 */
export class GrpcTransport implements EngineStream, AnswerChannel {
  readonly connection: Connection;
  readonly #session: Session;
  readonly #stream: ServerHttp2Stream;
  readonly #kind: Rpc["kind"];
  readonly #incoming: GrpcIncoming;
  /** Counts the bytes that were written and not taken by the network. */
  readonly #untaken: BufferedBytes;
  readonly #answers: AnswerAdmission;
  readonly #pace: Pace;
  readonly #sending: BufferUse;
  /** True while room is reserved for an answer and nothing has been written. */
  #reserved = false;
  #call: ServerInterceptingCallInterface | undefined;
  #unsent = 0;
  #taken: (() => void) | undefined;
  #ended = false;
  #gone = false;
  #onGone: () => void = () => undefined;
  #halfOpen: NodeJS.Timeout | undefined;
  #deadline: Deadline | undefined;
  /** Ends the call with this fault. Its handler replaces it by its own function, once it has been called. */
  refuse: (fault: Fault) => void;

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    session: Session,
    { kind, traffic, refused }: GrpcTransportOptions,
  ) {
    this.refuse = (fault) => {
      if (!this.#mute) refused(fault);
      this.fail(fault);
    };
    this.connection = session.connection;
    this.#session = session;
    this.#stream = stream;
    this.#kind = kind;
    const isUnary = kind === "unary";
    this.#untaken = isUnary ? traffic.untaken : traffic.stalled;
    this.#answers = traffic.answers;
    this.#pace = traffic.pace;
    const cut = () => stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    this.#sending = new BufferUse(cut, isUnary ? session.connection.quota : undefined);
    this.#incoming = new GrpcIncoming(stream, traffic, {
      streamed: kind === "bidi_streaming",
      encoding: String(headers["grpc-encoding"] ?? "identity"),
      carried: (bytes) => session.carried(bytes),
      refuse: (fault) => this.refuse(fault),
    });
    stream.once("close", () => this.#closed());
    this.#setDeadline(headers);
  }

  /** Removes the deadline from the headers: grpc-js would end the call itself, without details and uncounted. */
  #setDeadline(headers: IncomingHttpHeaders): void {
    const value = headers[TIMEOUT];
    if (value === undefined) return;
    delete headers[TIMEOUT];
    try {
      const ms = readTimeout(TIMEOUT, String(value));
      if (ms === undefined) return;
      this.#deadline = new Deadline(ms);
      this.#deadline.onPassed((fault) => this.refuse(fault));
    } catch (error) {
      // The call that can be refused is made after this.
      process.nextTick(() => this.refuse(error as Fault));
    }
  }

  /** True once the peer has given up, or its deadline has passed. */
  get gone(): boolean {
    return this.#gone;
  }

  /**
   * Notifies a handler when its call ends early. grpc-js does so only when the status has been written, which never
   * happens for a peer that does not read.
   *
   * @param gone called once if the call ends before its handler has ended it
   */
  onGone(gone: () => void): void {
    if (this.#gone) gone();
    else this.#onGone = gone;
  }

  /** Ends the call with this fault after what was written. Does nothing if it has ended. */
  fail(fault: Fault): void {
    if (!this.#mute) this.#call?.sendStatus(grpcStatus({ status: statusOf(fault), fault }));
  }

  reserve(bytes: number): Promise<void> | undefined {
    this.#reserved = true;
    return this.#answers.reserve(this.#sending, this.connection.quota, bytes);
  }

  /** Call before the handler of a stream takes a message. @returns what to await first, if anything */
  pace(): Promise<void> | undefined {
    return this.#pace.next();
  }

  /** Call when the handler of a stream has taken a message of this length. */
  took(bytes: number): void {
    this.#incoming.took(bytes);
  }

  /** Called by grpc-js with the call that it has made of the stream. @returns the call that the handler gets */
  intercept(call: ServerInterceptingCallInterface): ServerInterceptingCallInterface {
    this.#call = call;
    if (this.#kind !== "unary") return new TransportCall(call, this);
    call.getAuthContext = () => ({ transport: this }) as AuthContext<GrpcTransport>;
    return call;
  }

  /** Releases room that was reserved for an answer which is not written. */
  #unreserve(): void {
    if (!this.#reserved) return;
    this.#reserved = false;
    this.#untaken.release(this.#sending);
    this.#answers.abandon(this.#sending, this.connection.quota);
  }

  /** True if nothing can be written any more. */
  get #mute(): boolean {
    return this.#ended || this.#stream.closed || this.#stream.destroyed;
  }

  #finish(): void {
    const stream = this.#stream;
    this.#ended = true;
    this.#incoming.close();
    this.#unreserve();
    this.#leave();
    if (this.#incoming.complete) return;
    // What the peer still sends is not needed; it is told so by a reset if it does not stop.
    stream.resume();
    this.#halfOpen = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), limits.halfOpen).unref();
  }

  #closed(): void {
    clearTimeout(this.#halfOpen);
    this.#ended = true;
    this.#incoming.close();
    this.#unreserve();
    this.#untaken.release(this.#sending);
    this.#leave();
  }

  #leave(): void {
    this.#deadline?.clear();
    if (this.#gone) return;
    this.#gone = true;
    this.#onGone();
  }

  // What follows is called by grpc-js.

  /** grpc-js uses only the session's socket; Node's own session would return a proxy of it. */
  get session(): Connection {
    return this.connection;
  }

  get destroyed(): boolean {
    return this.#stream.destroyed;
  }

  get closed(): boolean {
    return this.#stream.closed;
  }

  get rstCode(): number | undefined {
    return this.#stream.rstCode;
  }

  on(event: "data" | "end", listener: (chunk: Buffer) => void): void {
    if (event === "data") this.#incoming.onData = listener;
    else this.#incoming.onEnd = listener as () => void;
  }

  once(event: "close" | "error" | "wantTrailers", listener: (error: Error) => void): void {
    this.#stream.once(event, listener);
  }

  pause(): void {
    this.#incoming.pause();
  }

  resume(): void {
    this.#incoming.resume();
  }

  respond(
    headers: OutgoingHttpHeaders,
    options: { readonly endStream?: boolean; readonly waitForTrailers?: boolean },
  ): void {
    if (this.#mute) return;
    if (options.endStream) this.#finish();
    this.#stream.respond(headers, options);
  }

  write(bytes: Buffer, taken: () => void): void {
    if (this.#mute) return;
    const held = bytes.length + WRITE_BYTES;
    this.#session.sent(bytes.length);
    this.#unsent += held;
    this.#reserved = false;
    this.#untaken.use(this.#sending, this.#unsent);
    this.#stream.write(bytes, () => this.#written(held));
    if (this.#unsent > limits.unsentPerStreamBytes) this.#taken = taken;
    else taken();
  }

  #written(bytes: number): void {
    this.#unsent -= bytes;
    // A single answer counts until its stream is closed, because only then has the peer read it.
    if (this.#kind !== "unary" && !this.#stream.destroyed) {
      if (this.#unsent === 0) this.#untaken.release(this.#sending);
      else this.#untaken.use(this.#sending, this.#unsent);
    }
    if (this.#unsent > limits.unsentPerStreamBytes) return;
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.();
  }

  end(): void {
    if (this.#mute) return;
    this.#finish();
    this.#stream.end();
  }

  sendTrailers(headers: OutgoingHttpHeaders): void {
    if (!this.#stream.closed && !this.#stream.destroyed) this.#stream.sendTrailers(headers);
  }
}

/** The transport of a stream handler's call. */
export function transportOf(stream: { getAuthContext(): object }): GrpcTransport {
  return (stream.getAuthContext() as AuthContext<GrpcTransport>).transport;
}
