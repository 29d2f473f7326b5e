import type { Message } from "@bufbuild/protobuf";
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createConnectRouter,
  createContextKey,
  type HandlerContext,
} from "@connectrpc/connect";
import type { Compression, UniversalHandler } from "@connectrpc/connect/protocol";
import { limits } from "#limits/index";
import { detailsOf, headersOf, statusCodes } from "#wire/faults";
import { endAtExpiry } from "../access/expiry.js";
import type { RemotePeer } from "../connections/remote-peer.js";
import type { Deadline } from "../deadline.js";
import { CANCELLED, drainingFault, type Failure, Meter, OK, type Outcome } from "../outcome.js";
import { type AnswerChannel, type Call, callBy, type Rpc, type Served, type StreamCall } from "../rpc.js";
import type { Compressor } from "../traffic/compression.js";
import type { OpenStream, OpenStreams } from "../traffic/streams.js";
import { ReceivedMessages } from "./received.js";

/** What a handler may do with the response that carries its answer. */
export interface Peer extends AnswerChannel {
  /** The messages of its request, which Connect has not decoded. */
  readonly received: ReceivedMessages;
  /** Sends the response headers before the first message. */
  sendHeaders(headers: Headers): void;
  /** Resets the stream without an error message, for a peer that does not read and would not get one. */
  hangUp(): void;
  /** Call when the peer has identified itself. */
  identified(): void;
  /** The other end, if it is known. */
  readonly remote: RemotePeer | undefined;
  /** The deadline that the peer has set, if any. */
  readonly deadline: Deadline | undefined;
}

export const peerKey = createContextKey<Peer>({
  received: new ReceivedMessages(),
  sendHeaders: () => undefined,
  hangUp: () => undefined,
  identified: () => undefined,
  reserve: () => undefined,
  remote: undefined,
  deadline: undefined,
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
  const serving = (context: HandlerContext): Serving => {
    return { served, streams, meter, context, peer: context.values.get(peerKey) };
  };
  switch (rpc.kind) {
    case "unary":
      router.rpc(rpc.method, (request: Message, context) => answered(rpc, request, serving(context)));
      return;
    case "server_streaming":
      router.rpc(rpc.method, (request: Message, context) =>
        streamed((call, { received }) => rpc.handle(received.take(request), call), serving(context)),
      );
      return;
    case "bidi_streaming":
      router.rpc(rpc.method, (requests: AsyncIterable<Message>, context) =>
        streamed((call, { received }) => rpc.handle(received.takeAll(requests), call), serving(context)),
      );
  }
}

/** A request of this peer. */
function callOf(
  { services, telemetry, health, identify }: Served,
  { requestHeader, method, service, values }: HandlerContext,
  channel: AnswerChannel,
): Call | Promise<Call> {
  const header = (name: string) => requestHeader.get(name) ?? undefined;
  const reserve = (bytes: number) => channel.reserve(bytes);
  const { remote: peer } = values.get(peerKey);
  const caller = identify({ asked: `${service.typeName}/${method.name}`, header, peer });
  const traceparent = () => header("traceparent");
  return callBy({ services, telemetry, health, reserve, traceparent, address: peer?.address }, caller);
}

/** A stream's answers count as they are written. */
const uncounted: AnswerChannel = { reserve: () => undefined };

interface Serving {
  readonly served: Served;
  readonly streams: OpenStreams;
  readonly meter: Meter;
  readonly context: HandlerContext;
  readonly peer: Peer;
}

async function answered(rpc: Rpc & { kind: "unary" }, request: Message, serving: Serving): Promise<Message> {
  const { served, meter, context, peer } = serving;
  const beganAt = performance.now();
  let outcome: Outcome = OK;
  let wait: OpenStream | undefined;
  try {
    if (served.health.draining && !rpc.always) throw drainingFault();
    wait = rpc.waits ? serving.streams.openWait(context.signal) : undefined;
    const found = callOf(served, context, peer);
    const call = found instanceof Promise ? await found : found;
    wait?.belongTo(call.caller);
    if (wait) endAtExpiry(wait, call.caller);
    const answer = rpc.handle(peer.received.take(request), wait ? { ...call, signal: wait } : call);
    return await (peer.deadline ? peer.deadline.race(answer) : answer);
  } catch (error) {
    const isGone = wait?.aborted && !wait.fault;
    const failure = isGone ? CANCELLED : meter.outcomeOf(wait?.fault ?? error);
    outcome = failure;
    throw errorOf(failure);
  } finally {
    if (wait) serving.streams.close(wait);
    meter.count(outcome);
    meter.time(beganAt);
  }
}

async function* streamed(
  handle: (call: StreamCall, peer: Peer) => AsyncIterable<Message>,
  { served, streams, meter, context, peer }: Serving,
): AsyncGenerator<Message, void> {
  peer.sendHeaders(context.responseHeader);
  const open = streams.open();
  const gone = () => open.gone();
  context.signal.addEventListener("abort", gone);
  if (context.signal.aborted) gone();
  let hangingUp: NodeJS.Timeout | undefined;
  open.signal.addEventListener("abort", () => {
    hangingUp = setTimeout(() => peer.hangUp(), limits.lastMessage);
  });
  peer.deadline?.onPassed((fault) => open.end(fault));
  let outcome: Outcome = CANCELLED;
  try {
    const { signal } = open;
    const identified = () => peer.identified();
    const call = await callOf(served, context, uncounted);
    open.belongTo(call.caller);
    endAtExpiry(open, call.caller);
    const streamCall = { ...call, signal, end: open.end.bind(open), keep: open.keep.bind(open), identified };
    yield* handle(streamCall, peer);
    outcome = open.signal.aborted ? CANCELLED : OK;
  } catch (error) {
    outcome = open.signal.aborted || isCutShort(error) ? CANCELLED : meter.outcomeOf(error);
  } finally {
    if (open.fault) outcome = meter.outcomeOf(open.fault);
    context.signal.removeEventListener("abort", gone);
    streams.close(open);
    clearTimeout(hangingUp);
    meter.count(outcome);
  }
  if (outcome.fault) throw errorOf(outcome);
}

/** True for the error of a request whose peer is gone. */
function isCutShort(error: unknown): boolean {
  return error instanceof ConnectError && error.code === Code.Aborted;
}

function errorOf({ status, fault }: Failure): ConnectError {
  const error = new ConnectError(fault.message, statusCodes[status]);
  error.details = detailsOf(fault);
  for (const [name, value] of Object.entries(headersOf(fault))) error.metadata.set(name, value);
  return error;
}

function gzipBy(compressor: Compressor): Compression {
  const view = ({ buffer, byteOffset, length }: Buffer) =>
    new Uint8Array(buffer as ArrayBuffer, byteOffset, length);
  return {
    name: "gzip",
    compress: async (bytes) => view(await compressor.compress(bytes)),
    // Bodies are decompressed before Connect sees them.
    decompress: async (bytes) => new Uint8Array(bytes),
  };
}
