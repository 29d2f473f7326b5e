import { paths } from "../../raw/paths.js";
import { RawSocket } from "../../raw/raw-http1.js";
import { END_STREAM, envelope, frame, frameTypes, RawHttp2, requestHeaders } from "../../raw/raw-http2.js";
import { bothPorts, clockOf, pause, type Target } from "../../target.js";

const MIB = 1024 * 1024;
const FRAME = 16_384;

/** Requests of 4 MiB that are two million empty things, each of which is an object to who reads it. */
export async function manyElements(target: Target): Promise<void> {
  const clock = clockOf(target);
  const batch = envelope(Buffer.alloc(4 * MIB - 16, Buffer.from([0x0a, 0x00])));
  const json = `{"tasks":[${Array<string>(1_300_000).fill("{}").join(",")}]}`;
  while (clock()) {
    const sockets: RawSocket[] = [];
    for (const port of bothPorts) {
      const http2 = new RawHttp2(target[port]);
      sockets.push(http2);
      const id = http2.request(requestHeaders(paths.batch));
      for (let at = 0; at < batch.length && clock() && !http2.isClosed; at += FRAME) {
        const last = at + FRAME >= batch.length;
        await http2.flush(frame(frameTypes.data, last ? END_STREAM : 0, id, batch.subarray(at, at + FRAME)));
        // Within the window that the server opens again as it reads.
        if (at % (2 * FRAME) === 0) await pause(1);
      }
    }
    const http1 = new RawSocket(target.httpPort);
    sockets.push(http1);
    await http1.flush(
      `POST ${paths.batch} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${json.length}\r\n\r\n`,
    );
    await http1.flush(json);
    await pause(1_000);
    for (const socket of sockets) socket.end();
  }
}
