import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http2";
import type { Socket } from "node:net";
import {
  logVerbosity,
  Server,
  type ServerInterceptingCallInterface,
  type ServiceDefinition,
  setLogVerbosity,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { limits } from "#limits/index";

/** The part of an HTTP/2 stream that grpc-js uses; a test checks that it is complete. */
export interface EngineStream {
  readonly session: { readonly socket: Socket };
  readonly destroyed: boolean;
  readonly closed: boolean;
  readonly rstCode: number | undefined;
  on(event: "data" | "end", listener: (chunk: Buffer) => void): unknown;
  once(event: "close" | "error" | "wantTrailers", listener: (error: Error) => void): unknown;
  pause(): unknown;
  resume(): unknown;
  respond(headers: OutgoingHttpHeaders, options: { endStream?: boolean; waitForTrailers?: boolean }): void;
  write(bytes: Buffer, taken: (error?: Error | null) => void): unknown;
  end(): unknown;
  sendTrailers(headers: OutgoingHttpHeaders): void;
}

/** Called with the call that grpc-js has made of a stream; returns the call that the handler gets in its place. */
export type Intercept = (call: ServerInterceptingCallInterface) => ServerInterceptingCallInterface;

interface StreamHandler {
  _streamHandler(
    interceptors: readonly ((method: unknown, call: ServerInterceptingCallInterface) => unknown)[],
    stream: EngineStream,
    headers: IncomingHttpHeaders,
  ): void;
}

const options = {
  "grpc.max_receive_message_length": limits.messageBytes,
  "grpc.max_send_message_length": limits.messageBytes,
  // With channelz, another method would handle streams.
  "grpc.enable_channelz": 0,
};

/**
 * grpc-js without its transport: it is given single streams. Its public interface takes whole connections at best
 * (`createConnectionInjector`), and hides the sessions, which must be guarded here, and the bytes, which must be
 * counted here. So this file, and no other, uses a method that is not public; the version of grpc-js is pinned
 * exactly.
 */
export class GrpcEngine {
  readonly #server: Server;
  /** The same. */
  readonly #handler: StreamHandler;

  /** @throws {Error} if this is not the grpc-js that this file was written for */
  constructor() {
    // It prints metadata that it cannot read to stderr.
    setLogVerbosity(logVerbosity.NONE);
    this.#server = new Server(options);
    const handler: object = this.#server;
    assertStreamHandler(handler);
    this.#handler = handler;
  }

  addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    this.#server.addService(definition, implementation);
  }

  /** Serves one stream. Refuses it if it is not gRPC or if its method is unknown. */
  serve(stream: EngineStream, headers: IncomingHttpHeaders, intercept: Intercept): void {
    this.#handler._streamHandler([(_, call) => intercept(call)], stream, headers);
  }
}

/** @throws {Error} */
export function assertStreamHandler(server: object): asserts server is StreamHandler {
  if ("_streamHandler" in server && typeof server._streamHandler === "function") return;
  throw new Error(
    "this @grpc/grpc-js has no Server._streamHandler: install version 1.14.7, as package.json says",
  );
}
