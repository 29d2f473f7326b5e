import { RawSocket } from "../../raw/raw-http1.js";
import { RawHttp2 } from "../../raw/raw-http2.js";
import { bothPorts, clockOf, pause, type Target } from "../../target.js";

/** More than any server should hold at once. */
const CONNECTIONS = 3_000;
const AT_ONCE = 100;

/** Very many connections that say nothing, or shake hands and then say nothing. */
export async function manyConnections(target: Target): Promise<void> {
  const clock = clockOf(target);
  const sockets: RawSocket[] = [];
  for (let i = 0; i < CONNECTIONS && clock(); i += AT_ONCE) {
    for (let n = 0; n < AT_ONCE; n++) {
      const port = target[bothPorts[n % 2] as "grpcPort"];
      sockets.push(n % 4 < 2 ? new RawSocket(port) : new RawHttp2(port));
    }
    await pause(20);
  }
  while (clock()) await pause(100);
  for (const socket of sockets) socket.end();
}
