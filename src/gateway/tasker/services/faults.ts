import type { Message } from "@bufbuild/protobuf";
import { Fault } from "#domain/fault";
import { retryAfterOf } from "#wire/faults";
import type { Call, Rpc, StreamCall } from "../../rpc.js";

/**
 * The failure as Tasker's clients take it: what is to be tried again later is UNAVAILABLE for them, whatever is full. All else is the
 * same as for every other client.
 */
export function taskerFault(error: unknown): unknown {
  if (!(error instanceof Fault)) return error;
  const isFull = error.code === "overloaded" || error.code === "disk_full";
  const retryAfter = retryAfterOf(error);
  // An answer that is too large is too large later, too.
  if (!isFull || retryAfter === 0) return error;
  const { message, reason, details } = error;
  return new Fault("unavailable", message, { ...details, reason, retryAfter });
}

/** A Task or Step that is in no state for it: Tasker calls that an invalid request. */
export function asInvalid(field: string, error: unknown): unknown {
  if (!(error instanceof Fault) || error.code !== "wrong_state") return error;
  const { message, reason, details } = error;
  return new Fault("invalid", message, { ...details, reason, field });
}

/** The rpc, whose failures are those of {@link taskerFault}. */
export function inTaskersWords(rpc: Rpc): Rpc {
  if (rpc.kind === "bidi_streaming") return rpc;
  if (rpc.kind === "server_streaming") {
    return { ...rpc, handle: (request: Message, call: StreamCall) => translated(rpc.handle(request, call)) };
  }
  return {
    ...rpc,
    handle: (request: Message, call: Call) =>
      rpc.handle(request, call).catch((error: unknown) => {
        throw taskerFault(error);
      }),
  };
}

async function* translated(answers: AsyncIterable<Message>): AsyncGenerator<Message, void> {
  try {
    yield* answers;
  } catch (error) {
    throw taskerFault(error);
  }
}
