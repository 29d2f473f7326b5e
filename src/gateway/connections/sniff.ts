import { limits } from "#limits/index";
import type { Connection } from "./connections.js";

/** The first bytes of every HTTP/2 connection. An HTTP/1.1 request may begin alike, but never with all of it. */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** Called with a connection once its protocol is known. */
export interface Speakers {
  http1(connection: Connection): void;
  http2(connection: Connection): void;
}

/**
 * Detects from the peer's first bytes whether it speaks HTTP/1.1 or unencrypted HTTP/2, so that both share one port.
 */
export function sniff(connection: Connection, { http1, http2 }: Speakers): void {
  const { socket } = connection;
  let seen: Buffer = Buffer.alloc(0);
  const silent = setTimeout(() => socket.destroy(), limits.handshake);
  const forget = () => socket.destroy();

  const onData = (chunk: Buffer) => {
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    const compared = Math.min(seen.length, PREFACE.length);
    const alike = seen.subarray(0, compared).equals(PREFACE.subarray(0, compared));
    if (alike && compared < PREFACE.length) return;

    clearTimeout(silent);
    socket.off("data", onData);
    socket.off("error", forget);
    socket.off("end", forget);
    socket.pause();
    socket.unshift(seen);
    if (alike) {
      // The session first takes what is in the socket's buffer, then reads without the socket.
      http2(connection);
    } else {
      http1(connection);
      socket.resume();
    }
  };
  socket.on("data", onData);
  socket.on("error", forget);
  socket.on("end", forget);
  socket.on("close", () => clearTimeout(silent));
}
