import { type DescMessage, fromBinary, type Message } from "@bufbuild/protobuf";
import { Fault } from "#domain/fault";
import { checkElements } from "./elements.js";
import type { GrpcCall } from "./grpc-call.js";

/** Nobody here looks at fields of later versions, each of which would be kept as an object. */
const KNOWN_ONLY = { readUnknownFields: false };

/**
 * Sends all answers, at the pace at which the peer reads. Those that are there together go out together, as long as
 * few bytes wait. Stops early when the signal aborts.
 */
export async function pump(
  answers: AsyncIterable<Message>,
  serialize: (answer: Message) => Uint8Array,
  call: GrpcCall,
  signal: AbortSignal,
): Promise<void> {
  for await (const answer of answers) {
    call.send(serialize(answer));
    if (call.full) await call.drained(signal);
    if (signal.aborted) return;
  }
}

/** @throws {Fault} `invalid` if the bytes are no such message, or make up more than a message may have */
export function parse(schema: DescMessage, bytes: Uint8Array): Message {
  checkElements(schema, bytes);
  try {
    return fromBinary(schema, bytes, KNOWN_ONLY);
  } catch (cause) {
    const message = `the message cannot be read as ${schema.typeName}: ${(cause as Error).message}`;
    throw new Fault("invalid", message, { reason: "MESSAGE_MALFORMED", cause });
  }
}

/** The messages of the peer, one at a time. */
export async function* parsed(
  schema: DescMessage,
  messages: AsyncIterable<Uint8Array>,
): AsyncGenerator<Message, void> {
  for await (const bytes of messages) yield parse(schema, bytes);
}
