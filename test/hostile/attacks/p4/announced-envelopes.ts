import { paths } from "../../raw/paths.js";
import { RawSocket } from "../../raw/raw-http1.js";
import { envelope, RawHttp2, requestHeaders } from "../../raw/raw-http2.js";
import { bothPorts, clockOf, type Target, untilOver } from "../../target.js";

const MIB = 1024 * 1024;
const CONNECTIONS = 20;
const STREAMS = 100;
/** Who announces messages of 4 MiB, and how. */
const kinds: readonly Readonly<Record<string, string>>[] = [
  { "content-type": "application/grpc" },
  { "content-type": "application/grpc-web+proto" },
  { "content-type": "application/connect+proto" },
];

/** Many streams that announce messages of the largest size and send nothing of them. */
export async function announcedEnvelopes(target: Target): Promise<void> {
  const clock = clockOf(target);
  const sockets: RawSocket[] = [];
  const announced = envelope(Buffer.alloc(0), 4 * MIB);
  for (const port of bothPorts) {
    for (let i = 0; i < CONNECTIONS / 2; i++) {
      const http2 = new RawHttp2(target[port]);
      sockets.push(http2);
      for (let stream = 0; stream < STREAMS; stream++) {
        const kind = port === "grpcPort" ? kinds[0] : kinds[stream % kinds.length];
        const path = [paths.unary, paths.watch, paths.worker][stream % 3] as string;
        http2.data(http2.request(requestHeaders(path, kind)), announced);
      }
    }
  }
  // A length in a header is an announcement too.
  for (let i = 0; i < CONNECTIONS; i++) {
    const http1 = new RawSocket(target.httpPort);
    sockets.push(http1);
    http1.write(
      `POST ${paths.unary} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/proto\r\ncontent-length: ${4 * MIB}\r\n\r\nx`,
    );
    const http2 = new RawHttp2(target.httpPort);
    sockets.push(http2);
    const headers = { "content-type": "application/proto", "content-length": String(4 * MIB) };
    for (let stream = 0; stream < STREAMS; stream++) {
      http2.data(http2.request(requestHeaders(paths.unary, headers)), Buffer.from("x"));
    }
  }
  await untilOver(target, clock);
  for (const socket of sockets) socket.end();
}
