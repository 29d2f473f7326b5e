import { ServerInterceptingCall, type ServerInterceptingCallInterface } from "@grpc/grpc-js";
import type { GrpcTransport } from "./transport.js";

export type AuthContext = ReturnType<ServerInterceptingCall["getAuthContext"]> & {
  readonly transport: GrpcTransport;
};

/**
 * A call that gives its handler access to the transport, by the auth context: the only thing that grpc-js passes on.
 */
export class TransportCall extends ServerInterceptingCall {
  readonly #call: ServerInterceptingCallInterface;
  readonly #transport: GrpcTransport;

  constructor(call: ServerInterceptingCallInterface, transport: GrpcTransport) {
    super(call);
    this.#call = call;
    this.#transport = transport;
  }

  override getAuthContext(): AuthContext {
    return { transport: this.#transport };
  }

  /** No interceptor reads or changes messages here. */
  override start(...args: Parameters<ServerInterceptingCallInterface["start"]>): void {
    this.#call.start(...args);
  }

  override sendMessage(message: Buffer, taken: () => void): void {
    this.#call.sendMessage(message, taken);
  }
}

/** The transport of a stream handler's call. */
export function transportOf(stream: { getAuthContext(): object }): GrpcTransport {
  return (stream.getAuthContext() as AuthContext).transport;
}
