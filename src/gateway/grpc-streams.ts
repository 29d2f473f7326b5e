import type { Message } from "@bufbuild/protobuf";
import type { ServerDuplexStream, ServerWritableStream } from "@grpc/grpc-js";

/** Bytes written and not yet taken by the network, past which the next answer waits. */
const UNSENT = 128 * 1024;

/**
 * Writes all answers, at the pace at which the peer reads. grpc-js counts messages, not bytes, and would
 * keep sixteen of any size; this counts bytes. Stops early when the signal aborts.
 */
export async function pump(
  answers: AsyncIterable<Message>,
  serialize: (message: Message) => Buffer,
  stream: ServerWritableStream<Message, Buffer> | ServerDuplexStream<Message, Buffer>,
  signal: AbortSignal,
): Promise<void> {
  let unsent = 0;
  let wake = () => {};
  const onAbort = () => wake();
  signal.addEventListener("abort", onAbort);
  try {
    for await (const answer of answers) {
      const bytes = serialize(answer);
      unsent += bytes.length;
      stream.write(bytes, () => {
        unsent -= bytes.length;
        wake();
      });
      while (unsent > UNSENT && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (signal.aborted) return;
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/**
 * What the peer says, one message at a time: the next is read when this one has been dealt with. Ends when
 * the peer has said all, or when the signal aborts.
 */
export async function* received(
  stream: ServerDuplexStream<Message, Buffer>,
  signal: AbortSignal,
): AsyncGenerator<Message, void> {
  let wake = () => {};
  const onChange = () => wake();
  const events = ["readable", "end", "close"] as const;
  for (const event of events) stream.on(event, onChange);
  signal.addEventListener("abort", onChange);
  try {
    while (!signal.aborted) {
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const message: Message | null = stream.read();
      if (message !== null) yield message;
      else if (stream.readableEnded || stream.destroyed) return;
      else await changed;
    }
  } finally {
    for (const event of events) stream.off(event, onChange);
    signal.removeEventListener("abort", onChange);
  }
}
