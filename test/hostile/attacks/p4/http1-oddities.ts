import { oddities } from "../../raw/oddities.js";
import { RawSocket } from "../../raw/raw-http1.js";
import { bothPorts, clockOf, pause, type Target } from "../../target.js";

/** All that is odd on a plain port, over and over, on both ports. */
export async function http1Oddities(target: Target): Promise<void> {
  const clock = clockOf(target);
  while (clock()) {
    const sockets = bothPorts.flatMap((port) =>
      Object.values(oddities).map((bytes) => {
        const socket = new RawSocket(target[port]);
        socket.write(bytes);
        return socket;
      }),
    );
    await pause(200);
    for (const socket of sockets) socket.end();
  }
}
