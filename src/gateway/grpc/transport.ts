import {
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { ServerInterceptingCall, type ServerInterceptingCallInterface } from "@grpc/grpc-js";
import type { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { statusOf } from "#wire/faults";
import type { Connection } from "../connections/connections.js";
import type { Pace } from "../connections/pace.js";
import type { Session } from "../connections/session.js";
import type { AnswerChannel, Rpc } from "../rpc.js";
import type { AnswerAdmission } from "../traffic/answer-admission.js";
import { type BufferedBytes, BufferUse } from "../traffic/buffered-bytes.js";
import type { Traffic } from "../traffic/traffic.js";
import type { EngineStream } from "./engine.js";
import { GrpcIncoming } from "./incoming.js";
import { grpcStatus } from "./status.js";

/** What Node keeps for each write beside its bytes; without it, messages of a few bytes would wait by the thousand. */
const WRITE_BYTES = 512;

/**
 * An HTTP/2 stream as grpc-js sees it: what comes in are whole messages, and the next message is taken before the
 * network has taken the last, as long as few bytes wait. So an answer goes out together with its status. What is
 * kept for the peer is counted in {@link Traffic}, which may end the call.
 */
export class GrpcTransport implements EngineStream, AnswerChannel {
  readonly connection: Connection;
  readonly #session: Session;
  readonly #stream: ServerHttp2Stream;
  readonly #kind: Rpc["kind"];
  readonly #incoming: GrpcIncoming;
  /** Where bytes count that were written and not taken. */
  readonly #untaken: BufferedBytes;
  readonly #answers: AnswerAdmission;
  readonly #pace: Pace;
  readonly #sending: BufferUse;
  /** Room was asked for, and nothing has been written. */
  #reserved = false;
  #call: ServerInterceptingCallInterface | undefined;
  #unsent = 0;
  #taken: (() => void) | undefined;
  #ended = false;
  #gone = false;
  #onGone: () => void = () => undefined;
  #halfOpen: NodeJS.Timeout | undefined;
  /** Ends the call with this fault; a stream's handler puts its own way of ending in its place. */
  refuse: (fault: Fault) => void = (fault) => this.fail(fault);

  constructor(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    session: Session,
    { kind, traffic }: { readonly kind: Rpc["kind"]; readonly traffic: Traffic },
  ) {
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
  }

  /** True once the peer has given up, or its deadline has passed. */
  get gone(): boolean {
    return this.#gone;
  }

  /**
   * grpc-js tells a handler only when the status has left, and that of a peer that does not read never does.
   *
   * @param gone called once if the call ends before its handler has ended it
   */
  onGone(gone: () => void): void {
    if (this.#gone) gone();
    else this.#onGone = gone;
  }

  /** Ends the call at once, after what was written. Nothing happens if it has ended. */
  fail(fault: Fault): void {
    if (!this.#mute) this.#call?.sendStatus(grpcStatus({ status: statusOf(fault), fault }));
  }

  reserve(bytes: number): Promise<void> | undefined {
    this.#reserved = true;
    return this.#answers.reserve(this.#sending, this.connection.quota, bytes);
  }

  /** To be called before the handler of a stream takes a message. @returns what to wait for first, if anything */
  pace(): Promise<void> | undefined {
    return this.#pace.next();
  }

  /** The handler of a stream has taken a message of this length. */
  took(bytes: number): void {
    this.#incoming.took(bytes);
  }

  /** grpc-js has made this call of the stream. @returns what the handler is to be given */
  intercept(call: ServerInterceptingCallInterface): ServerInterceptingCallInterface {
    this.#call = call;
    if (this.#kind !== "unary") return new TransportCall(call, this);
    call.getAuthContext = () => ({ transport: this }) as AuthContext;
    return call;
  }

  /** Nothing is said any more for which room was asked. */
  #unreserve(): void {
    if (!this.#reserved) return;
    this.#reserved = false;
    this.#untaken.release(this.#sending);
    this.#answers.abandon(this.#sending, this.connection.quota);
  }

  /** True if nobody can be told anything any more. */
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
    // What the peer still sends is not wanted; if it does not notice by itself, it is told.
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
    if (this.#gone) return;
    this.#gone = true;
    this.#onGone();
  }

  // What follows is called by grpc-js.

  /** Of a session it asks only for the socket; Node's own would answer by a proxy. */
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
    // One answer counts until its stream is closed: then the peer has read it.
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

type AuthContext = ReturnType<ServerInterceptingCall["getAuthContext"]> & {
  readonly transport: GrpcTransport;
};

/** A call that tells its handler over what it goes: of all that is known of the peer, grpc-js hands on this alone. */
class TransportCall extends ServerInterceptingCall {
  readonly #call: ServerInterceptingCallInterface;
  readonly #transport: GrpcTransport;

  constructor(call: ServerInterceptingCallInterface, transport: GrpcTransport) {
    super(call);
    this.#call = call;
    this.#transport = transport;
  }

  override getAuthContext(): AuthContext {
    return { transport: this.#transport };
  }

  /** Nobody here listens to what comes in, or changes what goes out. */
  override start(...args: Parameters<ServerInterceptingCallInterface["start"]>): void {
    this.#call.start(...args);
  }

  override sendMessage(message: Buffer, taken: () => void): void {
    this.#call.sendMessage(message, taken);
  }
}

/** Over what the call of a stream's handler goes. */
export function transportOf(stream: { getAuthContext(): object }): GrpcTransport {
  return (stream.getAuthContext() as AuthContext).transport;
}
