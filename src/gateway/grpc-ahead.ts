import {
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from "@grpc/grpc-js";

/** Bytes written and not yet taken by the network, past which the next message waits. */
const UNSENT = 128 * 1024;

/**
 * A call that takes the next message before the network has taken the last, as long as few bytes wait. Left
 * alone, grpc-js writes one message a turn of the event loop; this way those that are there together go out
 * together, an answer with the status after it. Messages must be bytes already.
 */
class AheadCall extends ServerInterceptingCall {
  readonly #call: ServerInterceptingCallInterface;
  #unsent = 0;
  #waiting: (() => void) | undefined;

  constructor(call: ServerInterceptingCallInterface) {
    super(call);
    this.#call = call;
  }

  /** What comes in goes straight on: nobody here listens to it. */
  override start(...args: Parameters<ServerInterceptingCallInterface["start"]>): void {
    this.#call.start(...args);
  }

  /** @param taken called as soon as the next message may come */
  override sendMessage(message: Buffer, taken: () => void): void {
    const { length } = message;
    this.#unsent += length;
    this.#call.sendMessage(message, () => {
      this.#unsent -= length;
      if (this.#unsent <= UNSENT) this.#go();
    });
    this.#waiting = taken;
    if (this.#unsent <= UNSENT) this.#go();
  }

  #go(): void {
    const taken = this.#waiting;
    this.#waiting = undefined;
    taken?.();
  }
}

export const writeAhead: ServerInterceptor = (_, call) => new AheadCall(call);
