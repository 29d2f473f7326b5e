import { paths } from "../../raw/paths.js";
import { RawSocket } from "../../raw/raw-http1.js";
import { envelope, RawHttp2, requestHeaders } from "../../raw/raw-http2.js";
import { bothPorts, clockOf, pause, type Target } from "../../target.js";

const CONNECTIONS = 10;
const STREAMS = 100;

/** Unary requests that send half of their body, a byte a second, or only their headers, and answer all pings. */
export async function unfinishedBodies(target: Target): Promise<void> {
  const clock = clockOf(target);
  const begin = envelope(Buffer.alloc(100), 10_000);
  const sockets: RawHttp2[] = [];
  const http1s: RawSocket[] = [];
  for (const port of bothPorts) {
    for (let i = 0; i < CONNECTIONS / 2; i++) {
      const http2 = new RawHttp2(target[port]);
      sockets.push(http2);
      for (let stream = 0; stream < STREAMS; stream++) {
        const id = http2.request(requestHeaders(stream % 2 === 0 ? paths.unary : paths.watch));
        if (stream % 3 > 0) http2.data(id, begin);
      }
    }
  }
  for (let i = 0; i < CONNECTIONS; i++) {
    const http1 = new RawSocket(target.httpPort);
    http1s.push(http1);
    http1.write(
      `POST ${paths.unary} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
    );
  }
  while (clock()) {
    for (const http2 of sockets) {
      for (let id = 5; id < 2 * STREAMS; id += 6)
        if (!http2.endedStreams.has(id)) http2.data(id, Buffer.from("x"));
    }
    for (const http1 of http1s) http1.write("1\r\nx\r\n");
    await pause(1_000);
  }
  for (const socket of [...sockets, ...http1s]) socket.end();
}
