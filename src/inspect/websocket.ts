import { WebSocket } from "ws";
import { limits } from "#limits/index";
import type { Log } from "#ports/telemetry";
import type { InspectionHub } from "./hub.js";
import { Pacer } from "./pacer.js";
import { droppedEvent } from "./protocol.js";
import type { Viewer } from "./viewer.js";

export interface InspectorServerParts {
  readonly hub: Pick<InspectionHub, "attach">;
  readonly log: Log;
}

/**
 * Sends all events to an inspector server, as `createWebSocketInspector` of `@statelyai/inspect` does. Looks on only while
 * it is connected, and tries again for as long as it is not: an inspector that comes or goes is no concern of the plane.
 */
export class InspectorServerClient {
  readonly #url: string;
  readonly #parts: InspectorServerParts;
  #socket: WebSocket | undefined;
  #sending: Sending | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** Failures since the last connection. */
  #failures = 0;
  #isStopped = false;

  /** @param url `ws:` or `wss:` */
  constructor(url: string, parts: InspectorServerParts) {
    this.#url = url;
    this.#parts = parts;
  }

  start(): void {
    const socket = new WebSocket(this.#url, {
      handshakeTimeout: limits.inspectConnect,
      maxPayload: limits.inspectReceivedBytes,
      perMessageDeflate: false,
    });
    this.#socket = socket;
    let reason = "it has closed the connection";
    socket.on("open", () => {
      this.#failures = 0;
      const viewer = this.#parts.hub.attach();
      if (!viewer) {
        this.#parts.log.warn("too many look on: this inspector server gets nothing", {
          url: this.#url,
        });
        socket.close();
        return;
      }
      this.#parts.log.info("what the plane does is sent to an inspector server", { url: this.#url });
      this.#sending = new Sending(socket, viewer);
    });
    socket.on("error", ({ message }) => {
      reason = message;
    });
    socket.on("close", () => {
      this.#sending?.stop();
      this.#sending = undefined;
      this.#again(reason);
    });
  }

  /** Sends what still waits, and closes the connection; cuts it if the peer takes longer than a last message may. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#retry);
    const socket = this.#socket;
    if (!socket || socket.readyState === WebSocket.CLOSED) return;
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    const cut = setTimeout(() => socket.terminate(), limits.lastMessage);
    if (this.#sending) {
      this.#sending.flush();
      socket.close();
    } else socket.terminate();
    await closed;
    clearTimeout(cut);
  }

  #again(reason: string): void {
    if (this.#isStopped) return;
    if (this.#failures === 0) {
      this.#parts.log.warn("an inspector server cannot be reached; it is tried again until it can", {
        url: this.#url,
        reason,
      });
    }
    const wait = Math.min(limits.inspectReconnect * 2 ** this.#failures, limits.inspectReconnectMost);
    this.#failures += 1;
    this.#retry = setTimeout(() => this.start(), wait).unref();
  }
}

/** Sends what a viewer gets over a connection, and notices when the peer is gone. */
class Sending {
  readonly #socket: WebSocket;
  readonly #viewer: Viewer;
  readonly #pacer: Pacer;
  readonly #pinging: NodeJS.Timeout;
  #isAlive = true;

  constructor(socket: WebSocket, viewer: Viewer) {
    this.#socket = socket;
    this.#viewer = viewer;
    this.#pacer = new Pacer(viewer, () => void this.#send(limits.inspectAtOnce));
    this.#pinging = setInterval(() => this.#ping(), limits.inspectHeartbeat).unref();
    socket.on("pong", () => {
      this.#isAlive = true;
    });
  }

  stop(): void {
    clearInterval(this.#pinging);
    this.#pacer.stop();
    this.#viewer.close();
  }

  /** Sends all that waits, as far as the peer takes it. */
  flush(): void {
    while (!this.#viewer.isIdle && this.#send(limits.inspectBuffered));
  }

  /** @returns false if the peer has not taken enough of what was sent before */
  #send(most: number): boolean {
    if (this.#socket.bufferedAmount > limits.inspectUnsentBytes) return false;
    const { dropped, items } = this.#viewer.take(most);
    if (dropped > 0) this.#socket.send(JSON.stringify(droppedEvent(dropped)));
    for (const { json } of items) this.#socket.send(json);
    return true;
  }

  #ping(): void {
    if (!this.#isAlive) {
      this.#socket.terminate();
      return;
    }
    this.#isAlive = false;
    this.#socket.ping();
  }
}
