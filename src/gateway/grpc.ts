/** The table of handlers as native gRPC over HTTP/2. */
import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { type DescMessage, type Message, toBinary } from "@bufbuild/protobuf";
import { limits } from "#domain/limits";
import type { Connections } from "./connections.js";
import { GrpcCall } from "./grpc-call.js";
import { statusOfOutcome } from "./grpc-status.js";
import { parse, parsed, pump } from "./grpc-streams.js";
import type { Listener } from "./listener.js";
import { answerTooLarge, CANCELLED, drainingFault, Meter, OK, type Outcome } from "./outcome.js";
import type { Call, Rpc } from "./rpc.js";
import { type Session, Sessions } from "./sessions.js";
import type { OpenStreams } from "./streams.js";
import type { Traffic } from "./traffic.js";

export interface GrpcParts {
  readonly rpcs: readonly Rpc[];
  readonly call: Call;
  readonly streams: OpenStreams;
  readonly connections: Connections;
  readonly traffic: Traffic;
}

type Serve = (grpc: GrpcCall) => void;

/** A listener for gRPC, not yet bound. */
export function grpcListener({ rpcs, call, streams, connections, traffic }: GrpcParts): Listener {
  const served = new Map(
    rpcs.map((rpc): [string, Serve] => {
      const meter = new Meter(call.telemetry, rpc, "grpc");
      const serve = rpc.kind === "unary" ? unary(rpc, call, meter) : streaming(rpc, call, streams, meter);
      return [`/${rpc.method.parent.typeName}/${rpc.method.name}`, serve];
    }),
  );
  const onStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, session: Session) => {
    if (!isGrpc(headers)) {
      // Whatever it is, it does not read gRPC's statuses.
      stream.respond({ ":status": 415 }, { endStream: true });
      return;
    }
    const path = headers[":path"] ?? "";
    const grpc = new GrpcCall(stream, headers, session, traffic);
    const serve = served.get(path);
    if (serve) serve(grpc);
    else grpc.end({ name: "UNIMPLEMENTED", message: `The server does not implement the method ${path}` });
  };
  const sessions = new Sessions(onStream, "grpc", call.telemetry);
  const server = connections.server((connection) => sessions.accept(connection));
  return {
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        sessions.close();
      }),
    destroy: () => sessions.destroy(),
  };
}

function isGrpc(headers: IncomingHttpHeaders): boolean {
  return headers[":method"] === "POST" && /^application\/grpc(?:$|[+;])/i.test(headers["content-type"] ?? "");
}

function unary(rpc: Rpc & { kind: "unary" }, call: Call, meter: Meter): Serve {
  const { input, output, parent } = rpc.method;
  const always = parent.typeName.startsWith("grpc.");
  const handle = async (bytes: Uint8Array) => rpc.handle(parse(input, bytes), call);
  return (grpc) =>
    grpc.single((bytes) => {
      const beganAt = performance.now();
      const fail = (error: unknown) => {
        const outcome = meter.outcomeOf(error);
        grpc.end(statusOfOutcome(outcome));
        meter.count(outcome);
        meter.time(beganAt);
      };
      if (call.health.draining && !always) return fail(drainingFault());

      handle(bytes)
        .then((message) => {
          grpc.answer(encoded(output, message));
          meter.count(OK);
          meter.time(beganAt);
        })
        .catch(fail);
    });
}

function streaming(
  rpc: Exclude<Rpc, { kind: "unary" }>,
  call: Call,
  streams: OpenStreams,
  meter: Meter,
): Serve {
  const { input, output } = rpc.method;
  const serialize = (message: Message) => encoded(output, message);
  const serve = async (grpc: GrpcCall, request?: Buffer): Promise<void> => {
    // Peers wait for the headers before they speak; left alone, they go out with the first message.
    grpc.sendHeaders();
    const open = streams.open();
    const { signal } = open;
    grpc.onGone(() => open.gone());
    grpc.refuse = (fault) => open.end(fault);
    const identified = () => grpc.session.connection.identified();
    const streamCall = { ...call, signal, end: open.end.bind(open), identified };
    let outcome: Outcome = OK;
    try {
      const answers =
        rpc.kind === "bidi_streaming"
          ? rpc.handle(parsed(input, grpc.messages(signal)), streamCall)
          : rpc.handle(parse(input, request as Buffer), streamCall);
      await pump(answers, serialize, grpc, signal);
    } catch (error) {
      outcome = grpc.gone ? CANCELLED : meter.outcomeOf(error);
    }
    if (open.fault) outcome = meter.outcomeOf(open.fault);
    else if (grpc.gone) outcome = CANCELLED;
    streams.close(open);
    meter.count(outcome);
    grpc.end(statusOfOutcome(outcome));
  };
  const begin = (grpc: GrpcCall, request?: Buffer) => {
    serve(grpc, request).catch((error: unknown) => meter.outcomeOf(error));
  };
  if (rpc.kind === "bidi_streaming") return (grpc) => begin(grpc);
  return (grpc) => grpc.single((bytes) => begin(grpc, bytes));
}

/** @throws {Fault} `overloaded` if the answer is larger than a message may be */
function encoded(schema: DescMessage, message: Message): Uint8Array {
  const bytes = toBinary(schema, message);
  if (bytes.length > limits.messageBytes) throw answerTooLarge(bytes.length);
  return bytes;
}
