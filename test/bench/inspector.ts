/**
 * An inspector server, a process of its own: takes the events of the server under load and counts them, as cheaply as can
 * be.
 */
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";
import { answer } from "./child.js";

/** What it tells: where it listens, and what it has got so far. */
export interface InspectorFigures {
  readonly port: number;
  readonly events: number;
  readonly bytes: number;
}

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
await once(server, "listening");
const figures = { events: 0, bytes: 0 };
server.on("connection", (socket) => {
  socket.on("message", (data: Buffer) => {
    figures.events += 1;
    figures.bytes += data.length;
  });
});

answer<object, InspectorFigures>(async () => {
  return { port: (server.address() as AddressInfo).port, ...figures };
});
