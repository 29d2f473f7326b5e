import { createServer as createHttp1 } from "node:http";
import { createServer as createHttp2, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import { limits } from "#limits/index";
import type { TlsSource } from "#ports/tls";
import type { Admits } from "../connections/client-certificate.js";
import type { Connection, Connections } from "../connections/connections.js";
import type { Listener } from "../connections/listener.js";
import type { NotesCertificate } from "../connections/refused-certificate.js";
import type { Session } from "../connections/session.js";
import { Sessions } from "../connections/sessions.js";
import { type Speakers, sniff } from "../connections/sniff.js";
import { type Protocol, TlsHandshakes } from "../connections/tls.js";
import type { HttpRequest } from "./guard.js";
import { Http1Peer, Http2Peer, type HttpPeer } from "./peer.js";
import type { HttpResponse } from "./response.js";
import { pathOf, type ServeParts, serveHttp } from "./serve.js";

export interface HttpParts extends ServeParts {
  readonly connections: Connections;
  /** Absent for a listener in plaintext. */
  readonly tls?: TlsSource | undefined;
  /** Says whether a worker's certificate may be used still. */
  readonly admits?: Admits | undefined;
  /** Is told of certificates that are refused. */
  readonly notes?: NotesCertificate | undefined;
}

/** A listener for all protocols over HTTP, not bound yet. */
export function httpListener(parts: HttpParts): Listener {
  const answer = (request: HttpRequest, response: HttpResponse, peer: HttpPeer): void => {
    void serveHttp({ request, response, peer, path: pathOf(request) }, parts);
  };

  const peers = new WeakMap<Socket, Http1Peer>();
  const http1 = createHttp1({
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.headers,
    connectionsCheckingInterval: limits.deadlineEvery,
    requestTimeout: limits.body,
    keepAliveTimeout: limits.idleHttp1,
  }).on("request", (request, response) => {
    const peer = peers.get(request.socket);
    if (peer?.begin(request, response)) answer(request, response, peer);
  });
  // A server that does not listen itself checks these timeouts only after a `listening` event.
  http1.emit("listening");

  // Node's HTTP/2 requests and responses are made by a server; this one is given streams and never listens.
  const streamed = new WeakMap<ServerHttp2Stream, Session>();
  const http2 = createHttp2().on("request", (request, response) => {
    const session = streamed.get(request.stream);
    if (session) answer(request, response, new Http2Peer(session));
  });
  const sessions = new Sessions(
    (stream, headers, session, flags, rawHeaders) => {
      streamed.set(stream, session);
      http2.emit("stream", stream, headers, flags, rawHeaders);
    },
    "http",
    parts.telemetry,
  );

  const speakers = {
    http1: (connection: Connection) => {
      peers.set(connection.socket, new Http1Peer(connection));
      http1.emit("connection", connection.socket);
    },
    http2: (connection: Connection) => sessions.accept(connection),
  };
  const handshakes = parts.tls && handshakesOf(parts.tls, parts, speakers);
  const server = parts.connections.server((connection) => {
    if (handshakes) handshakes.accept(connection);
    else sniff(connection, speakers);
  });
  return {
    server,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        handshakes?.close();
        http1.close();
        http1.closeIdleConnections();
        sessions.close();
      }),
    destroy: () => {
      http1.closeAllConnections();
      sessions.destroy();
    },
  };
}

/** Of TLS the peer has said by ALPN what it speaks. */
function handshakesOf(
  source: TlsSource,
  { telemetry, admits, notes }: Pick<HttpParts, "telemetry" | "admits" | "notes">,
  { http1, http2 }: Speakers,
): TlsHandshakes {
  const protocols = ["h2", "http/1.1"] as const;
  const secured = (connection: Connection, protocol: Protocol) =>
    protocol === "h2" ? http2(connection) : http1(connection);
  return new TlsHandshakes({ source, protocols, listener: "http", telemetry, admits, notes, secured });
}
