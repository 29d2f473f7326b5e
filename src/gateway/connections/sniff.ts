import { limits } from "#limits/index";
import type { Connection } from "./connections.js";

/** How every HTTP/2 connection begins. HTTP/1.1 requests may share its first letters, never all of it. */
const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** What takes a connection over once its protocol is known. */
export interface Speakers {
  http1(connection: Connection): void;
  http2(connection: Connection): void;
}

/** HTTP/1.1 and unencrypted HTTP/2 on one port: the peer's first bytes tell which. */
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
      // The session takes what lies in the buffer by itself, then reads past the socket.
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
