import type { DescMessage, Message } from "@bufbuild/protobuf";
import type { ServerDuplexStream, ServerWritableStream } from "@grpc/grpc-js";
import { decode } from "../traffic/decode.js";
import type { GrpcTransport } from "./transport.js";

const NOTHING = Buffer.alloc(0);

/**
 * The bytes of a received message. An object, because grpc-js keeps it while the call is open, but the bytes must go.
 */
export class Received {
  #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Returns the bytes and releases them. Call once. */
  take(): Buffer {
    const bytes = this.#bytes;
    this.#bytes = NOTHING;
    return bytes;
  }
}

type Duplex = ServerDuplexStream<Received, Buffer>;

/**
 * Writes all answers at the pace at which the peer reads: takes the next one when the transport has taken the last. The
 * stream itself would buffer sixteen messages of any size. Stops early when the signal aborts.
 */
export async function pump(
  answers: AsyncIterable<Message>,
  serialize: (answer: Message) => Buffer,
  stream: ServerWritableStream<Received, Buffer> | Duplex,
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
 * Yields the peer's messages one at a time. Ends when the peer has sent everything, or when the signal aborts.
 *
 * @throws {Fault} like {@link decode}
 */
export async function* received(
  schema: DescMessage,
  stream: Duplex,
  transport: GrpcTransport,
  signal: AbortSignal,
): AsyncGenerator<Message, void> {
  let wake = () => {};
  const onChange = () => wake();
  const events = ["readable", "end", "close"] as const;
  for (const event of events) stream.on(event, onChange);
  signal.addEventListener("abort", onChange);
  try {
    while (!signal.aborted) {
      const message: Received | null = stream.read();
      if (message !== null) {
        const crowded = transport.pace();
        if (crowded) await crowded;
        const bytes = message.take();
        transport.took(bytes.length);
        yield decode(schema, bytes, "binary");
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
