/** The table of handlers as native gRPC over HTTP/2. */
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { type DescMessage, type Message, toBinary } from "@bufbuild/protobuf";
import {
  Metadata,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
} from "@grpc/grpc-js";
import { limits } from "#limits/index";
import type { TlsSource } from "#ports/tls";
import { endAtExpiry } from "../access/expiry.js";
import { admitsBy } from "../connections/client-certificate.js";
import type { Connection, Connections } from "../connections/connections.js";
import type { Listener } from "../connections/listener.js";
import { certificateNotes } from "../connections/refused-certificate.js";
import type { RemotePeer } from "../connections/remote-peer.js";
import type { Session } from "../connections/session.js";
import { Sessions } from "../connections/sessions.js";
import { TlsHandshakes } from "../connections/tls.js";
import { answerTooLarge, CANCELLED, drainingFault, Meter, OK, type Outcome } from "../outcome.js";
import { type AnswerChannel, type Call, callBy, type Rpc, type Served } from "../rpc.js";
import { decode } from "../traffic/decode.js";
import type { OpenStream, OpenStreams } from "../traffic/streams.js";
import type { Traffic } from "../traffic/traffic.js";
import { GrpcEngine } from "./engine.js";
import { asBuffer, grpcStatus } from "./status.js";
import { pump, Received, received } from "./streams.js";
import { GrpcTransport, type GrpcTransportOptions, transportOf } from "./transport.js";

export interface GrpcParts {
  readonly rpcs: readonly Rpc[];
  readonly served: Served;
  readonly streams: OpenStreams;
  readonly connections: Connections;
  readonly traffic: Traffic;
  /** Absent for a listener in plaintext. */
  readonly tls?: TlsSource | undefined;
}

/** A listener for gRPC, not yet bound. */
export function grpcListener({ rpcs, served, streams, connections, traffic, tls }: GrpcParts): Listener {
  const engine = new GrpcEngine();
  const mounted = new Map<string, Mounted>();
  for (const rpc of rpcs) {
    const meter = new Meter(served.telemetry, rpc, "grpc");
    mounted.set(pathOf(rpc), { kind: rpc.kind, refused: (fault) => meter.count(meter.outcomeOf(fault)) });
    mount(engine, rpc, served, streams, meter);
  }
  const onStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, session: Session) => {
    const of = mounted.get(headers[":path"] ?? "") ?? NOT_MOUNTED;
    const transport = new GrpcTransport(stream, headers, session, { ...of, traffic });
    engine.serve(transport, headers, (made) => transport.intercept(made));
  };
  const sessions = new Sessions(onStream, "grpc", served.telemetry);
  const { telemetry } = served;
  const secured = (connection: Connection) => sessions.accept(connection);
  const admits = admitsBy(served.services.enrolment);
  const notes = certificateNotes(served.services.audit?.trail);
  const handshakes =
    tls &&
    new TlsHandshakes({
      source: tls,
      protocols: ["h2"],
      listener: "grpc",
      telemetry,
      admits,
      notes,
      secured,
    });
  const server = connections.server((connection) => (handshakes ?? sessions).accept(connection));
  return {
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        handshakes?.close();
        sessions.close();
      }),
    destroy: () => sessions.destroy(),
  };
}

/** What a transport needs to know of the rpc of its path. */
type Mounted = Pick<GrpcTransportOptions, "kind" | "refused">;

/** grpc-js refuses the path itself. */
const NOT_MOUNTED: Mounted = { kind: "unary", refused: () => undefined };

function mount(engine: GrpcEngine, rpc: Rpc, served: Served, streams: OpenStreams, meter: Meter): void {
  const name = rpc.method.localName;
  const definition: ServiceDefinition = {
    [name]: {
      path: pathOf(rpc),
      requestStream: rpc.kind === "bidi_streaming",
      responseStream: rpc.kind !== "unary",
      // Messages stay bytes here: requests are parsed, and answers encoded, where their failures can be reported.
      requestDeserialize: (bytes: Buffer) => new Received(bytes),
      requestSerialize: (bytes: Buffer) => bytes,
      responseDeserialize: (bytes: Buffer) => bytes,
      responseSerialize: (bytes: Buffer) => bytes,
    },
  };
  const handler =
    rpc.kind === "unary" ? unary(rpc, served, streams, meter) : streaming(rpc, served, streams, meter);
  engine.addService(definition, { [name]: handler });
}

function pathOf({ method }: Rpc): string {
  return `/${method.parent.typeName}/${method.name}`;
}

