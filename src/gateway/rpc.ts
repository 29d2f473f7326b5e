import type {
  DescMessage,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  Message,
  MessageShape,
} from "@bufbuild/protobuf";
import type { Action } from "#api/authorize";
import { type Request, run, type Services, type Target, type UseCase } from "#api/use-case";
import type { Fault } from "#domain/fault";
import type { Telemetry } from "#ports/telemetry";
import type { Identify } from "./caller.js";
import type { Health } from "./health.js";

/** What every mount serves with: one object of a server. Says nothing of who calls. */
export interface Served {
  readonly services: Services;
  readonly telemetry: Telemetry;
  readonly health: Health;
  /** Who sends a request. Asked anew for each. */
  readonly identify: Identify;
}

/** One request, made by the mount that received it. */
export interface Call extends Request {
  readonly telemetry: Telemetry;
  readonly health: Health;
}

export interface StreamCall extends Call {
  /** Aborted when the peer is gone or the server drains: a handler then stops, however it likes. */
  readonly signal: AbortSignal;
  /** Ends the stream with this failure at once, even if the peer does not read. */
  end(fault: Fault): void;
  /** Says how many bytes are kept for the peer beside what was written to it; 0 when none are any more. May end the stream. */
  keep(bytes: number): void;
  /** The peer has said who it is: its connection no longer counts by its address. */
  identified(): void;
}

/** What carries the answer of one unary request. */
export type AnswerChannel = Pick<Request, "reserve">;

/** One row of the table of handlers, with its types forgotten: all that a mount needs. */
export type Rpc =
  | {
      readonly kind: "unary";
      readonly method: DescMethodUnary;
      readonly handle: (request: Message, call: Call) => Promise<Message>;
    }
  | {
      readonly kind: "server_streaming";
      readonly method: DescMethodServerStreaming;
      readonly handle: (request: Message, call: StreamCall) => AsyncIterable<Message>;
    }
  | {
      readonly kind: "bidi_streaming";
      readonly method: DescMethodBiDiStreaming;
      readonly handle: (requests: AsyncIterable<Message>, call: StreamCall) => AsyncIterable<Message>;
    };

/**
 * A use case as an rpc: what is sent becomes its input, what it answers a message. A message whose fields are named
 * and typed as the input's is one as it stands, and is not copied.
 */
export function unary<
  I extends DescMessage,
  O extends DescMessage,
  A extends Action,
  Input,
  Checked,
  Found extends Target<A>,
  View,
>(
  method: DescMethodUnary<I, O>,
  useCase: UseCase<A, Input, Checked, Found, View>,
  toInput: (message: MessageShape<I>) => Input,
  toAnswer: (view: View) => MessageShape<O>,
): Rpc {
  return {
    kind: "unary",
    method,
    handle: async (message, call) => toAnswer(await run(useCase, toInput(message as MessageShape<I>), call)),
  };
}

/** What tells of this server itself, to load balancers and tools: no use case, and nobody is asked who they are. */
export function probe<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  handle: (message: MessageShape<I>, call: Call) => MessageShape<O>,
): Rpc {
  return { kind: "unary", method, handle: async (message, call) => handle(message as MessageShape<I>, call) };
}

export function serverStreaming<I extends DescMessage, O extends DescMessage>(
  method: DescMethodServerStreaming<I, O>,
  handle: (message: MessageShape<I>, call: StreamCall) => AsyncIterable<MessageShape<O>>,
): Rpc {
  return {
    kind: "server_streaming",
    method,
    handle: (message, call) => handle(message as MessageShape<I>, call),
  };
}

/** The handler checks what it reads: which message may come depends on those before it. */
export function bidiStreaming<I extends DescMessage, O extends DescMessage>(
  method: DescMethodBiDiStreaming<I, O>,
  handle: (requests: AsyncIterable<MessageShape<I>>, call: StreamCall) => AsyncIterable<MessageShape<O>>,
): Rpc {
  return {
    kind: "bidi_streaming",
    method,
    handle: (requests, call) => handle(requests as AsyncIterable<MessageShape<I>>, call),
  };
}

/** For a message that is the input of a use case as it stands. */
export function asIs<T>(message: T): T {
  return message;
}
