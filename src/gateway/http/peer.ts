import type { IncomingMessage, ServerResponse } from "node:http";
import { limits } from "#limits/index";
import type { Connection } from "../connections/connections.js";
import type { RemotePeer } from "../connections/remote-peer.js";
import type { Session } from "../connections/session.js";
import type { AnswerQuota } from "../traffic/answer-admission.js";

/** Receives what one request reports to its connection. */
export interface HttpPeer {
  readonly quota: AnswerQuota;
  /** The other end; absent on a server of the host's. */
  readonly remote?: RemotePeer;
  /** The peer has identified itself. */
  identified(): void;
  /** This many bytes of content have been received. */
  carried(bytes: number): void;
  /** This many bytes of an answer are being written. */
  sent(bytes: number): void;
}

export class Http2Peer implements HttpPeer {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  get quota(): AnswerQuota {
    return this.#session.connection.quota;
  }

  get remote(): RemotePeer {
    return this.#session.connection;
  }

  identified(): void {
    this.#session.connection.identified();
  }

  carried(bytes: number): void {
    this.#session.carried(bytes);
  }

  sent(bytes: number): void {
    this.#session.sent(bytes);
  }
}

/** A connection of HTTP/1.1, with pipelining: a request may come before earlier ones are answered. */
export class Http1Peer implements HttpPeer {
  readonly #connection: Connection;
  #open = 0;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  get quota(): AnswerQuota {
    return this.#connection.quota;
  }

  get remote(): RemotePeer {
    return this.#connection;
  }

  /** @returns false if the request is refused; then it has been answered, or its connection closed */
  begin(request: IncomingMessage, response: ServerResponse): boolean {
    response.once("close", () => {
      this.#open--;
      if (!request.complete) discardRest(request);
    });
    if (++this.#open > limits.streamsPerClientConnection) {
      request.socket.destroy();
      return false;
    }
    if (request.rawHeaders.length <= 2 * limits.headerPairs) return true;
    response.writeHead(431, { connection: "close" }).end();
    return false;
  }

  identified(): void {
    this.#connection.identified();
  }

  /** Nothing to count: Node bounds what HTTP/1.1 sends in addition to content. */
  carried(): void {}

  sent(): void {}
}

/**
 * Has the rest of a request that was answered early read and thrown away, as Node does, so that its connection can be used again:
 * who sends it has often begun, and was told that it may. Where the rest is long, of unknown length, or late, the connection is closed.
 */
function discardRest(request: IncomingMessage): void {
  const { socket, headers } = request;
  const announced = Number(headers["content-length"] ?? Number.POSITIVE_INFINITY);
  if (announced > limits.discardedBytes) {
    socket.destroy();
    return;
  }
  const late = setTimeout(() => socket.destroy(), limits.halfOpen).unref();
  request.once("close", () => clearTimeout(late));
}
