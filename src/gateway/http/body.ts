import type { DescMessage } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { Fault } from "#domain/fault";
import { checkElements, checkJsonElements } from "../traffic/elements.js";
import { PREFIX_BYTES } from "../traffic/message-reader.js";
import type { Traffic } from "../traffic/traffic.js";
import type { HttpRequest } from "./guard.js";
import { Incoming } from "./incoming.js";

export interface BodyOptions {
  /** The schema of its messages. */
  readonly input: DescMessage;
  /** True for a request with one message, which has one deadline; false for a stream, with one for each message. */
  readonly single: boolean;
  readonly traffic: Traffic;
  /** Called with the number of bytes received. */
  readonly carried: (bytes: number) => void;
  /** Returns false once the peer has cancelled. */
  readonly wanted: () => boolean;
  readonly errorOf: (fault: Fault) => ConnectError;
}

/** Headers that describe the body as it was sent, and no longer apply to what {@link bodyOf} yields. */
const LENGTH = "content-length";
const encodings = {
  whole: "content-encoding",
  connect: "connect-content-encoding",
  grpc: "grpc-encoding",
} as const;

/**
 * The body of a request in pieces that are each one whole, decompressed message. Connect allocates what a length or a
 * header announces; with whole messages, that much has been received already. Removes headers that no longer apply.
 */
export function bodyOf(
  request: HttpRequest,
  header: Headers,
  options: BodyOptions,
): AsyncIterable<Uint8Array> {
  const { input, single, traffic, carried, wanted, errorOf } = options;
  const type = header.get("content-type") ?? "";
  const [, protocol] = /^application\/(connect\+|grpc)/i.exec(type) ?? [];
  const encoding = encodings[protocol === undefined ? "whole" : protocol === "grpc" ? "grpc" : "connect"];
  // Connect refuses all others itself, with the error of the protocol.
  const gzipped = header.get(encoding) === "gzip";
  if (gzipped) header.delete(encoding);
  header.delete(LENGTH);

  const refuse = (fault: Fault) => incoming.fail(fault);
  const incoming = new Incoming(request, traffic, { framed: protocol !== undefined, carried, refuse });
  const gone = () => {
    if (!incoming.complete) incoming.fail(new ConnectError("the request was cut short", Code.Aborted));
  };
  request.once("error", gone);
  request.once("close", gone);

  const check = /json/i.test(type) ? checkJsonElements : (bytes: Uint8Array) => checkElements(input, bytes);
  const open = async (bytes: Buffer, compressed: boolean): Promise<Buffer> => {
    const { compressor } = traffic;
    const expanded = compressed && bytes.length > 0 ? await compressor.expand(bytes, "gzip", wanted) : bytes;
    check(expanded);
    return expanded;
  };
  const pieces =
    protocol === undefined ? whole(incoming, gzipped, open) : framed(incoming, single, gzipped, open);
  return caught(pieces, errorOf);
}

type Open = (bytes: Buffer, compressed: boolean) => Promise<Buffer>;

async function* whole(incoming: Incoming, gzipped: boolean, open: Open): AsyncGenerator<Uint8Array> {
  yield await open(await incoming.whole(), gzipped);
}

async function* framed(
  incoming: Incoming,
  single: boolean,
  gzipped: boolean,
  open: Open,
): AsyncGenerator<Uint8Array> {
  for await (const { flags, bytes } of incoming.messages(undefined, single)) {
    const compressed = (flags & 1) === 1 && gzipped;
    const expanded = await open(bytes, compressed);
    const piece = Buffer.allocUnsafe(PREFIX_BYTES + expanded.length);
    piece[0] = compressed ? flags & ~1 : flags;
    piece.writeUInt32BE(expanded.length, 1);
    expanded.copy(piece, PREFIX_BYTES);
    yield piece;
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
