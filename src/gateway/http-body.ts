import { Code, ConnectError } from "@connectrpc/connect";
import { Fault } from "#domain/fault";
import type { HttpRequest } from "./http-guard.js";
import { Incoming } from "./incoming.js";
import { PREFIX_BYTES } from "./message-reader.js";
import type { Traffic } from "./traffic.js";

/** How the body of a request is made up: one message and nothing else, or messages with their lengths before them. */
export type Framing = "whole" | "framed";

/** Connect's streams, gRPC and gRPC-Web announce each message; Connect's unary requests are the message. */
export function framingOf(contentType = ""): Framing {
  return /^application\/(?:connect\+|grpc)/i.test(contentType) ? "framed" : "whole";
}

export interface BodyOptions {
  readonly framing: Framing;
  /** A request with one message has a deadline for all of it, a stream for each message. */
  readonly single: boolean;
  readonly traffic: Traffic;
  /** Told of all bytes that have come. */
  readonly carried: (bytes: number) => void;
  readonly errorOf: (fault: Fault) => ConnectError;
}

/**
 * A request's body, in pieces that are each one whole message: Connect allocates what a length or a header announces,
 * which then is there already.
 */
export function bodyOf(request: HttpRequest, options: BodyOptions): AsyncIterable<Uint8Array> {
  const { framing, single, traffic, carried, errorOf } = options;
  const refuse = (fault: Fault) => incoming.fail(fault);
  const incoming = new Incoming(request, traffic, { framed: framing === "framed", carried, refuse });
  const gone = () => {
    if (!incoming.complete) incoming.fail(new ConnectError("the request was cut short", Code.Aborted));
  };
  request.once("error", gone);
  request.once("close", gone);
  const pieces = framing === "framed" ? framed(incoming, single) : whole(incoming);
  return caught(pieces, errorOf);
}

async function* whole(incoming: Incoming): AsyncGenerator<Uint8Array> {
  yield await incoming.whole();
}

async function* framed(incoming: Incoming, single: boolean): AsyncGenerator<Uint8Array> {
  for await (const { bytes } of incoming.messages(undefined, single)) {
    const { buffer, byteOffset, length } = bytes;
    yield new Uint8Array(buffer as ArrayBuffer, byteOffset - PREFIX_BYTES, PREFIX_BYTES + length);
  }
}

async function* caught<Piece>(
  pieces: AsyncIterable<Piece>,
  errorOf: (fault: Fault) => ConnectError,
): AsyncGenerator<Piece> {
  try {
    yield* pieces;
  } catch (error) {
    throw error instanceof Fault ? errorOf(error) : error;
  }
}
