import { type DescMessage, fromBinary, type Message, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { limits } from "#limits/index";
import type { Pace } from "../connections/pace.js";
import { answerTooLarge, CANCELLED } from "../outcome.js";
import { decode } from "../traffic/decode.js";
import { messageTooLarge } from "../traffic/message-reader.js";

/*
 * Messages between a caller in this process and the table are encoded and decoded, as between processes: so neither side
 * can change an object of the other, and limits, defaults and texts are the same as over a network.
 */

/**
 * The bytes that a caller sends.
 *
 * @throws {ConnectError} if the message has no form in the protocol, which is a mistake of the caller
 */
export function sentBytes(schema: DescMessage, message: Message): Uint8Array {
  try {
    return toBinary(schema, message);
  } catch (error) {
    throw ConnectError.from(error, Code.Internal);
  }
}

/** The message that a handler gets. @throws {Fault} if it is too large, or has too many elements */
export function received(schema: DescMessage, bytes: Uint8Array): Message {
  if (bytes.length > limits.messageBytes) throw messageTooLarge(bytes.length);
  return decode(schema, bytes, "binary");
}

/** The answer that a caller gets. @throws {Fault} if it is larger than a message may be */
export function answered(schema: DescMessage, answer: Message): Message {
  const bytes = toBinary(schema, answer);
  if (bytes.length > limits.messageBytes) throw answerTooLarge(bytes.length);
  return fromBinary(schema, bytes);
}

/**
 * Yields a caller's messages one at a time, each once the handler asks for it. Ends when the caller has sent everything,
 * or when the signal aborts.
 *
 * @throws {Fault} like {@link received}, and one that counts as cancelled if the caller's iterable throws
 */
export async function* receivedAll(
  schema: DescMessage,
  messages: AsyncIterable<Message>,
  pace: Pace,
  signal: AbortSignal,
): AsyncGenerator<Message, void> {
  const iterator = messages[Symbol.asyncIterator]();
  let wake = () => {};
  const aborted = () => wake();
  signal.addEventListener("abort", aborted);
  try {
    while (!signal.aborted) {
      const next = await new Promise<IteratorResult<Message> | undefined>((resolve, reject) => {
        wake = () => resolve(undefined);
        iterator.next().then(resolve, () => reject(CANCELLED.fault));
      });
      if (!next || next.done) return;
      const crowded = pace.next();
      if (crowded) await crowded;
      yield received(schema, sentBytes(schema, next.value));
    }
  } finally {
    signal.removeEventListener("abort", aborted);
  }
}
