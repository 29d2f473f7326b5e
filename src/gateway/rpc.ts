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
import type { Caller } from "#domain/caller";
import type { Fault } from "#domain/fault";
import type { WaitingMoment } from "#domain/task/waiting-reason";
import type { Telemetry } from "#ports/telemetry";
import type { Identify } from "./caller.js";
import type { Health } from "./health.js";

/** What every mount needs to serve; one object for a server, independent of the caller. */
export interface Served {
  readonly services: Services;
  readonly telemetry: Telemetry;
  readonly health: Health;
  /** Identifies the caller of a request. Called for each request. */
  readonly identify: Identify;
}

/** One request, made by the mount that received it. */
export interface Call extends Request {
  readonly telemetry: Telemetry;
  readonly health: Health;
}

/** Completes a call by its caller; by a promise if that takes one to find. */
export function callBy<Rest extends object>(
  rest: Rest,
  caller: Caller | Promise<Caller>,
): (Rest & { readonly caller: Caller }) | Promise<Rest & { readonly caller: Caller }> {
  return caller instanceof Promise
    ? caller.then((found) => ({ ...rest, caller: found }))
    : { ...rest, caller };
}

export interface StreamCall extends Call {
  /** Aborted when the peer is gone or the server drains: the handler must then return or throw soon. */
  readonly signal: AbortSignal;
  /** Ends the stream with this failure at once, even if the peer does not read. */
  end(fault: Fault): void;
  /**
   * Call whenever the number of bytes changes that are buffered for the peer in addition to those written; 0 if none
   * are. May end the stream.
   */
  keep(bytes: number): void;
  /** Call when the peer has identified itself: its connection no longer counts towards the bound of its address. */
  identified(): void;
}

/** The channel that carries the answer of one unary request. */
export type AnswerChannel = Pick<Request, "reserve">;

/** One row of the table of handlers, with its message types erased: all that a mount needs. */
export type Rpc =
  | {
      readonly kind: "unary";
      readonly method: DescMethodUnary;
      /** True if it may wait for minutes: it then counts as an open stream, and its call has a signal. */
      readonly waits: boolean;
      /** True if it is answered while the server drains: it tells of the server itself. */
      readonly always: boolean;
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
 * Makes an rpc of a use case: maps the request message to the input, and the view to the response message. A message
 * whose fields have the names and types of the input is passed as it is, without a copy (see {@link asIs}).
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
  toAnswer: (view: View, call: Call) => MessageShape<O>,
): Rpc {
  return {
    kind: "unary",
    method,
    waits: false,
    always: false,
    // No async function: it would keep the message of a request that waits.
    handle: (message, call) =>
      run(useCase, toInput(message as MessageShape<I>), call).then((view) => toAnswer(view, call)),
  };
}

/** An rpc of a use case that may wait for minutes before it answers. */
export function waiting<
  I extends DescMessage,
  O extends DescMessage,
  A extends Action,
  Input,
  Checked,
  Found extends Target<A>,
  View,
>(...row: Parameters<typeof unary<I, O, A, Input, Checked, Found, View>>): Rpc {
  return { ...unary(...row), waits: true } as Rpc;
}

/**
 * An rpc about this server itself, for load balancers and tools. It runs no use case and does not identify the
 * caller.
 */
export function probe<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  handle: (message: MessageShape<I>, call: Call) => MessageShape<O>,
): Rpc {
  return {
    kind: "unary",
    method,
    waits: false,
    always: true,
    handle: async (message, call) => handle(message as MessageShape<I>, call),
  };
}

/**
 * An rpc whose answer is made of more than one use case. The handler runs each of them by `run`, which authorizes the caller for it; the
 * room of the whole answer is reserved here, so that the parts of one answer never wait for each other.
 *
 * @param answerBytes most bytes of the answer and of what is read for it; 0 if its one part reserves them, or if it is small
 */
export function composed<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  answerBytes: number,
  handle: (message: MessageShape<I>, call: Call) => Promise<MessageShape<O>>,
): Rpc {
  return {
    kind: "unary",
    method,
    waits: false,
    always: false,
    handle: async (message, call) => {
      if (answerBytes === 0) return handle(message as MessageShape<I>, call);
      const crowded = call.reserve(answerBytes);
      if (crowded) await crowded;
      return handle(message as MessageShape<I>, { ...call, reserve: () => undefined });
    },
  };
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

/** A bidirectional stream. The handler checks its messages itself, because what is allowed depends on earlier ones. */
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

/** When an answer is made, and what is paused then. */
export function momentOf({ services: { plane } }: Pick<Call, "services">): WaitingMoment {
  return { now: plane.now(), pauses: plane.pauses() };
}

/** The mapping for a message that has the shape of the use case's input. */
export function asIs<T>(message: T): T {
  return message;
}
