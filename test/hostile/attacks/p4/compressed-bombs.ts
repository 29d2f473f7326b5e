import { gzipSync } from "node:zlib";
import { paths } from "../../raw/paths.js";
import { END_STREAM, envelope, RawHttp2, requestHeaders } from "../../raw/raw-http2.js";
import { bothPorts, clockOf, pause, type Target } from "../../target.js";

const MIB = 1024 * 1024;
const CONNECTIONS = 10;
const STREAMS = 100;
/** A few kilobytes each that expand to much more than a message may be, or to exactly as much. */
const bomb = gzipSync(Buffer.alloc(64 * MIB));
const largest = gzipSync(Buffer.alloc(4 * MIB));
const empty = gzipSync(Buffer.alloc(0));
const COMPRESSED = 1;

/** Compressed messages that expand to very much, and very many that expand to nothing. */
export async function compressedBombs(target: Target): Promise<void> {
  const clock = clockOf(target);
  const many = Buffer.concat(Array.from({ length: 500 }, () => envelope(empty, empty.length, COMPRESSED)));
  while (clock()) {
    const sockets = bothPorts.flatMap((port) =>
      Array.from({ length: CONNECTIONS / 2 }, () => {
        const http2 = new RawHttp2(target[port]);
        for (let stream = 0; stream < STREAMS; stream++) {
          const headers = { "grpc-encoding": "gzip" };
          const kind = stream % 4;
          const path = kind === 3 ? paths.worker : [paths.unary, paths.watch, paths.batch][kind];
          const body = [
            envelope(bomb.subarray(0, 16_000), undefined, COMPRESSED),
            envelope(largest, undefined, COMPRESSED),
            envelope(largest, undefined, COMPRESSED),
            many,
          ][kind] as Buffer;
          const id = http2.request(requestHeaders(path as string, headers));
          http2.data(id, body.subarray(0, 16_000), kind === 3 ? 0 : END_STREAM);
        }
        return http2;
      }),
    );
    await pause(500);
    for (const socket of sockets) socket.end();
  }
}
