import type { DescMessage, Message } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { Fault } from "#domain/fault";
import type { Deadline } from "../deadline.js";
import { decode, type Encoding } from "../traffic/decode.js";
import { PREFIX_BYTES } from "../traffic/message-reader.js";
import type { Traffic } from "../traffic/traffic.js";
import type { HttpRequest } from "./guard.js";
import { cutShort, Incoming, messageMissing, messageTooMany } from "./incoming.js";
import type { HttpPeer } from "./peer.js";
import type { ReceivedMessages } from "./received.js";

export interface BodyOptions {
  /** The schema of its messages. */
  readonly input: DescMessage;
  /** True for a request with one message, which has one deadline; false for a stream, with one for each message. */
  readonly single: boolean;
  readonly traffic: Traffic;
  /** Gets the messages, and what is wrong with the request. */
  readonly received: ReceivedMessages;
  /** Called with the number of bytes received. */
  readonly carried: (bytes: number) => void;
  /** Returns false once the peer has cancelled. */
  readonly wanted: () => boolean;
  readonly deadline?: Deadline | undefined;
  /** What is wrong with its headers. */
  readonly problem?: Fault | undefined;
}

/** Headers that describe the body as it was sent, and no longer apply to what {@link bodyOf} yields. */
const LENGTH = "content-length";
const encodings = {
  whole: "content-encoding",
  connect: "connect-content-encoding",
  grpc: "grpc-encoding",
} as const;

/**
 * Decodes the body of a request. Yields an empty message for each one that it has put into `received`, and one for a
 * failure: Connect calls the handler with it, which takes the message, or the failure, from there. So a message is
 * decoded once and its failure is the handler's, as over gRPC; and Connect, which allocates what a length or a header
 * announces, sees neither. Removes headers that no longer apply.
 */
export function bodyOf(
  request: HttpRequest,
  header: Headers,
  options: BodyOptions,
): AsyncIterable<Uint8Array> {
  const { input, single, traffic, received, carried, wanted, deadline, problem } = options;
  const type = header.get("content-type") ?? "";
  const [, protocol] = /^application\/(connect\+|grpc)/i.exec(type) ?? [];
  const encodingHeader =
    encodings[protocol === undefined ? "whole" : protocol === "grpc" ? "grpc" : "connect"];
  const compression = header.get(encodingHeader) ?? "identity";
  header.delete(encodingHeader);
  header.delete(LENGTH);

  const refuse = (fault: Fault) => incoming.fail(fault);
  const incoming = new Incoming(request, traffic, { framed: protocol !== undefined, carried, refuse });
  const gone = () => {
    if (!incoming.complete) incoming.fail(new ConnectError("the request was cut short", Code.Aborted));
  };
  request.once("error", gone);
  request.once("close", gone);
  deadline?.onPassed(refuse);
  if (problem) refuse(problem);

  const encoding: Encoding = /json/i.test(type) ? "json" : "binary";
  const open = async (bytes: Buffer, compressed: boolean): Promise<Message> => {
    if (!compressed || bytes.length === 0) return decode(input, bytes, encoding);
    if (compression !== "gzip") throw compressionUnknown(compression);
    return decode(input, await traffic.compressor.expand(bytes, "gzip", wanted), encoding);
  };
  const messages =
    protocol === undefined
      ? whole(incoming, compression !== "identity", open)
      : framed(incoming, single, open);
  return placeholders(messages, received, placeholderOf(encoding, protocol !== undefined));
}

/**
 * Reads the body of a request that is no rpc.
 *
 * @throws {Fault} `invalid` if it is longer than `most`; or what a message of an rpc throws
 */
export async function readBody(
  request: HttpRequest,
  most: number,
  peer: Pick<HttpPeer, "carried">,
  traffic: Traffic,
): Promise<Buffer> {
  let bytes = 0;
  const refuse = (fault: Fault) => incoming.fail(fault);
  const carried = (count: number) => {
    peer.carried(count);
    bytes += count;
    if (bytes > most) refuse(bodyTooLong(most));
  };
  const incoming = new Incoming(request, traffic, { framed: false, carried, refuse });
  const gone = () => {
    if (!incoming.complete) refuse(cutShort());
  };
  request.once("error", gone);
  request.once("close", gone);
  return incoming.whole();
}

function bodyTooLong(most: number): Fault {
  return new Fault("invalid", `the request is longer than ${most} bytes.`, { reason: "BODY_TOO_LONG" });
}

type Open = (bytes: Buffer, compressed: boolean) => Promise<Message>;

async function* whole(incoming: Incoming, compressed: boolean, open: Open): AsyncGenerator<Message> {
  yield await open(await incoming.whole(), compressed);
}

/** The lowest bit of a message's flags: it is compressed. No other is used in requests. */
const COMPRESSED = 1;

async function* framed(incoming: Incoming, single: boolean, open: Open): AsyncGenerator<Message> {
  let one: Message | undefined;
  for await (const { flags, bytes } of incoming.messages(undefined, single)) {
    if ((flags & ~COMPRESSED) !== 0) throw flagsUnknown(flags);
    if (one) throw messageTooMany();
    const message = await open(bytes, flags === COMPRESSED);
    if (single) one = message;
    else yield message;
  }
  if (!single) return;
  if (!one) throw messageMissing();
  yield one;
}

async function* placeholders(
  messages: AsyncIterable<Message>,
  received: ReceivedMessages,
  placeholder: Uint8Array,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const message of messages) {
      received.push(message);
      yield placeholder;
    }
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    received.fail(error);
    yield placeholder;
  }
}

function placeholderOf(encoding: Encoding, framed: boolean): Uint8Array {
  const empty = Buffer.from(encoding === "json" ? "{}" : "");
  if (!framed) return empty;
  const piece = Buffer.alloc(PREFIX_BYTES + empty.length);
  piece.writeUInt32BE(empty.length, 1);
  empty.copy(piece, PREFIX_BYTES);
  return piece;
}

function compressionUnknown(name: string): Fault {
  const message = `a message is compressed by ${name.slice(0, 64)}, which is not known here: use gzip or none.`;
  return new Fault("invalid", message, { reason: "COMPRESSION_UNKNOWN" });
}

function flagsUnknown(flags: number): Fault {
  const message = `a message begins with the flags ${flags}; in a request they are 0, or 1 if it is compressed.`;
  return new Fault("invalid", message, { reason: "MESSAGE_MALFORMED" });
}
