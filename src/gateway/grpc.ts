import { type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import {
  logVerbosity,
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerErrorResponse,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type sendUnaryData,
  setLogVerbosity,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { limits } from "#domain/limits";
import { encodeStatus, statusCodes } from "#wire/faults";
import { writeAhead } from "./grpc-ahead.js";
import { pump, received } from "./grpc-streams.js";
import {
  answerTooLarge,
  CANCELLED,
  drainingFault,
  type Failure,
  Meter,
  OK,
  type Outcome,
} from "./outcome.js";
import type { Call, Rpc } from "./rpc.js";
import type { OpenStreams } from "./streams.js";

const options = {
  "grpc.max_receive_message_length": limits.messageBytes,
  "grpc.max_send_message_length": limits.messageBytes,
  "grpc.max_concurrent_streams": limits.streamsPerClientConnection,
  "grpc.keepalive_time_ms": limits.keepalivePing,
  "grpc.keepalive_timeout_ms": limits.keepaliveTimeout,
  "grpc.enable_channelz": 0,
};

/** The table of handlers as a native gRPC server, not yet bound. */
export function grpcServer(rpcs: readonly Rpc[], call: Call, streams: OpenStreams): Server {
  const server = new Server({ ...options, interceptors: [writeAhead] });
  for (const rpc of rpcs) {
    const { definition, implementation } = mounted(rpc, call, streams);
    server.addService(definition, implementation);
  }
  return server;
}

/** @returns the port that was bound, which is another than asked for if 0 was */
export function bindGrpc(server: Server, address: string): Promise<number> {
  // A failure is told to the caller; grpc-js would print it to stderr as well.
  setLogVerbosity(logVerbosity.NONE);
  return new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}

function mounted(rpc: Rpc, call: Call, streams: OpenStreams) {
  const { method } = rpc;
  const definition: ServiceDefinition = {
    [method.localName]: {
      path: `/${method.parent.typeName}/${method.name}`,
      requestStream: rpc.kind === "bidi_streaming",
      responseStream: rpc.kind !== "unary",
      requestDeserialize: (bytes: Buffer) => fromBinary(method.input, bytes),
      requestSerialize: (message: Message) => asBuffer(toBinary(method.input, message)),
      responseDeserialize: (bytes: Buffer) => fromBinary(method.output, bytes),
      // Handlers' answers are made into bytes here already, where their size counts.
      responseSerialize: (bytes: Buffer) => bytes,
    },
  };
  const meter = new Meter(call.telemetry, rpc, "grpc");
  const handler =
    rpc.kind === "unary" ? unaryHandler(rpc, call, meter) : streamHandler(rpc, call, streams, meter);
  const implementation: UntypedServiceImplementation = { [method.localName]: handler };
  return { definition, implementation };
}

function unaryHandler(rpc: Rpc & { kind: "unary" }, call: Call, meter: Meter) {
  const { output, parent } = rpc.method;
  const always = parent.typeName.startsWith("grpc.");
  return ({ request }: ServerUnaryCall<Message, Buffer>, callback: sendUnaryData<Buffer>): void => {
    const beganAt = performance.now();
    const fail = (error: unknown) => {
      const outcome = meter.outcomeOf(error);
      callback(errorOf(outcome));
      meter.count(outcome);
      meter.time(beganAt);
    };
    if (call.health.draining && !always) {
      fail(drainingFault());
      return;
    }

    rpc
      .handle(request, call)
      .then((message) => {
        callback(null, encoded(output, message));
        meter.count(OK);
        meter.time(beganAt);
      })
      .catch(fail);
  };
}

type Stream = ServerDuplexStream<Message, Buffer> | ServerWritableStream<Message, Buffer>;

function streamHandler(rpc: Exclude<Rpc, { kind: "unary" }>, call: Call, streams: OpenStreams, meter: Meter) {
  const serialize = (message: Message) => encoded(rpc.method.output, message);
  const serve = async (stream: Stream): Promise<void> => {
    // Peers wait for the headers before they speak; left alone, they go out with the first message.
    stream.sendMetadata(new Metadata());
    const open = streams.open();
    const gone = () => open.gone();
    stream.once("cancelled", gone);
    const { signal } = open;
    const streamCall = { ...call, signal, end: open.end.bind(open) };
    let outcome: Outcome = OK;
    try {
      const answers =
        rpc.kind === "bidi_streaming"
          ? rpc.handle(received(stream as ServerDuplexStream<Message, Buffer>, signal), streamCall)
          : rpc.handle((stream as ServerWritableStream<Message, Buffer>).request, streamCall);
      await pump(answers, serialize, stream, signal);
    } catch (error) {
      outcome = stream.cancelled ? CANCELLED : meter.outcomeOf(error);
    }
    if (open.fault) outcome = meter.outcomeOf(open.fault);
    else if (stream.cancelled) outcome = CANCELLED;
    stream.off("cancelled", gone);
    streams.close(open);
    meter.count(outcome);
    if (stream.cancelled) return;
    if (outcome.fault) stream.emit("error", errorOf(outcome));
    else stream.end();
  };
  return (stream: Stream): void => {
    serve(stream).catch((error: unknown) => meter.outcomeOf(error));
  };
}

function errorOf({ status, fault }: Failure): ServerErrorResponse {
  const { message } = fault;
  const metadata = new Metadata();
  metadata.set("grpc-status-details-bin", asBuffer(encodeStatus(fault)));
  return { name: status, message, code: statusCodes[status], details: message, metadata };
}

/**
 * Left to itself, grpc-js ends the call and never tells who waits for the message to be written.
 *
 * @throws {Fault} `overloaded` if the answer is larger than a message may be
 */
function encoded(schema: DescMessage, message: Message): Buffer {
  const bytes = toBinary(schema, message);
  if (bytes.length > limits.messageBytes) throw answerTooLarge(bytes.length);
  return asBuffer(bytes);
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}
