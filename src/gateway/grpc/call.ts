import { ServerInterceptingCall, type ServerInterceptingCallInterface } from "@grpc/grpc-js";

export type AuthContext<Transport> = ReturnType<ServerInterceptingCall["getAuthContext"]> & {
  readonly transport: Transport;
};

/**
 * A call that gives its handler access to the transport, by the auth context: the only thing that grpc-js passes on.
 */
export class TransportCall<Transport> extends ServerInterceptingCall {
  readonly #call: ServerInterceptingCallInterface;
  readonly #transport: Transport;

  constructor(call: ServerInterceptingCallInterface, transport: Transport) {
    super(call);
    this.#call = call;
    this.#transport = transport;
  }

  override getAuthContext(): AuthContext<Transport> {
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
