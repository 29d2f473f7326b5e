import type { Message } from "@bufbuild/protobuf";
import type { ServerDuplexStream, ServerWritableStream } from "@grpc/grpc-js";

/**
 * Writes all answers, at the pace at which the peer reads: the next is made when the call has taken the last.
 * The stream itself would keep sixteen of any size. Stops early when the signal aborts.
 */
export async function pump(
  answers: AsyncIterable<Message>,
  serialize: (message: Message) => Buffer,
  stream: ServerWritableStream<Message, Buffer> | ServerDuplexStream<Message, Buffer>,
  signal: AbortSignal,
): Promise<void> {
  let wake = () => {};
  const onChange = () => wake();
  signal.addEventListener("abort", onChange);
  try {
    for await (const answer of answers) {
      stream.write(serialize(answer), onChange);
      while (stream.writableLength > 0 && !signal.aborted) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (signal.aborted) return;
    }
  } finally {
    signal.removeEventListener("abort", onChange);
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
      const message: Message | null = stream.read();
      if (message !== null) {
        yield message;
        continue;
      }
      if (stream.readableEnded || stream.destroyed) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    for (const event of events) stream.off(event, onChange);
    signal.removeEventListener("abort", onChange);
  }
}