/** A request of this peer. */
function callOf(
  { services, telemetry, health, identify }: Served,
  asked: string,
  metadata: Metadata,
  channel: AnswerChannel,
  peer: RemotePeer,
): Call | Promise<Call> {
  // As over HTTP, where a header that comes twice is one with both values: neither of them counts alone.
  const header = (name: string) => {
    const values = metadata.get(name);
    return values.length > 0 ? values.join(", ") : undefined;
  };
  const reserve = (bytes: number) => channel.reserve(bytes);
  const traceparent = () => header("traceparent");
  const rest = { services, telemetry, health, reserve, traceparent, address: peer.address };
  return callBy(rest, identify({ asked, header, peer }));
}

/** A stream's answers count as they are written. */
const uncounted: AnswerChannel = { reserve: () => undefined };

function unary(rpc: Rpc & { kind: "unary" }, served: Served, streams: OpenStreams, meter: Meter) {
  const { input, output } = rpc.method;
  const asked = pathOf(rpc).slice(1);
  const handle = async (unaryCall: ServerUnaryCall<Received, Buffer>, open: OpenStream | undefined) => {
    if (open?.fault) throw open.fault;
    const transport = transportOf(unaryCall);
    const found = callOf(served, asked, unaryCall.metadata, transport, transport.connection);
    const call = found instanceof Promise ? await found : found;
    if (open) endAtExpiry(open, call.caller);
    const waitCall = open ? { ...call, signal: open } : call;
    open?.belongTo(call.caller);
    return rpc.handle(decode(input, unaryCall.request.take(), "binary"), waitCall);
  };
  return (unaryCall: ServerUnaryCall<Received, Buffer>, callback: sendUnaryData<Buffer>): void => {
    const beganAt = performance.now();
    let ended = false;
    const end = (outcome: Outcome, answer?: Buffer) => {
      // The deadline of the caller may have passed meanwhile.
      if (ended) return;
      ended = true;
      if (outcome.fault) callback(grpcStatus(outcome));
      else callback(null, answer);
      meter.count(outcome);
      meter.time(beganAt);
    };
    const transport = transportOf(unaryCall);
    const fail = (error: unknown) => end(meter.outcomeOf(error));
    transport.refuse = fail;
    if (served.health.draining && !rpc.always) {
      fail(drainingFault());
      return;
    }

    const open = rpc.waits ? streams.open() : undefined;
    // Called however the call ends.
    if (open) transport.onGone(() => streams.close(open));
    handle(unaryCall, open)
      .then((message) => {
        end(OK, encoded(output, message));
      })
      .catch((error: unknown) => {
        if (open?.aborted) end(open.fault ? meter.outcomeOf(open.fault) : CANCELLED);
        else fail(error);
      });
  };
}

type Stream = ServerDuplexStream<Received, Buffer> | ServerWritableStream<Received, Buffer>;

function streaming(rpc: Exclude<Rpc, { kind: "unary" }>, served: Served, streams: OpenStreams, meter: Meter) {
  const { input, output } = rpc.method;
  const serialize = (message: Message) => encoded(output, message);
  const asked = pathOf(rpc).slice(1);
  const serve = async (stream: Stream): Promise<void> => {
    const transport = transportOf(stream);
    // Peers wait for the headers before they send; without this call, the headers go out with the first message.
    stream.sendMetadata(new Metadata());
    const open = streams.open();
    const { signal } = open;
    transport.onGone(() => open.gone());
    transport.refuse = (fault) => open.end(fault);
    const identified = () => transport.connection.identified();
    const answering = { signal, end: open.end.bind(open), keep: open.keep.bind(open), identified };
    let outcome: Outcome = OK;
    try {
      const found = await callOf(served, asked, stream.metadata, uncounted, transport.connection);
      const streamCall = { ...found, ...answering };
      open.belongTo(streamCall.caller);
      endAtExpiry(open, streamCall.caller);
      const answers =
        rpc.kind === "bidi_streaming"
          ? rpc.handle(
              received(input, stream as ServerDuplexStream<Received, Buffer>, transport, signal),
              streamCall,
            )
          : rpc.handle(
              decode(input, (stream as ServerWritableStream<Received, Buffer>).request.take(), "binary"),
              streamCall,
            );
      await pump(answers, serialize, stream, signal);
    } catch (error) {
      outcome = transport.gone ? CANCELLED : meter.outcomeOf(error);
    }
    if (open.fault) outcome = meter.outcomeOf(open.fault);
    else if (transport.gone) outcome = CANCELLED;
    streams.close(open);
    meter.count(outcome);
    if (outcome.fault) transport.fail(outcome.fault);
    else stream.end();
  };
  return (stream: Stream): void => {
    serve(stream).catch((error: unknown) => meter.outcomeOf(error));
  };
}

/**
 * Checks the size of an answer: for a larger one grpc-js would end the call and never report it as written.
 *
 * @throws {Fault} `overloaded` if the answer is larger than a message may be
 */
function encoded(schema: DescMessage, message: Message): Buffer {
  const bytes = toBinary(schema, message);
  if (bytes.length > limits.messageBytes) throw answerTooLarge(bytes.length);
  return asBuffer(bytes);
}
