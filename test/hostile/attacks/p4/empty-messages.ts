import { paths } from "../../raw/paths.js";
import { envelope, RawHttp2, requestHeaders } from "../../raw/raw-http2.js";
import { bothPorts, clockOf, pause, type Target, untilOver } from "../../target.js";

const CONNECTIONS = 10;
const STREAMS = 50;
const MESSAGES = 3_000;

/** Streams full of empty messages, whose answers are never read: each is five bytes, and an object to who takes it. */
export async function emptyMessages(target: Target): Promise<void> {
  const clock = clockOf(target);
  const many = Buffer.concat(Array<Buffer>(MESSAGES).fill(envelope(Buffer.alloc(0))));
  const sockets = bothPorts.flatMap((port) =>
    Array.from({ length: CONNECTIONS / 2 }, () => new RawHttp2(target[port], { window: 0 })),
  );
  const work = sockets.map(async (http2) => {
    const path = [paths.reflection, paths.worker, paths.unary];
    const ids = Array.from({ length: STREAMS }, (_, i) =>
      http2.request(requestHeaders(path[i % 3] as string)),
    );
    for (let round = 0; round < 4 && clock(); round++) {
      for (const id of ids) http2.data(id, many);
      await pause(100);
    }
  });
  await Promise.race([Promise.all(work), untilOver(target, clock)]);
  await untilOver(target, clock);
  for (const socket of sockets) socket.end();
}
