/** Connections and calls that end with the attack, by Node's own HTTP/2 and by bare sockets. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import type { Target } from "../target.js";

/** A field of a protobuf message that holds a text shorter than 16 KiB. */
export function stringField(number: number, text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([number * 8 + 2, (bytes.length & 127) | 128, bytes.length >> 7]), bytes]);
}

/** A connection that is dropped when the time is up, to the gRPC listener if `i` is even, else to the HTTP one. */
export function session(target: Target, i: number, windowSize?: number): ClientHttp2Session {
  const port = i % 2 === 0 ? target.grpcPort : target.httpPort;
  const settings = windowSize === undefined ? {} : { initialWindowSize: windowSize };
  const opened = connect(`http://127.0.0.1:${port}`, { settings });
  opened.on("error", () => {});
  target.signal.addEventListener("abort", () => opened.destroy(), { once: true });
  return opened;
}

/** A gRPC call that is open and has said nothing yet. */
export function grpcRequest(
  http2: ClientHttp2Session,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): ClientHttp2Stream {
  const own = { ":method": "POST", ":path": path, te: "trailers", "content-type": "application/grpc" };
  const stream = http2.request({ ...own, ...headers });
  stream.on("error", () => {});
  return stream;
}

/** A bare socket, to the gRPC listener if `i` is even, else to the HTTP one. */
export function socket(target: Target, i: number): Socket {
  const opened = connectTcp(i % 2 === 0 ? target.grpcPort : target.httpPort, "127.0.0.1");
  opened.on("error", () => {});
  target.signal.addEventListener("abort", () => opened.destroy(), { once: true });
  return opened;
}

/** Writes for as long as the other side takes it, and no longer than the time lasts. */
export async function pour(to: Socket, { signal }: Target, bytes: () => Uint8Array): Promise<void> {
  while (!signal.aborted && !to.destroyed) {
    if (to.write(bytes())) await new Promise((resolve) => setImmediate(resolve));
    else await new Promise((resolve) => to.once("drain", resolve).once("close", resolve));
  }
}
