import {
  type DescMethod,
  type DescMethodUnary,
  fromBinary,
  type Message,
  toBinary,
} from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { ConnectError, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "#wire/gen/google/rpc/error_details_pb";
import { StatusSchema } from "#wire/gen/google/rpc/status_pb";
import type { Opened } from "./open.js";

/** An error as any client sees it, with its details decoded. */
export interface SeenError {
  readonly code: number;
  readonly message: string;
  readonly reason: string | undefined;
  readonly fields: readonly string[];
  readonly retrySeconds: number | undefined;
}

export interface Seen {
  readonly answers: readonly Message[];
  readonly error?: SeenError;
}

/** One way to reach the same table: sends the requests, reads `atMost` answers, then gives up. */
export interface Mount {
  readonly name: string;
  call(
    method: DescMethod,
    requests: readonly Message[],
    atMost?: number,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Seen>;
  close(): void;
}

const schemas = [ErrorInfoSchema, BadRequestSchema, RetryInfoSchema] as const;

function seenError(code: number, message: string, details: readonly Message[]): SeenError {
  const find = <T extends Message>(typeName: T["$typeName"]) =>
    details.find((each) => each.$typeName === typeName) as T | undefined;
  type Of<S extends { typeName: string }> = Extract<
    import("@bufbuild/protobuf").MessageShape<(typeof schemas)[number]>,
    { $typeName: S["typeName"] }
  >;
  const info = find<Of<typeof ErrorInfoSchema>>("google.rpc.ErrorInfo");
  const bad = find<Of<typeof BadRequestSchema>>("google.rpc.BadRequest");
  const retry = find<Of<typeof RetryInfoSchema>>("google.rpc.RetryInfo");
  return {
    code,
    message,
    reason: info?.reason,
    fields: bad?.fieldViolations.map(({ field }) => field) ?? [],
    retrySeconds: retry?.retryDelay && Number(retry.retryDelay.seconds),
  };
}

export function grpcJsMount({ grpcPort }: Opened): Mount {
  const client = new Client(`127.0.0.1:${grpcPort}`, credentials.createInsecure());
  return {
    name: "grpc-js",
    close: () => client.close(),
    call: (method, requests, atMost = Number.POSITIVE_INFINITY, headers = {}) =>
      new Promise((resolve) => {
        const path = `/${method.parent.typeName}/${method.name}`;
        const serialize = (message: Message) => Buffer.from(toBinary(method.input, message));
        const deserialize = (bytes: Buffer) => fromBinary(method.output, bytes) as Message;
        const answers: Message[] = [];
        const stream = client.makeBidiStreamRequest(
          path,
          serialize,
          deserialize,
          Metadata.fromHttp2Headers(headers),
        );
        stream.on("data", (answer: Message) => {
          answers.push(answer);
          if (answers.length < atMost) return;
          resolve({ answers });
          stream.cancel();
        });
        stream.on("error", (error: ServiceError) => {
          const bytes = error.metadata.get("grpc-status-details-bin")[0];
          const packed = bytes === undefined ? [] : fromBinary(StatusSchema, bytes as Buffer).details;
          const details = packed.flatMap((any) => schemas.map((schema) => anyUnpack(any, schema)));
          const found = details.filter((each) => each !== undefined);
          resolve({ answers, error: seenError(error.code, error.details, found) });
        });
        stream.on("end", () => resolve({ answers }));
        for (const request of requests) stream.write(request);
        if (method.methodKind !== "bidi_streaming") stream.end();
      }),
  };
}

function transportMount(name: string, transport: Transport): Mount {
  return {
    name,
    close: () => undefined,
    call: async (method, requests, atMost = Number.POSITIVE_INFINITY, headers = {}) => {
      const answers: Message[] = [];
      const giveUp = new AbortController();
      async function* input() {
        for (const request of requests) yield request;
        if (method.methodKind !== "bidi_streaming") return;
        await new Promise((resolve) => giveUp.signal.addEventListener("abort", resolve));
      }
      try {
        if (method.methodKind === "unary") {
          const [request] = requests;
          const { message } = await transport.unary(
            method as DescMethodUnary,
            undefined,
            undefined,
            headers,
            request ?? {},
          );
          return { answers: [message as Message] };
        }
        const { message } = await transport.stream(
          method as never,
          giveUp.signal,
          undefined,
          headers,
          input(),
        );
        for await (const answer of message) {
          answers.push(answer as Message);
          if (answers.length >= atMost) break;
        }
        giveUp.abort();
        return { answers };
      } catch (error) {
        giveUp.abort();
        const failure = ConnectError.from(error);
        const details = schemas.flatMap((schema) => failure.findDetails(schema) as Message[]);
        return { answers, error: seenError(failure.code, failure.rawMessage, details) };
      }
    },
  };
}

/** Every way in. */
export function allMounts(opened: Opened): readonly Mount[] {
  const baseUrl = `http://127.0.0.1:${opened.httpPort}`;
  return [
    grpcJsMount(opened),
    transportMount("connect over HTTP/1.1", createConnectTransport({ baseUrl, httpVersion: "1.1" })),
    transportMount("connect over HTTP/2", createConnectTransport({ baseUrl, httpVersion: "2" })),
    transportMount(
      "connect as JSON",
      createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: false }),
    ),
    transportMount("gRPC-Web", createGrpcWebTransport({ baseUrl, httpVersion: "2" })),
    transportMount("gRPC over HTTP", createGrpcTransport({ baseUrl })),
    transportMount("in process", opened.gateway.transport),
  ];
}
