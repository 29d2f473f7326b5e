import { paths } from "../../raw/paths.js";
import { RawSocket } from "../../raw/raw-http1.js";
import { END_STREAM, envelope, RawHttp2, requestHeaders } from "../../raw/raw-http2.js";
import { bothPorts, clockOf, type Target, untilOver } from "../../target.js";

const CONNECTIONS = 20;
const STREAMS = 100;
/** ServerReflectionRequest.file_containing_symbol: some ten kilobytes of answer for thirty of request. */
const symbol = Buffer.from("taskrun.v1.TaskService");
const question = envelope(Buffer.concat([Buffer.from([0x22, symbol.length]), symbol]));

/** Asks for much and reads nothing of it, by windows of 0 and by leaving it in the system's buffers. */
export async function unreadAnswers(target: Target): Promise<void> {
  const clock = clockOf(target);
  const questions = Buffer.concat(Array<Buffer>(200).fill(question));
  const sockets: RawSocket[] = [];
  for (const port of bothPorts) {
    for (let i = 0; i < CONNECTIONS / 2; i++) {
      const http2 = new RawHttp2(
        target[port],
        i % 2 === 0 ? { window: 0 } : { reads: false, window: 2 ** 31 - 1 },
      );
      sockets.push(http2);
      for (let stream = 0; stream < STREAMS; stream++) {
        const path = [paths.reflection, paths.list, paths.healthWatch][stream % 3] as string;
        const id = http2.request(requestHeaders(path));
        if (stream % 3 === 0) http2.data(id, questions);
        else http2.data(id, envelope(Buffer.alloc(0)), END_STREAM);
      }
    }
  }
  for (let i = 0; i < CONNECTIONS; i++) {
    const http1 = new RawSocket(target.httpPort, { reads: false });
    sockets.push(http1);
    http1.write("GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n".repeat(50));
  }
  await untilOver(target, clock);
  for (const socket of sockets) socket.end();
}
