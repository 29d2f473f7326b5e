import type {
  DescMessage,
  DescMethodBiDiStreaming,
  DescMethodServerStreaming,
  DescMethodUnary,
  Message,
  MessageShape,
} from "@bufbuild/protobuf";
import type { z } from "zod";
import type { Caller } from "#domain/caller";
import type { Fault } from "#domain/fault";
import type { Entropy } from "#ports/entropy";
import type { Plane } from "#ports/plane";
import type { Schemas } from "#ports/schemas";
import type { Telemetry } from "#ports/telemetry";
import type { Health } from "./health.js";
import type { InputReads } from "./input-reads.js";
import type { ClientPlans } from "./plans.js";
import { checked } from "./validate.js";

/** What every handler may use. One object for all requests of one caller. */
export interface Call {
  readonly plane: Plane;
  readonly entropy: Entropy;
  readonly telemetry: Telemetry;
  readonly health: Health;
  readonly caller: Caller;
  /** Checks inputs against the schemas of templates. */
  readonly schemas: Schemas;
  /** Whose overrides new Tasks of templates run with. */
  readonly environment: string;
  readonly plans: ClientPlans;
  readonly inputs: InputReads;
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
export interface AnswerChannel {
  /**
   * Makes room for an answer of up to so many bytes. To be called before anything is read for it, and awaited.
   *
   * @returns undefined if there is room at once
   * @throws {Fault} `overloaded`, by the promise, if the peer or all peers together have not read enough of what they
   *   asked for before
   */
  reserve(bytes: number): Promise<void> | undefined;
}

/** One row of the table of handlers, with its types forgotten: all that a mount needs. */
export type Rpc =
  | {
      readonly kind: "unary";
      readonly method: DescMethodUnary;
      readonly handle: (request: Message, call: Call, channel: AnswerChannel) => Promise<Message>;
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

/** The request is checked here, before any handler and for every mount; the handler sees what passed. */
export function unary<I extends DescMessage, O extends DescMessage, Checked>(
  method: DescMethodUnary<I, O>,
  schema: z.ZodType<Checked>,
  handle: (request: Checked, call: Call, channel: AnswerChannel) => Promise<MessageShape<O>>,
): Rpc {
  return {
    kind: "unary",
    method,
    handle: async (request, call, channel) => handle(checked(schema, request), call, channel),
  };
}

/**
 * The same for a request that is small, and changes nothing, while its answer may be large.
 *
 * @param answerBytes the most it may be, with what is read to make it
 */
export function reading<I extends DescMessage, O extends DescMessage, Checked>(
  method: DescMethodUnary<I, O>,
  schema: z.ZodType<Checked>,
  answerBytes: number,
  handle: (request: Checked, call: Call) => Promise<MessageShape<O>>,
): Rpc {
  return unary(method, schema, async (request, call, channel) => {
    await channel.reserve(answerBytes);
    return handle(request, call);
  });
}

export function serverStreaming<I extends DescMessage, O extends DescMessage, Checked>(
  method: DescMethodServerStreaming<I, O>,
  schema: z.ZodType<Checked>,
  handle: (request: Checked, call: StreamCall) => AsyncIterable<MessageShape<O>>,
): Rpc {
  return {
    kind: "server_streaming",
    method,
    handle: (request, call) => handle(checked(schema, request), call),
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
