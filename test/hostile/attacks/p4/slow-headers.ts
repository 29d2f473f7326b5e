import { paths } from "../../raw/paths.js";
import { RawSocket } from "../../raw/raw-http1.js";
import {
  END_HEADERS,
  frame,
  frameTypes,
  hpack,
  PREFACE,
  RawHttp2,
  requestHeaders,
} from "../../raw/raw-http2.js";
import { bothPorts, clockOf, pause, type Target } from "../../target.js";

const CONNECTIONS = 40;

/** Connections that are silent, say half a preface, begin headers and do not end them, or send very many of them. */
export async function slowHeaders(target: Target): Promise<void> {
  const clock = clockOf(target);
  const head = hpack(requestHeaders(paths.healthCheck));
  const half = frame(frameTypes.headers, 0, 1, head);
  const sockets = bothPorts.flatMap((port) =>
    Array.from({ length: CONNECTIONS / 2 }, (_, i) => {
      if (i % 5 === 0) return new RawSocket(target[port]);
      if (i % 5 === 1) {
        const socket = new RawSocket(target[port]);
        socket.write(PREFACE.subarray(0, 20));
        return socket;
      }
      const http2 = new RawHttp2(target[port], { acknowledges: i % 2 === 0 });
      if (i % 5 === 2) http2.write(half);
      if (i % 5 === 3) {
        const padding = Object.fromEntries(
          Array.from({ length: 20 }, (_, n) => [`x-${n}`, "y".repeat(2_000)]),
        );
        const large = hpack({ ...requestHeaders(paths.healthCheck), ...padding });
        http2.write(frame(frameTypes.headers, 0, 1, large.subarray(0, 16_000)));
        http2.write(frame(frameTypes.continuation, 0, 1, large.subarray(16_000, 32_000)));
        http2.write(frame(frameTypes.continuation, END_HEADERS, 1, large.subarray(32_000)));
      }
      if (i % 5 === 4) {
        const pairs = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`x-${n}`, "y"]));
        http2.request({ ...requestHeaders(paths.healthCheck), ...pairs });
      }
      return http2;
    }),
  );
  const http1 = new RawSocket(target.httpPort);
  http1.write("GET / HTTP/1.1\r\nhost: localhost\r\n");
  for (let n = 0; clock(); n++) {
    http1.write(`x-${n}: y\r\n`);
    await pause(500);
  }
  for (const socket of [...sockets, http1]) socket.end();
}
