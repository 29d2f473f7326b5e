import type { Message } from "@bufbuild/protobuf";
import {
  ConnectError,
  type ConnectRouter,
  createConnectRouter,
  createContextKey,
  type HandlerContext,
} from "@connectrpc/connect";
import type { Compression, UniversalHandler } from "@connectrpc/connect/protocol";
import { Fault } from "#domain/fault";
import { limits } from "#limits/index";
import { detailsOf, statusCodes, statusOf } from "#wire/faults";
import { CANCELLED, drainingFault, type Failure, Meter, OK, type Outcome } from "../outcome.js";
import type { AnswerChannel, Call, Rpc, Served, StreamCall } from "../rpc.js";
import type { Compressor } from "../traffic/compression.js";
import type { OpenStreams } from "../traffic/streams.js";

/** What a handler may do with the response that carries its answer. */
export interface Peer extends AnswerChannel {
  /** Sends the response headers before the first message. */
  sendHeaders(headers: Headers): void;
  /** Resets the stream without an error message, for a peer that does not read and would not get one. */
  hangUp(): void;
  /** Call when the peer has identified itself. */
  identified(): void;
}

export const peerKey = createContextKey<Peer>({
  sendHeaders: () => undefined,
  hangUp: () => undefined,
  identified: () => undefined,
  reserve: () => undefined,
});

/** The table of handlers as Connect, gRPC-Web and gRPC over HTTP. */
export function connectHandlers(
  rpcs: readonly Rpc[],
  served: Served,
  streams: OpenStreams,
  compressor: Compressor,
): readonly UniversalHandler[] {
  const router = createConnectRouter({
    readMaxBytes: limits.messageBytes,
    writeMaxBytes: limits.messageBytes,
    acceptCompression: [gzipBy(compressor)],
    binaryOptions: { readUnknownFields: false },
  });
  for (const rpc of rpcs) mount(router, rpc, served, streams);
  return router.handlers;
}

function mount(router: ConnectRouter, rpc: Rpc, served: Served, streams: OpenStreams): void {
  const meter = new Meter(served.telemetry, rpc, "http");
  switch (rpc.kind) {
    case "unary":
      router.rpc(rpc.method, (request: Message, context) =>
        answered(rpc, request, { served, meter, context }),
      );
      return;
    case "server_streaming":
      router.rpc(rpc.method, (request: Message, context) =>
        streamed((streamCall) => rpc.handle(request, streamCall), { served, streams, meter, context }),
      );
      return;
    case "bidi_streaming":
      router.rpc(rpc.method, (requests: AsyncIterable<Message>, context) =>
        streamed((streamCall) => rpc.handle(requests, streamCall), { served, streams, meter, context }),
      );
  }
}

/** A request of this peer. */
function callOf(
  { services, telemetry, health, identify }: Served,
  { requestHeader }: HandlerContext,
  channel: AnswerChannel,
): Call {
  const caller = identify({ header: (name) => requestHeader.get(name) ?? undefined });
  return { services, telemetry, health, caller, reserve: (bytes) => channel.reserve(bytes) };
}

/** A stream's answers count as they are written. */
const uncounted: AnswerChannel = { reserve: () => undefined };

async function answered(
  rpc: Rpc & { kind: "unary" },
  request: Message,
  { served, meter, context }: Omit<Serving, "streams">,
): Promise<Message> {
  const beganAt = performance.now();
  let outcome: Outcome = OK;
  try {
    const always = rpc.method.parent.typeName.startsWith("grpc.");
    if (served.health.draining && !always) throw drainingFault();
    return await rpc.handle(request, callOf(served, context, context.values.get(peerKey)));
  } catch (error) {
    const failure = meter.outcomeOf(error);
    outcome = failure;
    throw errorOf(failure);
  } finally {
    meter.count(outcome);
    meter.time(beganAt);
  }
}

interface Serving {
  readonly served: Served;
  readonly streams: OpenStreams;
  readonly meter: Meter;
  readonly context: HandlerContext;
}

async function* streamed(
  handle: (call: StreamCall) => AsyncIterable<Message>,
  { served, streams, meter, context }: Serving,
): AsyncGenerator<Message, void> {
  const peer = context.values.get(peerKey);
  peer.sendHeaders(context.responseHeader);
  const open = streams.open();
  const gone = () => open.gone();
  context.signal.addEventListener("abort", gone);
  if (context.signal.aborted) gone();
  let hangingUp: NodeJS.Timeout | undefined;
  open.signal.addEventListener("abort", () => {
    hangingUp = setTimeout(() => peer.hangUp(), limits.lastMessage);
  });
  let outcome: Outcome = CANCELLED;
  try {
    const { signal } = open;
    const identified = () => peer.identified();
    const call = callOf(served, context, uncounted);
    yield* handle({ ...call, signal, end: open.end.bind(open), keep: open.keep.bind(open), identified });
    outcome = open.signal.aborted ? CANCELLED : OK;
  } catch (error) {
    outcome = open.signal.aborted ? CANCELLED : meter.outcomeOf(error);
  } finally {
    if (open.fault) outcome = meter.outcomeOf(open.fault);
    context.signal.removeEventListener("abort", gone);
    streams.close(open);
    clearTimeout(hangingUp);
    meter.count(outcome);
  }
  if (outcome.fault) throw errorOf(outcome);
}

function errorOf({ status, fault }: Failure): ConnectError {
  const error = new ConnectError(fault.message, statusCodes[status]);
  error.details = detailsOf(fault);
  return error;
}

/** The Connect error for a failure outside the handlers. */
export function errorOfFault(fault: Fault): ConnectError {
  return errorOf({ status: statusOf(fault), fault });
}

function gzipBy(compressor: Compressor): Compression {
  const view = ({ buffer, byteOffset, length }: Buffer) =>
    new Uint8Array(buffer as ArrayBuffer, byteOffset, length);
  return {
    name: "gzip",
    compress: async (bytes) => view(await compressor.compress(bytes)),
    decompress: async (bytes) => {
      if (bytes.length === 0) return new Uint8Array(0);
      try {
        return view(await compressor.expand(bytes, "gzip"));
      } catch (error) {
        throw error instanceof Fault ? errorOfFault(error) : error;
      }
    },
  };
}
