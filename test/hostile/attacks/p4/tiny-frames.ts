import { paths } from "../../raw/paths.js";
import { envelope, frame, frameTypes, RawHttp2, requestHeaders } from "../../raw/raw-http2.js";
import { bothPorts, clockOf, pause, type Target, untilOver } from "../../target.js";

const MIB = 1024 * 1024;
const CONNECTIONS = 10;
const STREAMS = 50;
/** Below the window of a stream, so that all of it is taken in. */
const BYTES = 60_000;

/** Large messages in frames of one byte each, which never end. */
export async function tinyFrames(target: Target): Promise<void> {
  const clock = clockOf(target);
  const sockets = bothPorts.flatMap((port) =>
    Array.from({ length: CONNECTIONS / 2 }, () => new RawHttp2(target[port])),
  );
  const work = sockets.map(async (http2) => {
    const ids = Array.from({ length: STREAMS }, (_, i) =>
      http2.request(requestHeaders(i % 2 === 0 ? paths.unary : paths.worker)),
    );
    for (const id of ids) http2.data(id, envelope(Buffer.alloc(0), 4 * MIB));
    for (let sent = 0; sent < BYTES && clock() && !http2.isClosed; sent += 1_000) {
      for (const id of ids) {
        const one = frame(frameTypes.data, 0, id, Buffer.from("x"));
        await http2.flush(Buffer.concat(Array<Buffer>(1_000).fill(one)));
      }
    }
  });
  await Promise.race([Promise.all(work), untilOver(target, clock)]);
  await pause(100);
  for (const socket of sockets) socket.end();
}
